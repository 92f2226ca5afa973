"""Sharing a book with people by name, and what everybody may do with it then."""

from http import HTTPStatus

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites import curating, permissions
from invites.models import AddressBook, BookChange, BookShare, User
from invites.models.address_book import Sharing
from invites.models.book_change import ChangeKind
from tests.conftest import SignedIn
from tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db


def page_of(book: AddressBook) -> str:
    return f"/books/{book.pk}/sharing/"


def remove(book: AddressBook, person: User) -> str:
    return f"/books/{book.pk}/sharing/{person.pk}/remove/"


class TestWhoMayShare:
    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, book: AddressBook) -> None:
        assertRedirects(client.get(page_of(book)), f"/sign-in/?next={page_of(book)}")

    def test_auditor_has_no_access(self, signed_in: SignedIn, auditor: User, book: AddressBook) -> None:
        browser = signed_in(auditor)
        assert browser.get(page_of(book)).status_code == HTTPStatus.FORBIDDEN
        assert browser.post(remove(book, auditor)).status_code == HTTPStatus.FORBIDDEN

    def test_whoever_may_only_change_it_may_not(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook
    ) -> None:
        BookShare.objects.create(book=book, user=other_organizer, may_write=True)
        browser = signed_in(other_organizer)
        assertNotContains(browser.get(f"/books/{book.pk}/"), page_of(book))
        for answer in (
            browser.get(page_of(book)),
            browser.post(page_of(book), {"username": other_organizer.username}),
            browser.post(remove(book, other_organizer)),
        ):
            assert answer.status_code == HTTPStatus.NOT_FOUND
        assert BookShare.objects.count() == 1

    def test_administrator_may(
        self, signed_in: SignedIn, administrator: User, other_organizer: User, book: AddressBook
    ) -> None:
        signed_in(administrator).post(page_of(book), {"username": other_organizer.username})
        assert BookShare.objects.get().user == other_organizer
        assert BookChange.objects.get().user == administrator


class TestSharing:
    def test_nobody_else_is_said_and_the_owner_named(self, browser: Client, book: AddressBook) -> None:
        page = browser.get(page_of(book))
        assertContains(page, "Nobody else may use this book yet.")
        assertContains(page, "Owner")

    @pytest.mark.parametrize(("chosen", "may_write", "may"), [("", False, "use"), ("change", True, "change")])
    def test_person_is_added_and_it_is_on_record(
        self,
        browser: Client,
        book: AddressBook,
        organizer: User,
        other_organizer: User,
        chosen: str,
        may_write: bool,
        may: str,
    ) -> None:
        answer = browser.post(page_of(book), {"username": other_organizer.username, "may": chosen})
        assertRedirects(answer, page_of(book))
        assert BookShare.objects.get().may_write is may_write
        change = BookChange.objects.get()
        assert (change.kind, change.user) == (ChangeKind.SHARED, organizer)
        assert change.detail == {"person": other_organizer.display_name, "may": may}
        assertContains(browser.get("/books/"), "1 person by name")

    def test_right_is_changed_and_twice_is_once(
        self, browser: Client, book: AddressBook, other_organizer: User
    ) -> None:
        for chosen in ("use", "change", "change"):
            browser.post(page_of(book), {"username": other_organizer.username, "may": chosen})
        assert BookShare.objects.get().may_write
        assert BookChange.objects.count() == 2

    @pytest.mark.parametrize(
        ("username", "problem"),
        [
            ("", "Enter the name with which they sign in."),
            ("ghost", "Nobody signs in with this name."),
            ("auditor", "is not an organizer"),
            ("organizer", "This book is theirs already."),
        ],
    )
    def test_whom_it_cannot_be_shared_with_is_said_at_the_field(
        self, browser: Client, book: AddressBook, auditor: User, username: str, problem: str
    ) -> None:
        answer = browser.post(page_of(book), {"username": username, "may": "change"})
        assertContains(answer, problem, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assertContains(answer, f'value="{username}"' if username else "checked", status_code=422)
        assert not BookShare.objects.exists()

    def test_person_is_removed_and_twice_is_once(
        self, browser: Client, book: AddressBook, other_organizer: User
    ) -> None:
        BookShare.objects.create(book=book, user=other_organizer)
        for _press in range(2):
            assertRedirects(browser.post(remove(book, other_organizer)), page_of(book))
        assert not BookShare.objects.exists()
        assert BookChange.objects.get().detail["may"] == ""

    def test_page_of_changes_tells_it(
        self, browser: Client, book: AddressBook, other_organizer: User
    ) -> None:
        browser.post(page_of(book), {"username": other_organizer.username})
        browser.post(remove(book, other_organizer))
        browser.post(f"/books/{book.pk}/edit/", {"name": "Crew", "sharing": "read", "default_country": "DE"})
        page = browser.get(f"/books/{book.pk}/changes/")
        for text in (
            f"{other_organizer.display_name} may use the book.",
            f"no longer shared with {other_organizer.display_name}",
            "Crew",
            "Everybody may use it",
            "Germany (+49)",
        ):
            assertContains(page, text)

    @pytest.mark.parametrize("people", [1, 20])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        people: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for person in UserFactory.create_batch(people):
            BookShare.objects.create(book=book, user=person)
        with django_assert_max_num_queries(7):
            browser.get(page_of(book))


class TestWhatASharedBookAllows:
    @pytest.fixture
    def theirs(self, signed_in: SignedIn, other_organizer: User) -> Client:
        """The browser of somebody whom the book is shared with."""
        return signed_in(other_organizer)

    def let(self, book: AddressBook, person: User, *, may_write: bool) -> None:
        curating.share(book=book, person=person, may_write=may_write, user=book.owner)

    def test_to_use_it_is_to_read_it(self, theirs: Client, book: AddressBook, other_organizer: User) -> None:
        self.let(book, other_organizer, may_write=False)
        assertContains(theirs.get("/books/"), "Team")
        assertContains(theirs.get(f"/books/{book.pk}/"), "You can invite these people, but not change them.")
        for address in ("contacts/new/", "groups/new/", "edit/", "import/"):
            assert theirs.post(f"/books/{book.pk}/{address}").status_code == HTTPStatus.NOT_FOUND, address

    def test_to_change_it_is_to_add_people(
        self, theirs: Client, book: AddressBook, other_organizer: User
    ) -> None:
        self.let(book, other_organizer, may_write=True)
        theirs.post(f"/books/{book.pk}/contacts/new/", {"nick": "Ada", "union_id": "u1"})
        assert book.contacts.get().nick == "Ada"

    @pytest.mark.parametrize(
        "address",
        ["", "contacts/new/", "groups/", "groups/new/", "import/", "export/?format=csv", "changes/"],
    )
    def test_whoever_loses_the_share_loses_the_book_at_once(
        self, theirs: Client, book: AddressBook, other_organizer: User, address: str
    ) -> None:
        self.let(book, other_organizer, may_write=True)
        assert theirs.get(f"/books/{book.pk}/{address}").status_code == HTTPStatus.OK
        curating.withdraw(book=book, person=other_organizer, user=book.owner)
        assert theirs.get(f"/books/{book.pk}/{address}").status_code == HTTPStatus.NOT_FOUND
        assertNotContains(theirs.get("/books/"), "Team")

    def test_person_of_it_cannot_be_changed_after_it_is_lost(
        self, theirs: Client, book: AddressBook, other_organizer: User
    ) -> None:
        contact = ContactFactory(book=book)
        self.let(book, other_organizer, may_write=True)
        assert theirs.get(f"/contacts/{contact.pk}/").status_code == HTTPStatus.OK
        self.let(book, other_organizer, may_write=False)
        assert theirs.get(f"/contacts/{contact.pk}/").status_code == HTTPStatus.NOT_FOUND

    def test_share_does_not_take_away_what_everybody_may(
        self, book: AddressBook, other_organizer: User
    ) -> None:
        AddressBook.objects.update(sharing=Sharing.WRITE)
        self.let(book, other_organizer, may_write=False)
        assert permissions.writable_books(other_organizer).includes(book)
