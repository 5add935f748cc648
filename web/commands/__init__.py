"""What the commands do; `web/cli.py` declares them. Each module imports late and prints for people or as JSON Lines."""
