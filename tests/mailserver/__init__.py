"""A real mail server for the tests: Postfix takes mail in, Dovecot keeps it. Start at `server.MailServer`.

    Postfix: SMTP, submission (AUTH, STARTTLS), SMTPS  ->  LMTP  ->  Dovecot: IMAP (STARTTLS), IMAPS, quota, XOAUTH2

Everything listens on 127.0.0.1, on free ports, and lives in one short folder that is gone after the run. Both daemons change
users, so they need root: see `fixtures.py` for what happens without. `scripted.py` plays the servers that misbehave.
"""
