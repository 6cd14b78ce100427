"""The driver's side of the REPL kernel: starting it, running cells on it, answering its calls, reading its outputs.

`session.ReplSession` is what the engine uses; `inputs.as_inputs` turns what a caller has into what it takes.
"""
