"""Addresses by who uses them: chat (widgets), public pages, sign-in, inbox and knowledge (staff), api (programs)."""
