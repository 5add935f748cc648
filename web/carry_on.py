"""A chat carried on by mail: an address is proven by a one-time code, then answers go there, and answers come back."""

from __future__ import annotations

import asyncio
import secrets

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from base.errors import Conflict, DeliveryError, InvalidInput, RetryLater, Unavailable
from base.i18n import N_, translate
from base.messages import Channel
from channels.email.accounts import MailAccount, is_address
from channels.email.compose import Letter, compose
from channels.email.models import Address
from channels.email.smtp import send_mail
from desk import access, codes, customers, identities
from desk.access import ThreadActor
from desk.codes import VALID, WrongCode
from desk.identities import Proof
from desk.models import Conversation
from web.deps import ChatSession, Running
from web.mail import onward
from web.wiring import Services


class NoMail(Unavailable):
    code = "no_mailbox"
    message = N_("Mail is not available here. Stay in this window: the answer comes here.")


class NothingToCarryOn(Conflict):
    code = "nothing_to_carry_on"
    message = N_("Write your question first; then it can be carried on by mail.")


class NotAnAddress(InvalidInput):
    code = "not_an_address"
    message = N_("This is not an e-mail address. Please check it.")


class CodeNotSent(Unavailable):
    code = "code_not_sent"
    message = N_("The code could not be sent just now. Please try again in a minute.")


async def send_code(run: Running, chat: ChatSession, address: str) -> None:
    """Send a one-time code. Raises NoMail, NothingToCarryOn, NotAnAddress, CodeNotSent."""
    services, address = run.services, address.strip().lower()
    if not services.office.accounts:
        raise NoMail()
    check_address(address)
    account = services.office.accounts[0]

    def prepare() -> bytes:
        with services.database.begin() as session:
            if _talk_of(session, chat) is None:
                raise NothingToCarryOn()
            code = codes.make(session, _purpose(chat), address, services.clock.now())
        return _code_mail(services, account, address, code, chat.lang)

    try:
        message = await run_in_threadpool(prepare)
        # In a loop of its own: the server's may be uvloop, under which STARTTLS loses the connection.
        await run_in_threadpool(lambda: asyncio.run(send_mail(account, message, account.address, [address])))
    except RetryLater as error:
        raise CodeNotSent(error.detail or error.code) from error
    except DeliveryError as error:  # no server takes mail for it
        raise NotAnAddress() from error


def check_address(address: str) -> None:
    """Raises NotAnAddress for what no mail can go to."""
    if not is_address(address.strip()):
        raise NotAnAddress()


def confirm(services: Services, chat: ChatSession, code: str) -> str:
    """Take a code: the address it went to is proven, and a door of this conversation. Raises WrongCode."""
    now = services.clock.now()
    with services.database.begin() as session:  # a wrong try is counted, so this is a transaction of its own
        address = codes.check(session, _purpose(chat), code, now)
    if address is None:
        raise WrongCode()
    account = services.office.accounts[0]
    with services.database.begin() as session:
        talk = _talk_of(session, chat)
        if talk is None:
            raise NothingToCarryOn()
        customer = customers.get(session, talk.customer_id)
        identities.claim(session, customer, Channel.EMAIL, address, Proof.CODE, "customer", now)
        thread = onward.lead_to(session, talk, account.name, address, customer.name, now)
        onward.say_so(session, talk, thread, address, now, by_mail=True)
    return address


def _talk_of(session: Session, chat: ChatSession) -> Conversation | None:
    return access.conversation_of_thread(session, ThreadActor(Channel.WEBCHAT, chat.thread_id))


def _purpose(chat: ChatSession) -> str:
    return f"webchat:{chat.thread_id}"


def _code_mail(services: Services, account: MailAccount, address: str, code: str, lang: str) -> bytes:
    organisation = account.display_name or services.settings.organisation
    minutes = int(VALID.total_seconds() // 60)
    text = translate(
        N_(
            "Your code is {code}. It is good for {minutes} minutes. Enter it in the chat window of {organisation}. "
            "If you did not ask for it, do nothing: without the code nothing happens."
        ),
        lang, code=code, minutes=minutes, organisation=organisation,
    )  # fmt: skip
    domain = account.address.rpartition("@")[2]
    return compose(
        Letter(
            sender=Address(organisation, account.address), recipient=Address("", address),
            subject=translate(N_("{code} is your code for {organisation}"), lang, code=code, organisation=organisation),
            text=text, html="", message_id=f"code.{secrets.token_hex(10)}@{domain}", date=services.clock.now(),
            loop_mark=services.office.loop_mark, lang=lang,
        )
    )  # fmt: skip
