"""The building: where everything is put together. Start at `wiring.build()`; `app.py` serves it, `cli.py` drives it."""
