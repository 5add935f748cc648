"""What a customer's question may see: their service package, and what the channel knows the question to be about."""

from __future__ import annotations

from base.messages import Inbound
from desk.conversations import Thread
from kb.models import Audience, Scope

NEW_CUSTOMER = "basic"  # the package every customer begins with (desk/customers.py)


def customer_scope(inbound: Inbound, thread: Thread) -> Scope:
    """The scope of one message. "product", "version" and "collection" (several) come from the channel's adapter, which
    can only narrow what is seen; the package is the customer's own, never what a message says."""
    about = inbound.extra
    collections = about.get("collection") or ()
    return Scope(
        audiences=(Audience.PUBLIC,),
        collections=tuple(str(name) for name in collections) if isinstance(collections, list | tuple) else (),
        product=str(about.get("product") or "")[:100],
        version=str(about.get("version") or "")[:100],
        package=thread.customer.package if thread.customer else NEW_CUSTOMER,
    )
