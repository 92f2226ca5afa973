"""Adding, changing and deleting the people of a book, one at a time or several that are ticked."""

from datetime import UTC, datetime
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

from invites.models import AddressBook, Contact, ContactGroup, User
from invites.views.selection import ASKED_ABOVE, NAMED
from tests.conftest import SignedIn, htmx
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory

pytestmark = pytest.mark.django_db

ADA = {"nick": "Ada", "union_id": "u-ada", "phone_number": "138 0013 8000"}


@pytest.fixture
def contact(book: AddressBook) -> Contact:
    return ContactFactory(book=book, nick="Bob", union_id="u-bob")


@pytest.fixture
def group(book: AddressBook) -> ContactGroup:
    return ContactGroupFactory(book=book, name="Sales")


def at(page: str, target: AddressBook | Contact) -> str:
    return reverse(f"invites:{page}", args=[target.pk])


class TestContactCreate:
    def test_page_of_its_own_without_scripts(self, browser: Client, book: AddressBook) -> None:
        assertTemplateUsed(browser.get(at("contact_create", book)), "base.html")
        answer = browser.post(at("contact_create", book), ADA)
        assertRedirects(answer, at("book_detail", book))
        contact = Contact.objects.get()
        assert (contact.nick, contact.union_id, contact.phone_number) == ("Ada", "u-ada", "+8613800138000")

    def test_form_opens_above_the_list(self, browser: Client, book: AddressBook) -> None:
        answer = browser.get(at("contact_create", book), headers=htmx("new_contact"))
        assertTemplateNotUsed(answer, "base.html")
        assertContains(answer, 'id="new_contact"')

    def test_above_the_list_it_stays_open_and_the_list_shows_who_came(
        self, browser: Client, book: AddressBook, contact: Contact
    ) -> None:
        answer = browser.post(at("contact_create", book), ADA | {"nick": "Zoë"}, headers=htmx("new_contact"))
        assert answer.status_code == HTTPStatus.OK
        assert [str(row) for row in answer.context["contacts"]] == ["Zoë", "Bob"]
        assertContains(answer, 'id="book_people" class="card" hx-swap-oob="true"')
        assertContains(answer, "“Zoë” was added.")
        assertNotContains(answer, 'value="Zoë"')

    @pytest.mark.parametrize("headers", [{}, htmx("new_contact")])
    def test_errors_stand_at_their_field_and_what_was_typed_stays(
        self, browser: Client, book: AddressBook, contact: Contact, headers: dict[str, str]
    ) -> None:
        typed = {"nick": "Ada", "union_id": "u-bob", "phone_number": "12 ab"}
        answer = browser.post(at("contact_create", book), typed, headers=headers)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert set(answer.context["form"].errors) == {"union_id", "phone_number"}
        for value in typed.values():
            assertContains(answer, f'value="{value}"', status_code=422)
        assert Contact.objects.count() == 1

    def test_second_press_makes_no_second_person(self, browser: Client, book: AddressBook) -> None:
        answers = [browser.post(at("contact_create", book), ADA).status_code for _press in range(2)]
        assert answers == [HTTPStatus.FOUND, HTTPStatus.UNPROCESSABLE_ENTITY]
        assert Contact.objects.count() == 1

    def test_new_person_joins_the_group_that_is_shown(
        self, browser: Client, book: AddressBook, group: ContactGroup
    ) -> None:
        address = at("contact_create", book) + f"?group={group.pk}"
        assertContains(browser.get(address), "Also joins the group “Sales”.")
        assertRedirects(browser.post(address, ADA), at("book_detail", book) + f"?group={group.pk}")
        assert [str(member) for member in group.contacts.all()] == ["Ada"]

    def test_group_of_another_book_is_passed_over(self, browser: Client, book: AddressBook) -> None:
        foreign = ContactGroupFactory()
        browser.post(at("contact_create", book) + f"?group={foreign.pk}", ADA)
        assert Contact.objects.get().book == book
        assert not foreign.contacts.exists()

    def test_book_cannot_be_chosen_by_the_form(self, browser: Client, book: AddressBook) -> None:
        foreign = AddressBookFactory()
        browser.post(at("contact_create", book), ADA | {"book": str(foreign.pk)})
        assert Contact.objects.get().book == book


class TestContactEdit:
    def test_page_of_its_own_without_scripts(
        self, browser: Client, book: AddressBook, contact: Contact
    ) -> None:
        assertContains(browser.get(at("contact_edit", contact)), 'value="Bob"')
        answer = browser.post(at("contact_edit", contact) + "?q=bo", ADA)
        assertRedirects(answer, at("book_detail", book) + "?q=bo")
        contact.refresh_from_db()
        assert (contact.nick, contact.union_id, contact.phone_number) == ("Ada", "u-ada", "+8613800138000")

    def test_row_opens_and_closes_in_place(self, browser: Client, contact: Contact) -> None:
        row = htmx(f"contact-{contact.pk}")
        form = browser.get(at("contact_edit", contact), headers=row)
        assertTemplateUsed(form, "invites/_contact_row_form.html")
        assertTemplateNotUsed(form, "base.html")
        closed = browser.get(at("contact_row", contact), headers=row)
        assertTemplateUsed(closed, "invites/_contact_row.html")
        assertContains(closed, "Bob")

    def test_row_is_saved_in_place(self, browser: Client, contact: Contact) -> None:
        answer = browser.post(at("contact_edit", contact), ADA, headers=htmx(f"contact-{contact.pk}"))
        assertTemplateUsed(answer, "invites/_contact_row.html")
        assertContains(answer, "138 0013 8000")
        assertContains(answer, "The changes to “Ada” are saved.")

    def test_person_whom_dingtalk_does_not_know_is_known_to_be_so_until_the_unionid_changes(
        self, browser: Client, contact: Contact
    ) -> None:
        Contact.objects.all().mark(code="unknownUserError", at=datetime(2026, 11, 24, 8, tzinfo=UTC))
        form = browser.get(at("contact_edit", contact))
        assertContains(form, "DingTalk did not know this person on Nov. 24, 2026.")
        renamed = ADA | {"union_id": "u-bob"}
        row = browser.post(at("contact_edit", contact), renamed, headers=htmx(f"contact-{contact.pk}"))
        assertContains(row, "Not known to DingTalk (Nov. 24, 2026)")
        row = browser.post(at("contact_edit", contact), ADA, headers=htmx(f"contact-{contact.pk}"))
        assertNotContains(row, "Not known to DingTalk")
        contact.refresh_from_db()
        assert (contact.refused_at, contact.refused_code) == (None, "")

    def test_row_keeps_what_was_typed_where_it_cannot_be_saved(
        self, browser: Client, book: AddressBook, contact: Contact
    ) -> None:
        ContactFactory(book=book, union_id="u-ada")
        answer = browser.post(at("contact_edit", contact), ADA, headers=htmx(f"contact-{contact.pk}"))
        assertTemplateUsed(answer, "invites/_contact_row_form.html")
        assertContains(answer, "This book already has somebody with this unionId.", status_code=422)
        assertContains(answer, 'value="u-ada"', status_code=422)
        contact.refresh_from_db()
        assert contact.nick == "Bob"

    def test_row_of_somebody_else_is_no_target(self, browser: Client, contact: Contact) -> None:
        answer = browser.get(at("contact_edit", contact), headers=htmx(f"contact-{contact.pk + 1}"))
        assertTemplateUsed(answer, "base.html")

    def test_row_asked_for_as_a_page_leads_to_the_book(self, browser: Client, contact: Contact) -> None:
        assertRedirects(browser.get(at("contact_row", contact)), at("book_detail", contact.book))

    def test_person_of_a_hidden_book_does_not_exist(self, browser: Client) -> None:
        hidden = ContactFactory()
        for page in ("contact_edit", "contact_row"):
            assert browser.get(at(page, hidden)).status_code == HTTPStatus.NOT_FOUND
        assert browser.post(at("contact_delete", hidden)).status_code == HTTPStatus.NOT_FOUND

    def test_auditor_and_anonymous_visitor_are_kept_out(
        self, client: Client, signed_in: SignedIn, auditor: User, contact: Contact
    ) -> None:
        assert client.post(at("contact_edit", contact), ADA).url.startswith(reverse("login"))  # type: ignore[attr-defined]
        assert signed_in(auditor).post(at("contact_edit", contact), ADA).status_code == HTTPStatus.FORBIDDEN
        contact.refresh_from_db()
        assert contact.nick == "Bob"


class TestContactDelete:
    def test_looking_at_its_address_deletes_nobody(self, browser: Client, contact: Contact) -> None:
        assert browser.get(at("contact_delete", contact)).status_code == HTTPStatus.METHOD_NOT_ALLOWED
        assert Contact.objects.exists()

    def test_it_deletes_and_returns_to_the_search(
        self, browser: Client, book: AddressBook, contact: Contact
    ) -> None:
        answer = browser.post(at("contact_delete", contact) + "?q=bo")
        assertRedirects(answer, at("book_detail", book) + "?q=bo")
        assert not Contact.objects.exists()


class TestSelection:
    def test_ticked_people_join_a_group(
        self, browser: Client, book: AddressBook, contact: Contact, group: ContactGroup
    ) -> None:
        data = {"contact": [contact.pk, ContactFactory().pk], "group": group.pk}
        answer = browser.post(at("selection_group", book) + "?q=bo", data, follow=True)
        assertRedirects(answer, at("book_detail", book) + "?q=bo")
        assertContains(answer, "1 person joined “Sales”.")
        assert list(group.contacts.all()) == [contact]

    def test_who_is_in_the_group_already_stays_there_once(
        self, browser: Client, book: AddressBook, contact: Contact, group: ContactGroup
    ) -> None:
        group.contacts.add(contact)
        data = {"contact": contact.pk, "group": group.pk}
        answer = browser.post(at("selection_group", book), data, follow=True)
        assertContains(answer, "They are all in “Sales” already.")
        assert group.contacts.count() == 1

    def test_without_a_group_it_asks_for_the_name_of_a_new_one(
        self, browser: Client, book: AddressBook, contact: Contact
    ) -> None:
        page = browser.post(at("selection_group", book), {"contact": contact.pk, "group": ""})
        assertContains(page, f'<input type="hidden" name="contact" value="{contact.pk}">')
        assertContains(page, at("group_create", book))
        answer = browser.post(at("group_create", book), {"contact": contact.pk, "name": "Sales"})
        group = ContactGroup.objects.get()
        assertRedirects(answer, at("book_detail", book) + f"?group={group.pk}")
        assert list(group.contacts.all()) == [contact]

    def test_ticked_people_leave_a_group(
        self, browser: Client, book: AddressBook, contact: Contact, group: ContactGroup
    ) -> None:
        group.contacts.add(contact)
        data = {"contact": contact.pk, "group": group.pk}
        assertContains(
            browser.post(at("selection_ungroup", book), data, follow=True), "1 person left “Sales”."
        )
        assert not group.contacts.exists()
        assert Contact.objects.filter(pk=contact.pk).exists()

    def test_leaving_needs_a_group(self, browser: Client, book: AddressBook, contact: Contact) -> None:
        answer = browser.post(at("selection_ungroup", book), {"contact": contact.pk}, follow=True)
        assertContains(answer, "Choose the group that these people are to leave.")

    def test_group_of_another_book_cannot_be_joined(
        self, browser: Client, book: AddressBook, contact: Contact
    ) -> None:
        foreign = ContactGroupFactory()
        browser.post(at("selection_group", book), {"contact": contact.pk, "group": foreign.pk})
        assert not foreign.contacts.exists()

    @pytest.mark.parametrize("act", ["selection_group", "selection_delete"])
    def test_nobody_ticked_is_said(
        self, browser: Client, book: AddressBook, group: ContactGroup, act: str
    ) -> None:
        assertContains(browser.post(at(act, book), {"group": group.pk}, follow=True), "Nobody was selected.")

    def test_deleting_many_asks_first_and_names_who_will_be_lost(
        self, browser: Client, book: AddressBook
    ) -> None:
        people = [ContactFactory(book=book, nick=f"Person {n:02}") for n in range(ASKED_ABOVE + 1)]
        page = browser.post(at("selection_delete", book), {"contact": [person.pk for person in people]})
        for text in ("Delete 51 people?", "Person 00", f"Person {NAMED - 1:02}", "… and 41 more"):
            assertContains(page, text)
        assertNotContains(page, f"Person {NAMED:02}")
        assert book.contacts.count() == len(people)

    def test_deletion_takes_just_those(self, browser: Client, book: AddressBook, contact: Contact) -> None:
        stays, foreign = ContactFactory(book=book), ContactFactory()
        data = {"contact": [contact.pk, foreign.pk]}
        assertContains(browser.post(at("selection_delete", book), data, follow=True), "1 person was deleted.")
        assert set(Contact.objects.all()) == {stays, foreign}

    @pytest.mark.parametrize("people", [1, 20])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        group: ContactGroup,
        people: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        chosen = [contact.pk for contact in ContactFactory.create_batch(people, book=book)]
        with django_assert_max_num_queries(20):
            browser.post(at("selection_group", book), {"contact": chosen, "group": group.pk})
        assert group.contacts.count() == people
