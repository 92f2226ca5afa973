"""A real Chromium that looks at a real server, with a real worker and the sandbox behind it, all in this process.

A test says how it looks with ``@pytest.mark.parametrize("look", …)`` (`tests.browser.looks`). It fails by itself on
anything that the browser complains about: script errors, broken policy, missing files, answers that are errors.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client
from django_tasks_db.management.commands.db_worker import Worker as TaskWorker
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from invites.connecting import close_clients, ensure_apps
from invites.dingtalk.sandbox import SandboxServer
from invites.management.commands.worker import Caretaker
from invites.models import AddressBook, App, Conference, User
from invites.models.app import AppKind
from invites.models.conference import ConferenceStatus
from tests.browser.looks import Look
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory
from tests.services.packages import ensure, find_chromium

LAUNCH_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Refusals that the product means: a form again with its errors, and what the domain says no to.
MEANT = re.compile(r"Failed to load resource: .* status of (409|422) ")
# What htmx says of a question that was broken off, as every page does that is left. A part of a page that looks again
# by itself asks another time, and when it says so is anybody's guess: the next page may be there already.
CUT_OFF = re.compile(r"htmx:(afterRequest|sendAbort), ")
LOOKS_AGAIN = re.compile(CUT_OFF.pattern + r"\[object HTML(Div)?Element\]")
SCREENSHOTS = Path(__file__).resolve().parents[2] / "var" / "screenshots"

type SignIn = Callable[[User], None]
type Screenshot = Callable[[str], None]


@pytest.fixture(scope="session", autouse=True)
def orm_beside_playwright() -> Iterator[None]:
    """Lets tests use the ORM although Playwright keeps an event loop in their thread; they never run inside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """What must be seen is waited for longer than Playwright does: how soon it comes hangs on the machine.

    How quick a page is, benchmarks say.
    """
    expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    ensure("chromium", "font")
    return browser_type_launch_args | {"executable_path": find_chromium(), "args": LAUNCH_FLAGS}


@pytest.fixture(scope="session")
def base_url(live_server: LiveServer) -> str:
    """Where the site is: pages are opened by their path alone."""
    return str(live_server.url)


@pytest.fixture
def look() -> Look:
    """How the visitor looks, unless the test says otherwise."""
    return Look()


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[SandboxServer]:
    """DingTalk as the whole process sees it: people ring, join or decline ten times faster than by default."""
    with SandboxServer(pace=0.1) as server:
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server
    close_clients()


@pytest.fixture
def worker(transactional_db: None, sandbox: SandboxServer) -> Iterator[None]:
    """A worker in a thread, doing what ``manage.py worker`` does, until the test ends."""
    ensure_apps()
    tasks = TaskWorker(
        queue_names=["*"],
        interval=0.05,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="browser-tests",
        excluded_queue_names=[],
    )

    def work() -> None:
        try:
            tasks.run()
        finally:
            connection.close()

    with Caretaker("browser-tests"):
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        yield
        tasks.running = False
        thread.join()


@pytest.fixture
def conference(worker: None, organizer: User) -> Conference:
    """One that is running in the sandbox."""
    return Conference.objects.create(
        app=App.objects.get(kind=AppKind.SANDBOX),
        owner=organizer,
        conference_id="5a9db0c000000000000000a1",
        title="Weekly review",
        status=ConferenceStatus.OPEN,
    )


@pytest.fixture
def colleagues(worker: None, organizer: User) -> AddressBook:
    """Three people of the sandbox, two of them in a group."""
    book: AddressBook = AddressBookFactory(
        app=App.objects.get(kind=AppKind.SANDBOX), owner=organizer, name="Colleagues"
    )
    people = [
        ContactFactory(book=book, nick=nick, union_id=f"sandbox-person-{number:02}")
        for number, nick in ((21, "Alex Sample"), (22, "Robin Example"), (23, "Sam Placeholder"))
    ]
    ContactGroupFactory(book=book, name="Sales").contacts.set(people[:2])
    return book


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], look: Look, worker: None) -> Iterator[BrowserContext]:
    """A browser of somebody who is not signed in yet. Closed before the server and the worker end."""
    complaints: list[str] = []
    leaving = threading.Event()

    def hear(message: ConsoleMessage) -> None:
        text = message.text
        meant = MEANT.search(text) or LOOKS_AGAIN.match(text) or (leaving.is_set() and CUT_OFF.match(text))
        if message.type in {"error", "warning"} and not meant:
            complaints.append(f"console {message.type}: {text} ({message.location['url']})")

    def leave(request: Request) -> None:
        if request.is_navigation_request():
            leaving.set()

    def stay(request: Request) -> None:
        """What is fetched as a file leads nowhere."""
        if request.is_navigation_request():
            leaving.clear()

    def watch(page: Page) -> None:
        page.on("domcontentloaded", lambda _page: leaving.clear())

    context = new_context(**look.context_options())
    context.on("console", hear)
    context.on("request", leave)
    context.on("requestfailed", stay)
    context.on("page", watch)
    context.on("weberror", lambda error: complaints.append(f"script error: {error.error}"))
    yield context
    leaving.set()
    context.close()
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def sign_in(context: BrowserContext, base_url: str) -> SignIn:
    """Signs somebody in to ``context`` without the detour over the form."""

    def sign_in(user: User) -> None:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base_url}])

    return sign_in


@pytest.fixture
def screenshot(page: Page, look: Look) -> Screenshot:
    """Keeps a picture of the whole page in var/screenshots where SCREENSHOTS is set in the environment."""

    def screenshot(name: str) -> None:
        if os.environ.get("SCREENSHOTS"):
            page.screenshot(path=SCREENSHOTS / f"{name}-{look}.png", full_page=True, animations="disabled")

    return screenshot
