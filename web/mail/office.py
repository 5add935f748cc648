"""What everything about mail shares: the accounts, the signatures, the mark by which our own mail is known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from base.settings import Settings
from channels.email.accounts import MailAccount, load_accounts
from channels.email.addresses import Signer, bare


@dataclass(frozen=True, slots=True)
class Office:
    """The mailboxes of this installation."""

    accounts: tuple[MailAccount, ...]
    signer: Signer
    loop_mark: str  # in a header of every mail we send

    def account(self, name: str) -> MailAccount | None:
        """The account with this name; None for one that is configured no more."""
        return next((one for one in self.accounts if one.name == name), None)

    def of_address(self, addresses: Sequence[str]) -> MailAccount | None:
        """The account one of these addresses belongs to, with or without what follows a plus sign."""
        wanted = {bare(address) for address in addresses}
        return next((one for one in self.accounts if wanted & own_addresses(one)), None)

    def is_ours(self, address: str) -> bool:
        """Whether mail from this address would be our own come back."""
        return any(bare(address) in own_addresses(one) for one in self.accounts)


def own_addresses(account: MailAccount) -> set[str]:
    """Every address that is delivered to this account, in lower case."""
    return {address.lower() for address in (account.address, *account.aliases)}


def open_office(settings: Settings, secret: str) -> Office:
    """The office the settings name; one without mailboxes when there is no file. Raises MisconfiguredSetting."""
    path = mailboxes_file(settings)
    accounts = load_accounts(path) if settings.mailboxes or path.exists() else ()
    mark = hashlib.sha256(b"firstline loop\x00" + secret.encode()).hexdigest()[:24]
    return Office(tuple(accounts), Signer(secret), mark)


def mailboxes_file(settings: Settings) -> Path:
    """Where the mailboxes are written down, or would be."""
    return Path(settings.mailboxes) if settings.mailboxes else settings.data_dir / "mailboxes.toml"
