"""Measurements of the product itself, as scripts: what a run costs beyond the model's own time."""
