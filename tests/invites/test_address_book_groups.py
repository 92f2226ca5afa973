"""The groups of a book: making, renaming and deleting one, and who is in it."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import (
    assertContains,
    assertNotContains,
    assertRedirects,
    assertTemplateNotUsed,
    assertTemplateUsed,
)

from invites import curating
from invites.errors import GroupGone
from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.views.address_book import PAGE
from tests.conftest import SignedIn, htmx
from tests.factories import ContactFactory, ContactGroupFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(book: AddressBook) -> ContactGroup:
    return ContactGroupFactory(book=book, name="Sales")


def at(page: str, target: AddressBook | ContactGroup, query: str = "") -> str:
    return reverse(f"invites:{page}", args=[target.pk]) + query


class TestGone:
    """What somebody does with a group that another one has deleted since the page was loaded."""

    @pytest.fixture
    def gone(self, group: ContactGroup) -> ContactGroup:
        seen = ContactGroup.objects.get(pk=group.pk)
        curating.delete_group(group=group, user=group.book.owner)
        return seen

    def test_it_is_not_there_again_by_being_renamed(self, gone: ContactGroup) -> None:
        gone.name = "Support"
        with pytest.raises(GroupGone):
            curating.save_group(group=gone, user=gone.book.owner)
        assert not ContactGroup.objects.exists()

    def test_nobody_joins_it(self, gone: ContactGroup) -> None:
        ContactFactory(book=gone.book)
        with pytest.raises(GroupGone):
            curating.add_to_group(group=gone, contacts=Contact.objects.all(), user=gone.book.owner)

    def test_it_is_deleted_once(self, gone: ContactGroup) -> None:
        with pytest.raises(GroupGone):
            curating.delete_group(group=gone, user=gone.book.owner)
        assert BookChange.objects.count() == 1


class TestGroupCreate:
    def test_new_group_leads_to_choosing_its_members(self, browser: Client, book: AddressBook) -> None:
        answer = browser.post(at("group_create", book), {"name": " 销售 🎧 "})
        group = ContactGroup.objects.get()
        assert (group.book, group.name) == (book, "销售 🎧")
        assertRedirects(answer, at("group_members", group, "?everybody=on"))

    @pytest.mark.parametrize("name", ["", "  ", "SALES", "n" * 81, "a\x07"])
    def test_unusable_name_is_refused_and_nobody_ticked_is_lost(
        self, browser: Client, book: AddressBook, group: ContactGroup, name: str
    ) -> None:
        contact = ContactFactory(book=book)
        answer = browser.post(at("group_create", book), {"name": name, "contact": contact.pk})
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert set(answer.context["form"].errors) == {"name"}
        assertContains(answer, f'name="contact" value="{contact.pk}"', status_code=422)
        assert ContactGroup.objects.count() == 1

    def test_second_press_makes_no_second_group(self, browser: Client, book: AddressBook) -> None:
        for _press in range(2):
            browser.post(at("group_create", book), {"name": "Sales"})
        assert ContactGroup.objects.count() == 1


class TestGroupEdit:
    def test_it_renames(self, browser: Client, book: AddressBook, group: ContactGroup) -> None:
        answer = browser.post(at("group_edit", group), {"name": "Support"})
        assertRedirects(answer, at("book_detail", book, f"?group={group.pk}"))
        group.refresh_from_db()
        assert group.name == "Support"

    def test_refused_name_leaves_the_heading_as_it_is(self, browser: Client, group: ContactGroup) -> None:
        answer = browser.post(at("group_edit", group), {"name": ""})
        assertContains(answer, "<bdi>Sales</bdi>", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_same_name_in_other_letters_is_still_its_own(self, browser: Client, group: ContactGroup) -> None:
        assert browser.post(at("group_edit", group), {"name": "SALES"}).status_code == HTTPStatus.FOUND


class TestGroupDelete:
    def test_looking_at_its_address_deletes_nothing(self, browser: Client, group: ContactGroup) -> None:
        assert browser.get(at("group_delete", group)).status_code == HTTPStatus.METHOD_NOT_ALLOWED
        assert ContactGroup.objects.exists()

    def test_it_deletes_the_group_and_keeps_its_people(
        self, browser: Client, book: AddressBook, group: ContactGroup
    ) -> None:
        group.contacts.add(ContactFactory(book=book))
        assertRedirects(browser.post(at("group_delete", group)), at("book_detail", book))
        assert not ContactGroup.objects.exists()
        assert book.contacts.count() == 1


class TestGroupMembers:
    @pytest.fixture
    def member(self, book: AddressBook, group: ContactGroup) -> Contact:
        contact = ContactFactory(book=book, nick="Member")
        group.contacts.add(contact)
        return contact

    @pytest.fixture
    def outsider(self, book: AddressBook) -> Contact:
        return ContactFactory(book=book, nick="Outsider")

    def test_empty_group_offers_the_people_of_the_book(self, browser: Client, group: ContactGroup) -> None:
        assertContains(browser.get(at("group_members", group)), "Nobody is in this group yet")
        assertContains(browser.get(at("group_members", group, "?everybody=on")), "Nobody is in this book yet")

    def test_it_shows_members_or_everybody(
        self, browser: Client, group: ContactGroup, member: Contact, outsider: Contact
    ) -> None:
        ContactFactory(nick="Stranger")
        members = browser.get(at("group_members", group))
        assert members.context["contacts"] == [member]
        everybody = browser.get(at("group_members", group, "?everybody=on"))
        assert everybody.context["contacts"] == [member, outsider]
        assert [contact.is_member for contact in everybody.context["contacts"]] == [True, False]

    def test_search_works_as_page_and_as_fragment(
        self, browser: Client, group: ContactGroup, member: Contact, outsider: Contact
    ) -> None:
        address = at("group_members", group, "?everybody=on&q=out")
        page, fragment = browser.get(address), browser.get(address, headers=htmx("group_people"))
        for answer in (page, fragment):
            assertContains(answer, "Outsider")
            assertNotContains(answer, "Member</bdi>")
        assertTemplateUsed(page, "base.html")
        assertTemplateNotUsed(fragment, "base.html")

    def test_unknown_target_gets_the_whole_page(self, browser: Client, group: ContactGroup) -> None:
        assertTemplateUsed(browser.get(at("group_members", group), headers=htmx("book_people")), "base.html")

    def test_person_joins_and_leaves_without_scripts(
        self, browser: Client, group: ContactGroup, outsider: Contact
    ) -> None:
        address = at("group_members", group, "?everybody=on&q=out")
        assertRedirects(browser.post(address, {"contact": outsider.pk, "member": "yes"}), address)
        assert list(group.contacts.all()) == [outsider]
        assertRedirects(browser.post(address, {"contact": outsider.pk, "member": "no"}), address)
        assert not group.contacts.exists()

    def test_pressed_twice_is_pressed_once(
        self, browser: Client, group: ContactGroup, outsider: Contact
    ) -> None:
        for _press in range(2):
            browser.post(at("group_members", group), {"contact": outsider.pk, "member": "yes"})
        assert list(group.contacts.all()) == [outsider]

    def test_row_changes_in_place_and_the_count_with_it(
        self, browser: Client, group: ContactGroup, member: Contact, outsider: Contact
    ) -> None:
        answer = browser.post(
            at("group_members", group),
            {"contact": outsider.pk, "member": "yes"},
            headers=htmx(f"member-{outsider.pk}"),
        )
        assertTemplateUsed(answer, "invites/_group_member.html")
        assertContains(answer, "Remove Outsider from the group")
        assertContains(answer, "2 people")

    def test_somebody_of_another_book_cannot_join(self, browser: Client, group: ContactGroup) -> None:
        browser.post(at("group_members", group), {"contact": ContactFactory().pk, "member": "yes"})
        assert not group.contacts.exists()

    def test_long_list_is_shown_in_parts(
        self, browser: Client, book: AddressBook, group: ContactGroup
    ) -> None:
        group.contacts.add(*ContactFactory.create_batch(PAGE + 1, book=book))
        first = browser.get(at("group_members", group))
        more = browser.get(
            at("group_members", group), {"after": first.context["next_cursor"]}, headers=htmx("more_members")
        )
        assert len(more.context["contacts"]) == 1
        assert more.context["contacts"][0] not in first.context["contacts"]
        assertTemplateNotUsed(more, "base.html")

    @pytest.mark.parametrize("people", [1, 20])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        group: ContactGroup,
        people: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        group.contacts.add(*ContactFactory.create_batch(people, book=book))
        with django_assert_max_num_queries(9):
            browser.get(at("group_members", group))


class TestWhoMayChangeGroups:
    def test_hidden_group_does_not_exist(self, browser: Client) -> None:
        hidden = ContactGroupFactory()
        for page in ("group_edit", "group_members"):
            assert browser.get(at(page, hidden)).status_code == HTTPStatus.NOT_FOUND
        assert browser.post(at("group_delete", hidden)).status_code == HTTPStatus.NOT_FOUND

    def test_auditor_and_anonymous_visitor_are_kept_out(
        self, client: Client, signed_in: SignedIn, auditor: User, group: ContactGroup
    ) -> None:
        assert signed_in(auditor).post(at("group_delete", group)).status_code == HTTPStatus.FORBIDDEN
        for page in ("group_edit", "group_members"):
            address = at(page, group)
            assertRedirects(client.get(address), f"{reverse('login')}?next={address}")
            assert signed_in(auditor).get(address).status_code == HTTPStatus.FORBIDDEN
