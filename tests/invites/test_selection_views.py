"""What is done to several people of a book at once: those ticked, or everybody whom a search finds."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.models.address_book import Sharing
from invites.views.address_book import PAGE
from tests.conftest import SignedIn
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory

pytestmark = pytest.mark.django_db

ACTS = ("selection_group", "selection_ungroup", "selection_delete", "selection_move", "selection_copy")


@pytest.fixture
def book(organizer: User) -> AddressBook:
    return AddressBookFactory(owner=organizer, name="Here")


@pytest.fixture
def target(book: AddressBook) -> AddressBook:
    return AddressBookFactory(owner=book.owner, app=book.app, name="There")


@pytest.fixture
def group(book: AddressBook) -> ContactGroup:
    return ContactGroupFactory(book=book, name="Sales")


@pytest.fixture
def ada(book: AddressBook) -> Contact:
    return ContactFactory(book=book, nick="Ada", union_id="u-ada")


@pytest.fixture
def bob(book: AddressBook) -> Contact:
    return ContactFactory(book=book, nick="Bob", union_id="u-bob")


def at(act: str, book: AddressBook, query: str = "") -> str:
    return reverse(f"invites:{act}", args=[book.pk]) + query


class TestEverything:
    """Whoever the search and the filters of the address find is meant, ticked or not."""

    def test_search_decides_who_joins_a_group(
        self, browser: Client, book: AddressBook, group: ContactGroup, ada: Contact, bob: Contact
    ) -> None:
        data = {"everything": "on", "contact": bob.pk, "group": group.pk}
        browser.post(at("selection_group", book, "?q=ada"), data)
        assert list(group.contacts.all()) == [ada]

    def test_group_that_is_shown_decides_who_is_deleted(
        self, browser: Client, book: AddressBook, group: ContactGroup, ada: Contact, bob: Contact
    ) -> None:
        group.contacts.add(ada)
        browser.post(at("selection_delete", book, f"?group={group.pk}"), {"everything": "on"})
        assert list(book.contacts.all()) == [bob]

    def test_thousands_are_told_as_the_lists_tell_them(self, browser: Client, book: AddressBook) -> None:
        Contact.objects.bulk_create(ContactFactory.build_batch(1_001, book=book))
        asked = browser.post(at("selection_delete", book), {"everything": "on"})
        assertContains(asked, "Delete 1,001 people?")
        answer = browser.post(
            at("selection_delete", book), {"everything": "on", "confirmed": "on"}, follow=True
        )
        assertContains(answer, "1,001 people were deleted.")
        change = BookChange.objects.get()
        undone = browser.post(reverse("invites:change_undo", args=[change.pk]), follow=True)
        assertContains(undone, "Undone for 1,001 people.")

    def test_members_leave_the_group_that_is_shown(
        self, browser: Client, book: AddressBook, group: ContactGroup, ada: Contact, bob: Contact
    ) -> None:
        group.contacts.add(ada, bob)
        data = {"everything": "on", "group": group.pk}
        browser.post(at("selection_ungroup", book, f"?group={group.pk}"), data)
        assert not group.contacts.exists()

    def test_group_that_is_gone_means_nobody_and_never_everybody(
        self, browser: Client, book: AddressBook, group: ContactGroup, ada: Contact
    ) -> None:
        query = f"?group={group.pk}"
        group.delete()
        answer = browser.post(at("selection_delete", book, query), {"everything": "on"}, follow=True)
        assertContains(answer, "Nobody was selected.")
        assert book.contacts.exists()

    def test_it_is_carried_through_the_questions(
        self, browser: Client, book: AddressBook, target: AddressBook
    ) -> None:
        ContactFactory.create_batch(60, book=book)
        for act in ("selection_delete", "selection_move", "selection_copy", "selection_group"):
            page = browser.post(at(act, book), {"everything": "on"})
            assertContains(page, '<input type="hidden" name="everything" value="on">')
            assertNotContains(page, 'type="hidden" name="contact"')
            assertContains(page, "60")
        assert book.contacts.count() == 60

    def test_it_is_offered_where_the_list_goes_on(self, browser: Client, book: AddressBook) -> None:
        page = reverse("invites:book_detail", args=[book.pk])
        ContactFactory.create_batch(PAGE, book=book)
        assertNotContains(browser.get(page), 'name="everything"')
        ContactFactory(book=book)
        assertContains(browser.get(page), f"Select all {PAGE + 1} in this list")

    def test_new_group_is_made_of_everybody_found(
        self, browser: Client, book: AddressBook, ada: Contact, bob: Contact
    ) -> None:
        browser.post(at("group_create", book, "?q=bob"), {"everything": "on", "name": "New"})
        assert list(ContactGroup.objects.get().contacts.all()) == [bob]


class TestMoveAndCopy:
    def test_it_asks_to_which_book_of_the_same_app(
        self, browser: Client, book: AddressBook, target: AddressBook, ada: Contact, organizer: User
    ) -> None:
        AddressBookFactory(owner=organizer, name="Of another app")
        AddressBookFactory(app=book.app, name="Of somebody else")
        AddressBookFactory(app=book.app, name="Open to read", sharing=Sharing.READ)
        AddressBookFactory(app=book.app, name="Open to all", sharing=Sharing.WRITE)
        page = browser.post(at("selection_move", book), {"contact": ada.pk})
        assert [str(choice) for choice in page.context["form"].fields["target"].queryset] == [
            "Open to all",
            "There",
        ]
        assertContains(page, "Ada")
        assertContains(page, "Move 1 person to another book")
        assert book.contacts.exists()

    def test_people_are_moved_and_it_can_be_undone(
        self, browser: Client, book: AddressBook, target: AddressBook, ada: Contact, bob: Contact
    ) -> None:
        data = {"contact": ada.pk, "target": target.pk, "confirmed": "yes"}
        answer = browser.post(at("selection_move", book, "?q=a"), data, follow=True)
        assertRedirects(answer, at("book_detail", book, "?q=a"))
        assertContains(answer, "1 person is now in “There”.")
        assert (list(book.contacts.all()), list(target.contacts.all())) == ([bob], [ada])
        change = BookChange.objects.of_book(book).get()
        undo = reverse("invites:change_undo", args=[change.pk])
        assertContains(answer, undo)
        browser.post(undo)
        assert set(book.contacts.all()) == {ada, bob}

    def test_people_are_copied_and_it_can_be_undone(
        self, browser: Client, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        data = {"contact": ada.pk, "target": target.pk, "confirmed": "yes"}
        answer = browser.post(at("selection_copy", book), data, follow=True)
        assert (book.contacts.count(), target.contacts.count()) == (1, 1)
        undo = reverse("invites:change_undo", args=[BookChange.objects.of_book(target).get().pk])
        assertContains(answer, undo)
        browser.post(undo)
        assert not target.contacts.exists()

    def test_whoever_is_there_already_is_named(
        self, browser: Client, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        ContactFactory(book=target, union_id="u-ada")
        data = {"contact": ada.pk, "target": target.pk, "confirmed": "yes"}
        answer = browser.post(at("selection_move", book), data, follow=True)
        assertContains(answer, "1 person stays out")
        assertContains(answer, "Ada")
        assert book.contacts.exists()

    @pytest.mark.parametrize("chosen", ["", "x", "0"])
    def test_without_a_book_it_asks_again(
        self, browser: Client, book: AddressBook, target: AddressBook, ada: Contact, chosen: str
    ) -> None:
        data = {"contact": ada.pk, "target": chosen, "confirmed": "yes"}
        page = browser.post(at("selection_copy", book), data)
        assertContains(page, "Choose an address book.", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assertContains(page, f'name="contact" value="{ada.pk}"', status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_book_that_may_not_be_changed_is_no_target(
        self, browser: Client, book: AddressBook, ada: Contact
    ) -> None:
        foreign = AddressBookFactory(app=book.app, sharing=Sharing.READ)
        data = {"contact": ada.pk, "target": foreign.pk, "confirmed": "yes"}
        assert browser.post(at("selection_move", book), data).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert not foreign.contacts.exists()

    def test_without_another_book_it_says_what_to_do(
        self, browser: Client, book: AddressBook, ada: Contact
    ) -> None:
        page = browser.post(at("selection_move", book), {"contact": ada.pk})
        assertContains(page, reverse("invites:book_create"))


class TestWhoMayActOnASelection:
    @pytest.mark.parametrize("act", ACTS)
    def test_whoever_may_not_change_the_book_is_kept_out(
        self,
        client: Client,
        signed_in: SignedIn,
        auditor: User,
        other_organizer: User,
        book: AddressBook,
        ada: Contact,
        act: str,
    ) -> None:
        AddressBook.objects.update(sharing=Sharing.READ)
        expected = [
            (client, HTTPStatus.FOUND),
            (signed_in(auditor), HTTPStatus.FORBIDDEN),
            (signed_in(other_organizer), HTTPStatus.NOT_FOUND),
        ]
        for browser, status in expected:
            assert browser.post(at(act, book), {"contact": ada.pk}).status_code == status
        assert book.contacts.exists()

    @pytest.mark.parametrize(
        "act", ["selection_group", "selection_delete", "selection_move", "selection_copy"]
    )
    def test_nobody_selected_is_said(self, browser: Client, book: AddressBook, act: str) -> None:
        assertContains(browser.post(at(act, book), follow=True), "Nobody was selected.")

    @pytest.mark.parametrize("act", ACTS)
    def test_it_is_posted_only(self, browser: Client, book: AddressBook, act: str) -> None:
        assert browser.get(at(act, book)).status_code == HTTPStatus.METHOD_NOT_ALLOWED
