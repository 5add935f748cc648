"""Who is talking and what is owed. Start at `models.py`; `sla.py` computes deadlines, `store.py` holds the queries."""
