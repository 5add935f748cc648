"""The shared words and tools. Imports nothing of ours; everybody imports it. Start at `messages.py` and `settings.py`."""
