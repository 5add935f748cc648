"""The doors. Start at `adapter.py`: a channel is one class of two verbs, listed in `registry.py`. Knows only `base`."""
