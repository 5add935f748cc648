"""serve and worker."""

from __future__ import annotations

import errno
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING

import click

from base.clock import SystemClock
from base.errors import AppError, MisconfiguredSetting, Unavailable
from base.i18n import N_
from base.log import get_logger, set_up_logging
from base.messages import Channel
from base.settings import Settings
from desk import mails
from kb.store import count_live
from web.mail.mailboxes import holders_of
from web.mail_process import MailProcess, tell_metrics, when_closed
from web.wiring import Services, build, settle

if TYPE_CHECKING:
    import uvicorn

    from web.live import Hub

log = get_logger(__name__)
# How long a thread that computes keeps the event loop waiting: acknowledging a message takes several turns at it.
SWITCH_SECONDS = 0.001


class PortTaken(Unavailable):
    code = "port_taken"
    message = N_("Port {port} on {host} is in use. Stop the other program, or choose another port with --port.")


class NotOurAddress(MisconfiguredSetting):
    code = "not_our_address"
    message = N_(
        "{host} is not an address of this machine. Choose one with --host: 127.0.0.1 for this machine alone, 0.0.0.0 "
        "for all its addresses."
    )


class PortForbidden(MisconfiguredSetting):
    code = "port_forbidden"
    message = N_("This user may not listen on port {port}. Choose a port from 1024 on with --port.")


def run(settings: Settings, *, demo: bool) -> None:
    """Serve until told to stop. Raises PortTaken, NotOurAddress or PortForbidden before anything else is started."""
    import uvicorn

    set_up_logging(settings)
    sys.setswitchinterval(SWITCH_SECONDS)
    listening = _listen(settings.host, settings.port)
    port = listening.getsockname()[1]
    if port != settings.port:
        settings = settings.model_copy(update={"port": port})
    from web.app import create_app

    services = build(settings, owner=True)
    opens = threading.Event()
    if demo:
        _prepare_demo(services, opens)
    else:
        opens.set()
    _say_where(settings, demo)
    apart = _mail_process(services, settings, opens)
    app = create_app(services, on_warm=settle, opens=opens, mail_process=apart)
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=5, server_header=False,
        proxy_headers=bool(settings.trusted_proxies), forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_keep_alive=30,
    )  # fmt: skip
    try:
        make_server(config, app.state.running.hub).run(sockets=[listening])
    finally:
        if apart is not None:
            apart.stop()


def _mail_process(services: Services, settings: Settings, opens: threading.Event) -> MailProcess | None:
    """Started, where there is mail and it has a process of its own; else None."""
    if settings.worker != "inline" or not settings.mail_apart or not services.office.accounts:
        return None

    def let_go(pid: int) -> None:
        with services.database.begin() as session:
            mails.let_go_of_dead(session, holders_of(pid))

    process = MailProcess(settings, on_end=let_go)
    process.start(opens)
    return process


def make_server(config: uvicorn.Config, hub: Hub) -> uvicorn.Server:
    """A server that ends its open streams before it waits for its connections: uvicorn would wait for the streams."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            hub.goodbye()
            await super().shutdown(sockets)

    return Server(config)


def run_worker(settings: Settings, *, mail_only: bool = False) -> None:
    """Answer and send until told to stop; what is in hand is finished first.

    mail_only: as the process apart of `serve`, which ends it by closing its input.
    """
    from web.mail.room import MailRoom, doors
    from web.pages import make_environments
    from web.worker import MAIL_ONLY, Worker

    set_up_logging(settings)
    if mail_only:  # it must not take both cores of a small machine from whoever waits in a chat
        settings = settings.model_copy(update={"worker_threads": 1, "embedder_workers": 1})
    services = build(settings)
    mail = MailRoom(services, services.office, make_environments())
    channels = MAIL_ONLY if mail_only else frozenset(Channel)
    adapters = {channel: door for channel, door in doors(mail).items() if channel in channels}
    worker = Worker(services, adapters, chores={"sort-mail": mail.sorter.sort_one}, channels=channels)
    stop = threading.Event()
    if mail_only:
        when_closed(sys.stdin.buffer, stop.set)
        tell_metrics(sys.stdout.buffer)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    services.warm()
    settle()
    worker.start()
    mail.start(worker.wake)
    if not mail_only:
        click.echo("Firstline worker: answering. Stop with Ctrl+C.", err=True)
    stop.wait()
    mail.stop()
    worker.stop()
    services.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # IPv6 is switched off
        raise _cannot_listen(error, host, port) from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)  # taken for good: a second server started a moment later is told so
    except OSError as error:
        listening.close()
        raise _cannot_listen(error, host, port) from error
    listening.set_inheritable(True)
    return listening


def _cannot_listen(error: OSError, host: str, port: int) -> AppError:
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL):
        return NotOurAddress(name="host", host=host)
    if error.errno in (errno.EACCES, errno.EPERM):
        return PortForbidden(name="port", port=port)
    return PortTaken(error.strerror or "", port=port, host=host)


def _prepare_demo(services: Services, opens: threading.Event) -> None:
    """The demo administrator now; its articles in the background, so that the pages are up at once.

    opens: set when the articles are there, or could not be read: questions wait for that.
    """
    from web.demo.setup import add_administrator, load_articles

    password = add_administrator(services, SystemClock().now())
    if password:
        click.echo(f"\n  Demo administrator (shown once): admin@firstline.example  password: {password}", err=True)

    def load() -> None:
        try:
            read_in()
        finally:
            opens.set()

    def read_in() -> None:
        with services.database.read() as session:
            first_time = count_live(session) == 0
        if first_time:
            click.echo(
                "  Reading the demo articles, about a minute. What is asked meanwhile is answered then.\n"
                "  正在读入演示文章，约一分钟。这期间的提问会在读完后答复。",
                err=True,
            )
        report = load_articles(services)
        if first_time:
            click.echo(f"  {report.chunks} passages can be found now. 演示知识库已就绪。", err=True)

    threading.Thread(target=load, name="demo-articles", daemon=True).start()


def _say_where(settings: Settings, demo: bool) -> None:
    base = settings.base_url
    click.echo(
        f"\n  Firstline 一线 is starting.  Firstline 正在启动。\n"
        f"  Chat widget 聊天窗口      {base}/demo\n"
        f"  Staff console 坐席工作台  {base}/inbox\n"
        f"  Ticket status 工单状态    {base}/status/...  (its link comes with each ticket 每张工单附带链接)\n"
        f"  API                      {base}/api/v1/openapi.json\n"
        f"  Health                   {base}/healthz\n"
        + (
            "  A living desk: run `firstline demo` in a second terminal. 另开一个终端运行 `firstline demo`。\n"
            if demo
            else ""
        ),
        err=True,
    )
