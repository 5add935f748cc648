"""How good Firstline is, in figures. Start at `run.py` for `firstline eval`, at `bench/` for speed; docs/evals.md tells how.

Stands above everything: it may import any package, and no package imports it.
"""
