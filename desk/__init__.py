"""Who is talking and what is owed. Start at `models.py`; `access.py` has the only doors for outsiders' ids."""
