"""What a reply is recognised by: addresses and message ids that carry a signature of ours, so that nobody can make one up.

`support+c<thread>.<mac>@example.com` in Reply-To and `<thread>.<key>.<mac>@example.com` as Message-ID: whoever answers
sends at least one of them back. `support+b-<key>.<mac>@example.com` as envelope sender: a bounce comes back to it, whatever
its words leave out. Lower case only: some servers fold the local part.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

MAC_BYTES = 16  # 128 bits: nobody guesses one
STAFF_MAC_BYTES = (
    10  # 80 bits: two ids and a signature have to fit into MOST_LOCAL; the colleague's own address counts, too
)
MOST_LOCAL = 64  # characters before the @. RFC 5321, 4.5.3.1.1
_TOKEN = re.compile(r"\+(?:c([a-z0-9]{1,32})\.([a-z2-7]{26})|s([a-z0-9]{1,32})-([a-z0-9]{1,32})\.([a-z2-7]{16}))$")
_BOUNCED = re.compile(r"\+b-([a-z0-9-]{1,40})\.([a-z2-7]{16})$")
_ID = re.compile(r"^([a-z0-9]{1,32})\.([a-z0-9-]{1,40})\.([a-z2-7]{26})@")


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """What a signed address says: the thread; for a colleague's notification also whose it is."""

    thread: str
    staff: str = ""  # public id of the colleague it was made for; "" for a customer's


class Signer:
    """Makes and reads them. One per installation: the key is derived from its secret."""

    def __init__(self, secret: str) -> None:
        self._key = hashlib.sha256(b"firstline mail\x00" + secret.encode()).digest()

    def reply_address(self, mailbox: str, thread: str, staff: str = "") -> str:
        """The address that answers to a thread go to; "" when the mailbox's name leaves no room for one.

        staff: for this colleague's answers only.
        """
        local, _, domain = mailbox.lower().rpartition("@")
        mac = self._address_mac(thread, staff)
        signed = f"{local}+s{thread}-{staff}.{mac}" if staff else f"{local}+c{thread}.{mac}"
        return f"{signed}@{domain}" if len(signed) <= MOST_LOCAL else ""

    def read_address(self, address: str) -> ReplyToken | None:
        """The token in an address; None when there is none, or its signature is wrong."""
        found = _TOKEN.search(address.lower().rpartition("@")[0])
        if found is None:
            return None
        thread, staff, mac = found[1] or found[3], found[4] or "", found[2] or found[5]
        if not hmac.compare_digest(mac, self._address_mac(thread, staff)):
            return None
        return ReplyToken(thread, staff)

    def message_id(self, thread: str, key: str, domain: str) -> str:
        """The id of the mail with this outbox key, without <>. The same key gives the same id: a second try is known."""
        key = re.sub(r"[^a-z0-9-]", "-", key.lower())[:40] or "-"
        return f"{thread}.{key}.{self._mac('id', thread, key)}@{domain.lower()}"

    def read_message_id(self, message_id: str) -> str | None:
        """The thread a message id of ours belongs to; None when it is not ours."""
        found = _ID.match(message_id.lower())
        if found is None or not hmac.compare_digest(found[3], self._mac("id", found[1], found[2])):
            return None
        return found[1]

    def bounce_address(self, mailbox: str, thread: str, key: str) -> str:
        """The envelope sender of the mail with this outbox key; "" when the mailbox's name leaves no room for one."""
        local, _, domain = mailbox.lower().rpartition("@")
        signed = f"{local}+b-{key}.{self._mac('bounce', thread, key, size=STAFF_MAC_BYTES)}"
        fits = len(signed) <= MOST_LOCAL and _BOUNCED.search(signed) is not None
        return f"{signed}@{domain}" if fits else ""

    def is_bounce_address(self, address: str, thread: str, key: str) -> bool:
        """Whether we made this address for this mail."""
        found = _BOUNCED.search(address.lower().rpartition("@")[0])
        made = self._mac("bounce", thread, key, size=STAFF_MAC_BYTES)
        return found is not None and found[1] == key and hmac.compare_digest(found[2], made)

    def _address_mac(self, thread: str, staff: str) -> str:
        return self._mac("address", thread, staff, size=STAFF_MAC_BYTES if staff else MAC_BYTES)

    def _mac(self, *parts: str, size: int = MAC_BYTES) -> str:
        digest = hmac.new(self._key, "\x00".join(parts).encode(), hashlib.sha256).digest()[:size]
        return base64.b32encode(digest).decode().rstrip("=").lower()


def bounced_key(address: str) -> str:
    """The outbox key an address claims to be the envelope sender of, "" for any other. Believe it only after
    `Signer.is_bounce_address`, with the thread that is known under this key."""
    found = _BOUNCED.search(address.lower().rpartition("@")[0])
    return found[1] if found else ""


def bare(address: str) -> str:
    """The address without what follows a plus sign: the mailbox it is delivered to."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}".lower()
