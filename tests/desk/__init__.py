"""Tickets, deadlines and the people behind them."""
