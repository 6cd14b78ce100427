"""What a person sees of a run: progress, the report in the notebook, the steps on a terminal.

All of it listens to events or reads the record; text from models, kernels and inputs is escaped by construction.
"""
