"""The pages of address books: the list, one book, and making, changing and deleting a book."""

from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import (
    assertContains,
    assertNotContains,
    assertRedirects,
    assertTemplateNotUsed,
    assertTemplateUsed,
)

from invites.models import AddressBook, Contact, User
from invites.models.address_book import Sharing
from invites.views.address_book import COUNTED, PAGE
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AddressBookFactory,
    AppFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/books/"
NEW = "/books/new/"


def at(page: str, book: AddressBook) -> str:
    return reverse(f"invites:{page}", args=[book.pk])


class TestWhoMaySeeBooks:
    PAGES = ("book_detail", "book_edit", "book_delete", "contact_create", "group_create")

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, book: AddressBook) -> None:
        for address in (LIST, NEW, *(at(page, book) for page in self.PAGES)):
            assertRedirects(client.get(address), f"{reverse('login')}?next={address}")

    def test_auditor_has_no_access(self, signed_in: SignedIn, auditor: User) -> None:
        book = AddressBookFactory(owner=auditor, sharing=Sharing.WRITE)
        browser = signed_in(auditor)
        for address in (LIST, NEW, *(at(page, book) for page in self.PAGES)):
            assert browser.get(address).status_code == HTTPStatus.FORBIDDEN

    def test_private_book_of_somebody_else_does_not_exist(self, browser: Client) -> None:
        book = AddressBookFactory(name="Hidden")
        assertNotContains(browser.get(LIST), "Hidden")
        for page in self.PAGES:
            assert browser.get(at(page, book)).status_code == HTTPStatus.NOT_FOUND

    def test_book_shared_for_use_is_read_only(self, browser: Client) -> None:
        book = AddressBookFactory(sharing=Sharing.READ)
        contact = ContactFactory(book=book, nick="Ada Sample")
        group = ContactGroupFactory(book=book, name="Sales")
        page = browser.get(at("book_detail", book) + f"?group={group.pk}")
        assertContains(page, "You can invite these people, but not change them.")
        page = browser.get(at("book_detail", book))
        assertContains(page, "Ada Sample")
        for control in ("/contacts/", "/groups/", "/edit/", "/selected/", 'type="checkbox"'):
            assertNotContains(page, control)
        for address in (
            *(at(page, book) for page in self.PAGES[1:]),
            at("selection_group", book),
            at("selection_ungroup", book),
            at("selection_delete", book),
            f"/contacts/{contact.pk}/",
            f"/contacts/{contact.pk}/delete/",
            f"/groups/{group.pk}/",
            f"/groups/{group.pk}/delete/",
            f"/groups/{group.pk}/members/",
        ):
            assert browser.post(address, {"contact": contact.pk}).status_code == HTTPStatus.NOT_FOUND, address
        assert list(book.contacts.all()) == [contact]

    def test_book_shared_for_changing_can_be_changed_but_not_renamed(self, browser: Client) -> None:
        book = AddressBookFactory(sharing=Sharing.WRITE)
        assertContains(browser.get(at("book_detail", book)), at("contact_create", book))
        browser.post(at("contact_create", book), {"nick": "Ada", "union_id": "u1"})
        assert book.contacts.count() == 1
        assertNotContains(browser.get(at("book_detail", book)), at("book_edit", book))
        assert browser.post(at("book_edit", book), {"name": "Mine"}).status_code == HTTPStatus.NOT_FOUND
        assert browser.post(at("book_delete", book)).status_code == HTTPStatus.NOT_FOUND

    def test_administrator_may_change_every_book(self, signed_in: SignedIn, administrator: User) -> None:
        book = AddressBookFactory(name="Of somebody else")
        browser = signed_in(administrator)
        assertContains(browser.get(LIST), "Of somebody else")
        browser.post(at("book_edit", book), {"name": "Renamed", "sharing": "read"})
        assert (AddressBook.objects.get().name, AddressBook.objects.get().owner) == ("Renamed", book.owner)


class TestBookList:
    def test_it_says_what_belongs_there_while_empty(self, browser: Client) -> None:
        page = browser.get(LIST)
        assertContains(page, "No address book yet")
        assertContains(page, NEW)

    def test_it_shows_owner_sharing_and_size(self, browser: Client, book: AddressBook) -> None:
        ContactFactory.create_batch(3, book=book)
        AddressBookFactory(
            name="Shared", sharing=Sharing.READ, owner__first_name="Olga", owner__last_name="Owner"
        )
        page = browser.get(LIST)
        for text in ("Team", "You", "Private", ">3</td>", "Shared", "Olga Owner", "Everybody may use it"):
            assertContains(page, text)

    def test_app_is_named_only_where_there_are_several(self, browser: Client, book: AddressBook) -> None:
        cell = f'<td class="text-secondary">{book.app.name}</td>'
        assertNotContains(browser.get(LIST), cell, html=True)
        AppFactory()
        assertContains(browser.get(LIST), cell, html=True)

    @pytest.mark.parametrize("books", [1, 20])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        organizer: User,
        books: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for book in AddressBookFactory.create_batch(books, owner=organizer):
            ContactFactory(book=book)
        with django_assert_max_num_queries(7):
            browser.get(LIST)


class TestBookCreate:
    def test_it_makes_a_book_of_ones_own(self, browser: Client, organizer: User) -> None:
        app = AppFactory()
        answer = browser.post(NEW, {"name": "  Team 团队 ", "sharing": "write"})
        book = AddressBook.objects.get()
        assertRedirects(answer, at("book_detail", book))
        assert (book.name, book.owner, book.app, book.sharing) == ("Team 团队", organizer, app, Sharing.WRITE)

    def test_errors_stand_at_their_field_and_what_was_typed_stays(
        self, browser: Client, book: AddressBook
    ) -> None:
        answer = browser.post(NEW, {"name": "TEAM", "sharing": "read"})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assertContains(answer, "You already have an address book of this name.", status_code=422)
        assertContains(answer, 'value="TEAM"', status_code=422)
        assert AddressBook.objects.count() == 1

    def test_without_an_app_it_says_who_can_help(self, browser: Client) -> None:
        for answer in (browser.get(NEW), browser.post(NEW, {"name": "Team", "sharing": "read"})):
            assertContains(answer, "An administrator must set one up.", status_code=HTTPStatus.CONFLICT)
        assert not AddressBook.objects.exists()

    def test_second_press_makes_no_second_book(self, browser: Client) -> None:
        AppFactory()
        for _press in range(2):
            browser.post(NEW, {"name": "Team", "sharing": "private"})
        assert AddressBook.objects.count() == 1


class TestBookEdit:
    def test_it_renames_and_shares(self, browser: Client, book: AddressBook) -> None:
        answer = browser.post(at("book_edit", book), {"name": "Crew", "sharing": "read"})
        assertRedirects(answer, at("book_detail", book))
        book.refresh_from_db()
        assert (book.name, book.sharing) == ("Crew", Sharing.READ)

    def test_heading_keeps_the_name_while_the_new_one_is_refused(
        self, browser: Client, book: AddressBook
    ) -> None:
        answer = browser.post(at("book_edit", book), {"name": "", "sharing": "read"})
        assertContains(answer, "<bdi>Team</bdi>", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        book.refresh_from_db()
        assert book.name == "Team"


class TestBookDelete:
    def test_it_asks_first_and_names_what_will_be_lost(self, browser: Client, book: AddressBook) -> None:
        ContactFactory.create_batch(2, book=book)
        ContactGroupFactory(book=book)
        page = browser.get(at("book_delete", book))
        for text in ("“Team”", "2 contacts", "1 group"):
            assertContains(page, text)
        assert AddressBook.objects.exists()

    def test_it_deletes_the_book_and_leaves_history_alone(self, browser: Client, book: AddressBook) -> None:
        invitee = InviteeFactory(contact=ContactFactory(book=book), nick="As invited")
        assertRedirects(browser.post(at("book_delete", book)), LIST)
        assert not AddressBook.objects.exists()
        assert not Contact.objects.exists()
        invitee.refresh_from_db()
        assert invitee.nick == "As invited"


class TestBookDetail:
    def test_empty_book_says_what_belongs_there(self, browser: Client, book: AddressBook) -> None:
        assertContains(browser.get(at("book_detail", book)), "Nobody is in this book yet")

    def test_it_shows_people_with_their_numbers_nationally(self, browser: Client, book: AddressBook) -> None:
        ContactFactory(book=book, nick="<b>Ada</b>", union_id="u-ada", phone_number="+8613800138000")
        page = browser.get(at("book_detail", book))
        for text in (
            '<bdi class="text-break">&lt;b&gt;Ada&lt;/b&gt;</bdi>',
            "u-ada",
            "138 0013 8000",
            "1 person",
        ):
            assertContains(page, text)
        assertNotContains(page, "+86")

    def test_search_works_without_scripts(self, browser: Client, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Ada")
        ContactFactory(book=book, nick="Bob")
        page = browser.get(at("book_detail", book), {"q": "ad"})
        assertTemplateUsed(page, "base.html")
        assertContains(page, "Ada")
        assertNotContains(page, "Bob")
        assertContains(page, 'value="ad"')

    def test_search_that_finds_nobody_says_so(self, browser: Client, book: AddressBook) -> None:
        ContactFactory(book=book)
        assertContains(browser.get(at("book_detail", book), {"q": "no such text"}), "Nobody was found")

    def test_group_narrows_the_list(self, browser: Client, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book, name="Sales")
        group.contacts.add(ContactFactory(book=book, nick="Ada"))
        ContactFactory(book=book, nick="Bob")
        page = browser.get(at("book_detail", book), {"group": group.pk})
        assertContains(page, "Ada")
        assertNotContains(page, "Bob")
        assertContains(page, f'href="{at("book_detail", book)}?group={group.pk}" aria-current="true"')

    def test_empty_group_offers_to_choose_members(self, browser: Client, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        page = browser.get(at("book_detail", book), {"group": group.pk})
        assertContains(page, f"/groups/{group.pk}/members/?everybody=on")

    @pytest.mark.parametrize("target", ["book_people", "book_contacts", "more_contacts"])
    def test_fragments_come_without_the_page_around_them(
        self, browser: Client, book: AddressBook, target: str
    ) -> None:
        ContactFactory(book=book, nick="Ada")
        answer = browser.get(at("book_detail", book), headers=htmx(target))
        assertTemplateNotUsed(answer, "base.html")
        assertContains(answer, "Ada")
        assert "HX-Target" in answer["Vary"]

    @pytest.mark.parametrize("target", ["content", "contact-1", ""])
    def test_unknown_target_gets_the_whole_page(
        self, browser: Client, book: AddressBook, target: str
    ) -> None:
        assertTemplateUsed(browser.get(at("book_detail", book), headers=htmx(target)), "base.html")

    def test_long_book_is_shown_in_parts(self, browser: Client, book: AddressBook) -> None:
        ContactFactory.create_batch(PAGE + 1, book=book)
        everybody = list(Contact.objects.of_book(book).by_name())
        first = browser.get(at("book_detail", book))
        assert first.context["contacts"] == everybody[:PAGE]
        assertContains(first, "Show more")
        more = browser.get(
            at("book_detail", book), {"after": first.context["next_cursor"]}, headers=htmx("more_contacts")
        )
        assert more.context["contacts"] == everybody[PAGE:]
        assertNotContains(more, "Show more")

    def test_size_of_the_book_is_exact_and_counting_those_not_known_stops_at_its_limit(
        self, browser: Client, book: AddressBook
    ) -> None:
        at_some_time = timezone.now()
        Contact.objects.bulk_create(
            Contact(book=book, nick=f"Person {n}", union_id=f"u{n}", refused_at=at_some_time)
            for n in range(COUNTED + 1)
        )
        assertContains(browser.get(at("book_detail", book)), "1,001 people")
        shown = browser.get(at("book_detail", book), {"not_known": "on"})
        assertContains(shown, "More than 1,000 people")

    def test_those_whom_dingtalk_does_not_know_are_marked_and_can_be_shown_alone(
        self, browser: Client, book: AddressBook
    ) -> None:
        ContactFactory(book=book, nick="Known Person")
        assertNotContains(browser.get(at("book_detail", book)), "not known to DingTalk")
        marked = ContactFactory(book=book, nick="Unknown Person")
        ContactFactory(book__owner=book.owner, refused_at=timezone.now(), refused_code="unknownUserError")
        refused_at = datetime(2026, 11, 24, 8, tzinfo=UTC)
        Contact.objects.among([marked.pk]).mark(code="unknownUserError", at=refused_at)
        page = browser.get(at("book_detail", book))
        assertContains(page, "Not known to DingTalk (Nov. 24, 2026)", count=1)
        assertContains(page, "1 not known to DingTalk")
        shown = browser.get(at("book_detail", book), {"not_known": "on"})
        assertContains(shown, "Unknown Person")
        assert [contact.nick for contact in shown.context["contacts"]] == ["Unknown Person"]
        Contact.objects.update(refused_at=None, refused_code="")
        assertContains(browser.get(at("book_detail", book), {"not_known": "on"}), "Everybody is known")

    @pytest.mark.parametrize("people", [1, 20])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        people: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for contact in ContactFactory.create_batch(people, book=book, refused_at=timezone.now()):
            ContactGroupFactory(book=book).contacts.add(contact)
        with django_assert_max_num_queries(16):
            browser.get(at("book_detail", book))
        with django_assert_max_num_queries(7):
            browser.get(at("book_detail", book), headers=htmx("more_contacts"))

    def test_app_is_named_only_where_there_are_several(self, browser: Client, book: AddressBook) -> None:
        line = f'#key"/></svg> {book.app.name}</span>'
        assertNotContains(browser.get(at("book_detail", book)), line)
        AppFactory()
        assertContains(browser.get(at("book_detail", book)), line)
