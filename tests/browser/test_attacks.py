"""What a browser makes of texts that would do harm, and of another site that wants to act in somebody's name."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Dialog, Page

from invites import disclosing
from invites.models import Attempt, AuditEntry, Contact, ContactImport, Invitation, Person, User
from tests.browser.conftest import SignIn
from tests.invites.held import UNION_ID, hold
from tests.security.poison import poison_everything


def addresses(owner: User) -> list[str]:
    """The pages on which something of the people of `tests.invites.held` stands."""
    somebody = disclosing.gather(disclosing.find(UNION_ID, country="CN")[0].ways)[0]
    attempt, contact, person = (
        Attempt.objects.all()[:1].get(),
        Contact.objects.get(),
        Person.objects.all()[:1].get(),
    )
    shown: list[tuple[str, list[object]]] = [
        ("conference_list", []),
        ("conference_detail", [attempt.conference_id]),
        ("book_list", []),
        ("book_detail", [contact.book_id]),
        ("contact_edit", [contact.pk]),
        ("change_list", [contact.book_id]),
        ("import_detail", [ContactImport.objects.latest("pk").pk]),
        ("attempt_list", []),
        ("attempt_detail", [attempt.pk]),
        ("person_detail", [person.pk]),
        ("conference_history", [attempt.conference_id]),
        ("organizer_history", [owner.pk]),
        ("invitation_detail", [Invitation.objects.sent()[:1].get().pk]),
        ("entry_list", []),
        ("entry_detail", [AuditEntry.objects.latest("pk").pk]),
        ("history_export_list", []),
        ("settings", []),
        ("personal_data_held", [somebody.token]),
        ("personal_data_erase", [somebody.token]),
    ]
    return ["/", *(reverse(f"invites:{name}", args=keys) for name, keys in shown)]


class TestStoredTexts:
    def test_none_comes_alive(self, page: Page, sign_in: SignIn, administrator: User) -> None:
        hold(administrator)
        pages = addresses(administrator)
        poison_everything()
        sign_in(administrator)
        dialogs: list[str] = []

        def refuse(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", refuse)
        seen = 0
        for address in pages:
            answer = page.goto(address, wait_until="domcontentloaded")
            assert answer is not None
            assert answer.status == 200, address
            assert page.locator("x-evil, [onmouseover], [onerror], a[href^='javascript:' i]").count() == 0, (
                address
            )
            seen += "x-evil" in page.inner_text("body")
        # What the browser blocked or complained of, the context tells.
        assert dialogs == []
        assert seen > len(pages) // 2


class _OtherSite(BaseHTTPRequestHandler):
    """A page that acts on ours, in the browser of somebody who is signed in there."""

    def do_GET(self) -> None:
        """The page: it posts a form at once, or shows ours in a frame."""
        target = self.path.partition("?")[2]
        page = f"<iframe src='{target}'></iframe>"
        if self.path.startswith("/form"):
            field = "<input name=first_name value=Evil>"
            submit = "<script>document.forms[0].submit()</script>"
            page = f"<form method=post action='{target}'>{field}</form>{submit}"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def other_site() -> Iterator[str]:
    """Another origin on this machine, so near that the browser sends our cookies along."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OtherSite)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


class TestOtherSites:
    """In a context of its own, since the browser rightly complains."""

    @pytest.fixture
    def visitor(
        self,
        new_context: Callable[..., BrowserContext],
        organizer: User,
        base_url: str,
        transactional_db: None,
    ) -> Iterator[Page]:
        context = new_context()
        client = Client()
        client.force_login(organizer)
        cookie = client.cookies[django_settings.SESSION_COOKIE_NAME]
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base_url}])
        yield context.new_page()
        context.close()

    def test_form_of_another_site_changes_nothing(
        self, visitor: Page, other_site: str, base_url: str, organizer: User
    ) -> None:
        visitor.goto(base_url.replace("localhost", "127.0.0.1") + "/settings/")
        # Ours alone: the address of the other site's page ends with ours.
        with visitor.expect_navigation(url=f"{base_url}/settings/"):
            visitor.goto(f"{other_site}/form?{base_url}/settings/", wait_until="commit")
        organizer.refresh_from_db()
        assert organizer.first_name != "Evil"
        assert "Evil" not in visitor.inner_text("body")

    def test_no_page_of_ours_stands_in_a_frame(self, visitor: Page, other_site: str, base_url: str) -> None:
        visitor.goto(f"{other_site}/frame?{base_url}/settings/")
        frame = visitor.frames[-1]
        assert not frame.url.startswith(base_url) or frame.locator("h1").count() == 0
