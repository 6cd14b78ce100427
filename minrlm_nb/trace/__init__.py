"""The run as a notebook: what is kept (schema, codec), how it reads (cells, markdown), written and read back.

A trace is ordinary nbformat 4.5 that shows well anywhere; its metadata holds the whole record.
"""

from .build import build_notebook
from .files import default_path
from .read import load, read_trace, records_of
from .write import TraceWriter, save_notebook

__all__ = ["TraceWriter", "build_notebook", "default_path", "load", "read_trace", "records_of", "save_notebook"]
