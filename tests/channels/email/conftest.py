from tests.mailserver.fixtures import _mail_daemons, mail_server, make_account

__all__ = ["_mail_daemons", "mail_server", "make_account"]
