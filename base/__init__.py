"""The shared words and tools. Imports nothing of ours; all import it. Start at `messages.py` and `settings.py`."""
