"""The REPL kernel: what runs in the second process, where the model's cells and the inputs live.

Standard library, IPython, ipykernel and `minrlm_nb.wire` only, so that it starts fast and fits in a box.
"""
