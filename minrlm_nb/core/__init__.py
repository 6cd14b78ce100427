"""The decisions of a run, without I/O: what to ask, when to stop, what to tell the model."""
