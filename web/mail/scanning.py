"""Files of a mail before the virus scanner: what it finds is not kept, what it could not look at is marked and checked later."""

from __future__ import annotations

from dataclasses import replace

from base.antivirus import Infected, NotScanned, Scanner
from base.log import get_logger
from channels.email.models import Mail, MailFile

log = get_logger(__name__)
INFECTED = "infected"  # MailFile.refused: the scanner found something
NOT_SCANNED = "not_scanned"  # in Mail.flaws: nobody has looked at some of its files yet


def scanned(mail: Mail, scanner: Scanner | None) -> Mail:
    """The mail, its infected files refused. Where the scanner gives no answer the files stay, and `flaws` says so: they
    are checked once more when somebody wants one. Takes seconds: not within a transaction."""
    if scanner is None or not mail.files:
        return mail
    files: list[MailFile] = []
    missed = False
    for file in mail.files:
        try:
            if file.content and not missed:
                scanner.check(file.content)
        except Infected as error:
            log.warning("mail_file_infected", found=error.fields["found"][:60])
            file = replace(file, content=b"", refused=INFECTED)
        except NotScanned as error:
            log.error("scanner_silent", detail=error.detail[:60])
            missed = True  # the others would wait as long
        files.append(file)
    flaws = (*mail.flaws, NOT_SCANNED) if missed else mail.flaws
    return replace(mail, files=tuple(files), flaws=flaws)
