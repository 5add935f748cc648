"""How fast Firstline is on this machine: `firstline bench`. One module per figure, put together in `__main__.py`.

Everything is measured on installations of their own in temporary folders, on loopback, without a chat model.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as web/cli.py does for every command
