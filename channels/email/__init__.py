"""The e-mail door. Start at `mime.read_mail`: raw bytes in, a `Mail` out; `imap.py` fetches them, `smtp.py` hands replies over.

Nothing in a mail is believed because the mail says so: who may add to a conversation is decided in `desk`, from what is
signed (`addresses.py`) and from what our own mail server found out (`authenticity.py`).
"""
