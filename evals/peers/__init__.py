"""What a user would put together from the popular frameworks, beside Firstline: `firstline bench peers`.

Start at `compare.py`. A peer is a small class of two verbs (`peer.py`) in a module of its own, listed in `registry.py`;
its packages come with the extra `firstline[peers]`, and one that is not installed is reported and passed over.
"""
