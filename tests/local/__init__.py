"""The embedded model: fetching, keeping and serving it, and what it is told."""
