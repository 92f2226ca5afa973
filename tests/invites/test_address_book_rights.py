"""Every address about books, contacts, groups and imports, and who gets in: one table that has to name each of them."""

from http import HTTPStatus

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from invites import curating, urls
from invites.models import AddressBook, App, BookChange, BookShare, ContactImport, DirectoryLink, User
from invites.models.contact_import import ImportSource, ImportState
from invites.models.directory_link import DirectoryPart
from tests.conftest import SignedIn
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory, UserFactory

pytestmark = pytest.mark.django_db

ANYBODY, READ, WRITE, OWN = range(4)
"""What somebody must be allowed to do with a book: nothing, as long as they organize; look; change; give away."""

GET, POST = "get", "post"
PAGES = {
    "book_list": (GET, ANYBODY),
    "book_create": (GET, ANYBODY),
    "book_detail": (GET, READ),
    "book_edit": (GET, OWN),
    "book_delete": (POST, OWN),
    "book_export": (GET, READ),
    "book_shares": (GET, OWN),
    "book_share_remove": (POST, OWN),
    "contact_create": (GET, WRITE),
    "contact_edit": (GET, WRITE),
    "contact_row": (GET, WRITE),
    "contact_delete": (POST, WRITE),
    "contact_mark": (GET, WRITE),
    "contact_unmark": (POST, WRITE),
    "selection_group": (POST, WRITE),
    "selection_ungroup": (POST, WRITE),
    "selection_move": (POST, WRITE),
    "selection_copy": (POST, WRITE),
    "selection_delete": (POST, WRITE),
    "selection_mark": (POST, WRITE),
    "selection_unmark": (POST, WRITE),
    "group_list": (GET, READ),
    "group_create": (GET, WRITE),
    "group_edit": (GET, WRITE),
    "group_delete": (POST, WRITE),
    "group_members": (GET, WRITE),
    "change_list": (GET, WRITE),
    # Of a change that the owner has made.
    "change_undo": (POST, OWN),
    "double_list": (GET, WRITE),
    "double_merge": (POST, WRITE),
    "link_detail": (GET, WRITE),
    "link_choose": (GET, WRITE),
    "link_schedule": (POST, WRITE),
    "link_refresh": (POST, WRITE),
    "link_delete": (POST, WRITE),
    "import_create": (GET, WRITE),
    "import_sample": (GET, WRITE),
    "import_detail": (GET, WRITE),
    "import_columns": (POST, WRITE),
    "import_confirm": (POST, WRITE),
    "import_discard": (POST, WRITE),
    "import_refused": (GET, WRITE),
    "import_undo": (POST, WRITE),
}
MAY = {
    "anonymous": -1,
    "auditor": -1,
    "auditor with a share": -1,
    "stranger": ANYBODY,
    "reader": READ,
    "writer": WRITE,
    "owner": OWN,
    "administrator": OWN,
}
FOLDERS = ("books/", "contacts/", "groups/", "changes/", "imports/")


@pytest.fixture
def book(sandbox_app: App, organizer: User) -> AddressBook:
    """A book with one of everything."""
    book: AddressBook = AddressBookFactory(app=sandbox_app, owner=organizer, name="Team")
    DirectoryLink.objects.create(
        book=book, part=DirectoryPart.DEPARTMENT, remote_id="20", name="Engineering", linked_by=organizer
    )
    contact = ContactFactory(book=book, nick="Ada")
    ContactFactory(book=book, nick="Ada")
    group = ContactGroupFactory(book=book)
    curating.add_to_group(group=group, contacts=book.contacts.all().among([contact.pk]), user=organizer)
    ContactImport.objects.create(
        book=book,
        created_by=organizer,
        source=ImportSource.FILE,
        state=ImportState.DONE,
        reading={"format": {}},
    )
    return book


@pytest.fixture
def visitors(book: AddressBook, signed_in: SignedIn, auditor: User, administrator: User) -> dict[str, Client]:
    """Everybody who might come."""
    people: dict[str, User] = {
        "auditor": auditor,
        "auditor with a share": UserFactory(role=auditor.role),
        "stranger": UserFactory(),
        "reader": UserFactory(),
        "writer": UserFactory(),
        "owner": book.owner,
        "administrator": administrator,
    }
    for name in ("reader", "writer", "auditor with a share"):
        BookShare.objects.create(book=book, user=people[name], may_write=name != "reader")
    return {"anonymous": Client()} | {name: signed_in(user) for name, user in people.items()}


def address(page: str, book: AddressBook) -> str:
    """The address of ``page`` for what ``book`` has of its noun."""
    owners = {
        "contact": book.contacts.order_by("pk").first(),
        "group": book.groups.get(),
        "import": book.imports.get(),
        "change": book.changes.get(),
    }
    pattern = next(str(each.pattern) for each in urls.urlpatterns if each.name == page)
    if "<int:pk>" not in pattern:
        return reverse(f"invites:{page}")
    noun = pattern.partition("/")[0].rstrip("s")
    target = owners.get(noun, book)
    assert target is not None
    more = [book.owner.pk] if "<int:user_pk>" in pattern else []
    return reverse(f"invites:{page}", args=[target.pk, *more])


def visit(client: Client, page: str, book: AddressBook) -> HttpResponse:
    """What ``page`` answers; nothing that it does lasts."""
    # No block: what is counted in a transaction of its own refuses to run inside another one.
    before = transaction.savepoint_create()
    contact = book.contacts.order_by("pk").first()
    assert contact is not None
    data = {"contact": contact.pk} if PAGES[page][0] == POST else {"format": "csv"}
    answer: HttpResponse = getattr(client, PAGES[page][0])(address(page, book), data)
    changes = BookChange.objects.count()
    transaction.savepoint_rollback(before)
    if answer.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
        assert changes == 1, page
    return answer


class TestRights:
    def test_table_names_every_address(self) -> None:
        there = {each.name for each in urls.urlpatterns if str(each.pattern).startswith(FOLDERS)}
        assert there == set(PAGES)

    @pytest.mark.parametrize("visitor", MAY)
    def test_everybody_gets_where_they_may_and_nowhere_else(
        self, book: AddressBook, visitors: dict[str, Client], visitor: str
    ) -> None:
        wrong = []
        for page, (_method, needed) in PAGES.items():
            answer = visit(visitors[visitor], page, book)
            if visitor == "anonymous":
                is_right = answer.status_code == HTTPStatus.FOUND and answer["Location"].startswith(
                    reverse("login")
                )
            else:
                gets_in = answer.status_code not in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
                is_right = gets_in is (MAY[visitor] >= needed)
            if not is_right:
                wrong.append((page, answer.status_code))
        assert wrong == []
