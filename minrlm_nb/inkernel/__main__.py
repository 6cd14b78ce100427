"""``python -m minrlm_nb.inkernel -f CONNECTION_FILE [--calls SOCKET] [--owned PID]``."""

from .app import main

main()
