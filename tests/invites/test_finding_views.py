"""Finding people and groups on the page of a book, at a cost that does not grow with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import (
    assertContains,
    assertNotContains,
    assertRedirects,
    assertTemplateNotUsed,
    assertTemplateUsed,
)

from invites.finding import CANDIDATES
from invites.models import AddressBook, Contact, ContactGroup, User
from invites.models.address_book import Sharing
from invites.views.address_book import CHIPS, FOUND_FIRST, PAGE
from invites.views.contact_group import GROUPS_PAGE
from tests.conftest import SignedIn, htmx
from tests.factories import AddressBookFactory, ConferenceFactory, ContactFactory, ContactGroupFactory

pytestmark = pytest.mark.django_db


def people(book: AddressBook, number: int, *, nick: str = "Person") -> None:
    Contact.objects.bulk_create(
        Contact(book=book, nick=f"{nick} {n:04}", union_id=f"{nick}-{n}") for n in range(number)
    )


class TestFindInTheBook:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("张", "<mark>张</mark>三"),
            ("zs", "<mark>张三</mark>"),
            ("zhangsan", "<mark>张三</mark>"),
            ("3800", "138 001<mark>3 800</mark>0"),
            ("8000", "138 0013 <mark>8000</mark>"),
            ("u-zh", "<mark>u-zh</mark>ang"),
        ],
    )
    def test_everything_that_finds_a_person_is_marked(
        self, browser: Client, book: AddressBook, text: str, shown: str
    ) -> None:
        ContactFactory(book=book, nick="张三", union_id="u-zhang", phone_number="+8613800138000")
        ContactFactory(book=book, nick="Kim")
        page = browser.get(f"/books/{book.pk}/", {"q": text})
        assertContains(page, shown)
        assert [contact.nick for contact in page.context["contacts"]] == ["张三"]

    def test_best_comes_first(self, browser: Client, book: AddressBook) -> None:
        for nick in ("Alma Jane", "Janet", "Jane"):
            ContactFactory(book=book, nick=nick)
        page = browser.get(f"/books/{book.pk}/", {"q": "jane"})
        assert [contact.nick for contact in page.context["contacts"]] == ["Jane", "Janet", "Alma Jane"]

    def test_markup_in_a_name_or_in_what_is_typed_stays_text(
        self, browser: Client, book: AddressBook
    ) -> None:
        ContactFactory(book=book, nick="<script>x</script>")
        page = browser.get(f"/books/{book.pk}/", {"q": "<script>"})
        assertContains(page, "<mark>&lt;script&gt;</mark>x&lt;/script&gt;")
        assertNotContains(page, "<script>x")

    def test_many_found_come_in_pages(self, browser: Client, book: AddressBook) -> None:
        people(book, FOUND_FIRST + 1)
        first = browser.get(f"/books/{book.pk}/", {"q": "person"})
        assertContains(first, f"{FOUND_FIRST + 1} people")
        more = browser.get(
            f"/books/{book.pk}/",
            {"q": "person", "after": first.context["next_cursor"]},
            headers=htmx("more_contacts"),
        )
        assert [contact.nick for contact in more.context["contacts"]] == [f"Person {FOUND_FIRST:04}"]
        assertNotContains(more, "Show more")

    def test_too_many_found_are_not_counted(self, browser: Client, book: AddressBook) -> None:
        people(book, CANDIDATES + 1)
        assertContains(browser.get(f"/books/{book.pk}/", {"q": "person"}), f"More than {CANDIDATES} people")
        last = browser.get(f"/books/{book.pk}/", {"q": "person", "after": str(CANDIDATES - PAGE)})
        assert len(last.context["contacts"]) == PAGE
        assertNotContains(last, "Show more")

    @pytest.mark.parametrize("after", ["x", "-1", "9" * 18, "9" * 40, "17-Ada"])
    def test_place_that_is_none_leads_nowhere_else(
        self, browser: Client, book: AddressBook, after: str
    ) -> None:
        ContactFactory(book=book, nick="Ada")
        answer = browser.get(f"/books/{book.pk}/", {"q": "ada", "after": after})
        assert answer.status_code == HTTPStatus.OK

    def test_group_narrows_what_is_found(self, browser: Client, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        group.contacts.add(ContactFactory(book=book, nick="Jane in it"))
        ContactFactory(book=book, nick="Jane outside")
        page = browser.get(f"/books/{book.pk}/", {"q": "jane", "group": group.pk})
        assert [contact.nick for contact in page.context["contacts"]] == ["Jane in it"]

    def test_nothing_found_says_what_is_searched(self, browser: Client, book: AddressBook) -> None:
        page = browser.get(f"/books/{book.pk}/", {"q": "nobody"})
        assertContains(page, "their pinyin and initials")

    def test_groups_whose_name_is_found_stand_above(self, browser: Client, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book, name="Sales Asia")
        ContactGroupFactory(book=book, name="Other")
        answer = browser.get(f"/books/{book.pk}/", {"q": "sales"}, headers=htmx("book_contacts"))
        assertContains(answer, f"?group={group.pk}")
        assertContains(answer, "<mark>Sales</mark> Asia")
        assertNotContains(answer, "Other")

    @pytest.mark.parametrize("number", [1, 60])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        number: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for contact in ContactFactory.create_batch(number, book=book, nick="Jane"):
            ContactGroupFactory(book=book, name=f"Jane {contact.pk}").contacts.add(contact)
        with django_assert_max_num_queries(18 if connection.vendor == "sqlite" else 22):
            browser.get(f"/books/{book.pk}/", {"q": "jane"})


class TestChips:
    def test_many_groups_are_offered_in_part_and_the_chosen_one_always(
        self, browser: Client, book: AddressBook
    ) -> None:
        groups = [ContactGroupFactory(book=book, name=f"Group {n:03}") for n in range(CHIPS + 5)]
        page = browser.get(f"/books/{book.pk}/", {"group": groups[-1].pk})
        offered = page.context["chips"]()["groups"]
        assert offered == [*groups[:CHIPS], groups[-1]]
        assertContains(page, f'href="/books/{book.pk}/groups/"')

    def test_few_groups_are_all_offered(self, browser: Client, book: AddressBook) -> None:
        ContactGroupFactory(book=book)
        assertNotContains(browser.get(f"/books/{book.pk}/"), f'href="/books/{book.pk}/groups/"')


class TestGroupList:
    def test_anonymous_visitor_auditor_and_stranger_are_kept_out(
        self, client: Client, signed_in: SignedIn, auditor: User, other_organizer: User, book: AddressBook
    ) -> None:
        address = f"/books/{book.pk}/groups/"
        assertRedirects(client.get(address), f"/sign-in/?next={address}")
        assert signed_in(auditor).get(address).status_code == HTTPStatus.FORBIDDEN
        assert signed_in(other_organizer).get(address).status_code == HTTPStatus.NOT_FOUND

    def test_empty_book_offers_the_first_step_to_whom_may_take_it(
        self, browser: Client, book: AddressBook
    ) -> None:
        page = browser.get(f"/books/{book.pk}/groups/")
        assertContains(page, "No group yet")
        assertContains(page, f"/books/{book.pk}/groups/new/")
        read_only = AddressBookFactory(sharing=Sharing.READ)
        page = browser.get(f"/books/{read_only.pk}/groups/")
        assertNotContains(page, "/groups/new/")

    def test_it_shows_groups_with_their_sizes(self, browser: Client, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book, name="Sales")
        group.contacts.set(ContactFactory.create_batch(2, book=book))
        page = browser.get(f"/books/{book.pk}/groups/")
        for text in ("Sales", "2 people", f"/books/{book.pk}/?group={group.pk}"):
            assertContains(page, text)

    def test_many_come_in_pages(self, browser: Client, book: AddressBook) -> None:
        ContactGroup.objects.bulk_create(
            ContactGroup(book=book, name=f"Group {n:03}") for n in range(GROUPS_PAGE + 1)
        )
        first = browser.get(f"/books/{book.pk}/groups/")
        assertContains(first, "Show more")
        more = browser.get(
            f"/books/{book.pk}/groups/",
            {"after": first.context["next_cursor"]},
            headers=htmx("more_groups"),
        )
        assert [group.name for group in more.context["groups"]] == [f"Group {GROUPS_PAGE:03}"]

    def test_search_works_as_page_and_as_fragment(self, browser: Client, book: AddressBook) -> None:
        ContactGroupFactory(book=book, name="Sales")
        ContactGroupFactory(book=book, name="Other")
        page = browser.get(f"/books/{book.pk}/groups/", {"q": "sal"})
        fragment = browser.get(f"/books/{book.pk}/groups/", {"q": "sal"}, headers=htmx("book_groups"))
        assertTemplateUsed(page, "base.html")
        assertTemplateNotUsed(fragment, "base.html")
        for answer in (page, fragment):
            assertContains(answer, "<mark>Sal</mark>es")
            assertNotContains(answer, "Other")
        assertContains(browser.get(f"/books/{book.pk}/groups/", {"q": "zzz"}), "No group was found")
        elsewhere = browser.get(f"/books/{book.pk}/groups/", headers=htmx("elsewhere"))
        assertTemplateUsed(elsewhere, "base.html")

    @pytest.mark.parametrize("number", [1, 50])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        number: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        ContactGroupFactory.create_batch(number, book=book)
        with django_assert_max_num_queries(7):
            browser.get(f"/books/{book.pk}/groups/")


@contextmanager
def reading_without_bound() -> Iterator[list[str]]:
    """What is read from contacts without a limit, and not by their keys."""
    found: list[str] = []

    def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        contacts = 'FROM "invites_contact"' in sql
        bounded = any(
            word in sql for word in ("LIMIT", '"invites_contact"."id" IN (', '"invites_contact"."id" =')
        )
        if contacts and not bounded:
            found.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield found


class TestConstantCost:
    """A book of a million people costs what one of a thousand does, if nothing reads or counts all of them."""

    @pytest.fixture
    def group(self, book: AddressBook) -> ContactGroup:
        people(book, PAGE + 10)
        group: ContactGroup = ContactGroupFactory(book=book)
        group.contacts.set(Contact.objects.all()[:5])
        Contact.objects.among(list(group.contacts.values_list("pk", flat=True))).update(
            refused_at=timezone.now()
        )
        return group

    @pytest.mark.parametrize(
        "query",
        ["", "?q=person", "?q=zs", "?q=8000", "?not_known=on", "?group={group}", "?group={group}&q=person"],
    )
    def test_page_of_the_book(
        self, browser: Client, book: AddressBook, group: ContactGroup, query: str
    ) -> None:
        address = f"/books/{book.pk}/{query.format(group=group.pk)}"
        with reading_without_bound() as found:
            first = browser.get(address)
            browser.get(address, headers=htmx("book_contacts"))
            browser.get(address, {"after": first.context["next_cursor"]}, headers=htmx("more_contacts"))
        assert found == []

    @pytest.mark.parametrize(
        "address", ["/books/", "/books/{book}/edit/", "/books/{book}/delete/", "/books/{book}/groups/"]
    )
    def test_pages_around_it(
        self, browser: Client, book: AddressBook, group: ContactGroup, address: str
    ) -> None:
        with reading_without_bound() as found:
            assert browser.get(address.format(book=book.pk)).status_code == HTTPStatus.OK
        assert found == []

    def test_adding_somebody(self, browser: Client, book: AddressBook, group: ContactGroup) -> None:
        with reading_without_bound() as found:
            answer = browser.post(
                f"/books/{book.pk}/contacts/new/",
                {"nick": "Ada", "union_id": "u-ada", "phone_number": "13800138000"},
                headers=htmx("new_contact"),
            )
        assertContains(answer, "Ada")
        assert found == []

    @pytest.mark.parametrize("query", ["", "?everybody=on", "?everybody=on&q=person", "?q=person"])
    def test_members_of_a_group(
        self, browser: Client, book: AddressBook, group: ContactGroup, query: str
    ) -> None:
        with reading_without_bound() as found:
            browser.get(f"/groups/{group.pk}/members/{query}")
        assert found == []

    @pytest.mark.parametrize("query", ["search/?text=person", "search/?text=zs", "pick/", "pick/?q=person"])
    def test_composer(
        self, browser: Client, book: AddressBook, group: ContactGroup, organizer: User, query: str
    ) -> None:
        conference = ConferenceFactory(app=book.app, owner=organizer)
        with reading_without_bound() as found:
            browser.get(f"/conferences/{conference.pk}/draft/{query}", headers=htmx("draft_suggestions"))
            browser.get(f"/conferences/{conference.pk}/draft/{query}", headers=htmx("draft_picker"))
        assert found == []
