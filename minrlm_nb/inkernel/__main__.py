"""``python -m minrlm_nb.inkernel -f CONNECTION_FILE [--calls SOCKET] [--owned PID]``."""

from .absent import UNWANTED, absent

with absent(*UNWANTED):
    from .app import main

main()
