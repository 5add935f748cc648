"""How good Firstline is, in figures. Start at `bench/` for speed and at `retrieval.py` for finding the right article.

Stands above everything: it may import any package, and no package imports it.
"""
