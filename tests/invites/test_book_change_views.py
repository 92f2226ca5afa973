"""The page of what was done to a book and by whom, and undoing it there and right after it was done."""

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

from invites import curating, journal
from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.models.address_book import Sharing
from invites.models.book_change import ChangeKind
from invites.views.book_change import PAGE
from tests.conftest import SignedIn, htmx
from tests.factories import ContactFactory, ContactGroupFactory

pytestmark = pytest.mark.django_db

BOOK = {"name": "Book", "sharing": "private", "default_country": ""}


@pytest.fixture
def deleted(book: AddressBook) -> BookChange:
    """Bob was deleted."""
    ContactFactory(book=book, nick="Bob", union_id="u-bob")
    change = curating.delete_contacts(book=book, contacts=book.contacts.all(), user=book.owner)
    assert change is not None
    return change


def changes(book: AddressBook, query: str = "") -> str:
    return reverse("invites:change_list", args=[book.pk]) + query


def undoing(change: BookChange) -> str:
    return reverse("invites:change_undo", args=[change.pk])


def note(
    book: AddressBook, kind: ChangeKind, people: int = 0, detail: dict[str, object] | None = None
) -> BookChange:
    return journal.note(book=book, user=book.owner, kind=kind, people=people, detail=detail)


class TestChangeList:
    def test_book_without_changes_says_what_will_stand_here(self, browser: Client, book: AddressBook) -> None:
        assertContains(browser.get(changes(book)), "Nothing has been changed yet")

    def test_it_tells_who_did_what_the_latest_first(
        self, browser: Client, book: AddressBook, deleted: BookChange
    ) -> None:
        page = browser.get(changes(book))
        assertContains(page, "“Bob” was deleted.")
        assertContains(page, book.owner.display_name)
        assertContains(page, undoing(deleted))

    @pytest.mark.parametrize(
        ("kind", "people", "detail", "sentence"),
        [
            (ChangeKind.ADDED, 1, {"nick": "Ada"}, "“Ada” was added."),
            (ChangeKind.EDITED, 1, {"nick": "Ada"}, "“Ada” was changed."),
            (ChangeKind.DELETED, 1200, {}, "1,200 people were deleted."),
            (ChangeKind.MOVED_OUT, 2, {"book": "Other"}, "2 people were moved to “Other”."),
            (ChangeKind.MOVED_IN, 2, {}, "2 people were moved here from another book."),
            (ChangeKind.COPIED_IN, 1, {"nick": "Ada"}, "“Ada” was copied here from another book."),
            (ChangeKind.MARKED, 2, {"reason": "Left"}, "2 people were marked “do not invite”: Left"),
            (ChangeKind.UNMARKED, 1, {"nick": "Ada"}, "“Ada” is no longer marked “do not invite”."),
            (ChangeKind.GROUPED, 3, {"group": "Sales"}, "3 people joined the group “Sales”."),
            (ChangeKind.UNGROUPED, 1, {"group": "Sales"}, "1 person left the group “Sales”."),
            (
                ChangeKind.GROUP_CREATED,
                0,
                {"group": "Sales"},
                "The group “Sales” was made, with 0 people in it.",
            ),
            (
                ChangeKind.GROUP_RENAMED,
                0,
                {"group": "Sales", "before": "All"},
                "The group “All” is now called “Sales”.",
            ),
            (
                ChangeKind.GROUP_DELETED,
                3,
                {"group": "Sales"},
                "The group “Sales” was deleted, with 3 people in it.",
            ),
            (ChangeKind.MERGED, 2, {"nick": "Ada"}, "“Ada”: 2 entries were merged into one."),
            (
                ChangeKind.IMPORTED,
                3,
                {"file_name": "hr.csv", "added": 1200, "changed": 1, "left": 0, "refused": 2},
                "Imported: 1,200 added, 1 changed. hr.csv",
            ),
            (
                ChangeKind.REFRESHED,
                3,
                {"added": 1, "changed": 0, "left": 2},
                "Refreshed from the directory: 1 added, 0 changed, 2 marked as having left.",
            ),
            (ChangeKind.BOOK_EDITED, 0, {"before": BOOK, "after": BOOK | {"name": "Team"}}, "Book changed"),
            (ChangeKind.SHARED, 0, {"person": "Bob", "may": "use"}, "Bob may use the book."),
            # A name is no pattern.
            (ChangeKind.ADDED, 1, {"nick": "100 %(n)s"}, "“100 %(n)s” was added."),
        ],
    )
    def test_every_kind_has_its_sentence(
        self,
        browser: Client,
        book: AddressBook,
        kind: ChangeKind,
        people: int,
        detail: dict[str, object],
        sentence: str,
    ) -> None:
        note(book, kind, people, detail)
        assertContains(browser.get(changes(book)), sentence)

    def test_edit_shows_what_was_different(self, browser: Client, book: AddressBook) -> None:
        contact = ContactFactory(book=book, nick="Ada", union_id="u-ada", phone_number="+8613800138000")
        contact.nick, contact.phone_number = "<b>Augusta", ""
        curating.save_contact(contact=contact, user=book.owner)
        page = browser.get(changes(book))
        assertContains(page, "<del><bdi>Ada</bdi></del>")
        assertContains(page, "<ins><bdi>&lt;b&gt;Augusta</bdi></ins>")
        assertContains(page, "<del><bdi>138 0013 8000</bdi></del>")
        assertNotContains(page, "u-ada")

    def test_what_happened_by_itself_has_no_author(self, browser: Client, book: AddressBook) -> None:
        journal.note(book=book, user=None, kind=ChangeKind.REFRESHED)
        assertContains(browser.get(changes(book)), "By itself")

    def test_undone_change_says_by_whom_and_has_no_button(
        self, browser: Client, book: AddressBook, deleted: BookChange
    ) -> None:
        browser.post(undoing(deleted))
        page = browser.get(changes(book))
        assertContains(page, f"Undone by {book.owner.display_name}")
        assertNotContains(page, undoing(deleted))

    def test_it_is_told_in_chinese_with_chinese_punctuation(self, browser: Client, book: AddressBook) -> None:
        contact = ContactFactory(book=book, nick="Ada")
        contact.nick = "张三"
        curating.save_contact(contact=contact, user=book.owner)
        page = browser.get(changes(book), headers={"Accept-Language": "zh-hans"})
        assertContains(page, "已修改“张三”。")
        assertContains(page, "姓名：</span>")

    def test_number_of_people_stands_apart_from_chinese_words(
        self, browser: Client, book: AddressBook
    ) -> None:
        ContactFactory.create_batch(2, book=book)
        curating.delete_contacts(book=book, contacts=book.contacts.all(), user=book.owner)
        page = browser.get(changes(book), headers={"Accept-Language": "zh-hans"})
        assertContains(page, "已删除 2 人。")

    def test_long_list_goes_on_behind_the_last_one(self, browser: Client, book: AddressBook) -> None:
        for _n in range(PAGE + 1):
            note(book, ChangeKind.GROUP_RENAMED)
        first = browser.get(changes(book))
        query = f"?before={first.context['next_cursor']}"
        more = browser.get(changes(book, query), headers=htmx("more_changes"))
        assert len(more.context["changes"]) == 1
        assertTemplateNotUsed(more, "base.html")
        assertTemplateUsed(browser.get(changes(book, query)), "base.html")
        assertTemplateUsed(browser.get(changes(book, query), headers=htmx("other")), "base.html")

    @pytest.mark.parametrize("query", ["?before=x", "?before=-1", f"?before={10**30}", "?before=%00"])
    def test_what_is_no_place_means_the_beginning(
        self, browser: Client, book: AddressBook, deleted: BookChange, query: str
    ) -> None:
        assert len(browser.get(changes(book, query)).context["changes"]) == 1

    @pytest.mark.parametrize("people", [1, 50])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        people: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for contact in ContactFactory.create_batch(people, book=book, phone_number=""):
            contact.nick = "New name"
            curating.save_contact(contact=contact, user=book.owner)
        with django_assert_max_num_queries(9):
            browser.get(changes(book))


class TestWhoSeesChanges:
    def test_whoever_may_write_sees_their_own_only(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook, deleted: BookChange
    ) -> None:
        AddressBook.objects.update(sharing=Sharing.WRITE)
        curating.save_contact(contact=Contact(book=book, nick="Ada", union_id="u1"), user=other_organizer)
        writer = signed_in(other_organizer)
        page = writer.get(changes(book))
        assertContains(page, "“Ada” was added.")
        assertNotContains(page, "Bob")
        assert writer.post(undoing(deleted)).status_code == HTTPStatus.NOT_FOUND
        own = BookChange.objects.made_by(other_organizer).get()
        assert writer.post(undoing(own)).status_code == HTTPStatus.FOUND
        assert not book.contacts.exists()

    def test_administrator_sees_and_undoes_everything(
        self, signed_in: SignedIn, administrator: User, book: AddressBook, deleted: BookChange
    ) -> None:
        assertContains(signed_in(administrator).get(changes(book)), "“Bob” was deleted.")
        signed_in(administrator).post(undoing(deleted))
        assert book.contacts.exists()

    def test_whoever_may_only_read_sees_nothing(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook, deleted: BookChange
    ) -> None:
        AddressBook.objects.update(sharing=Sharing.READ)
        reader = signed_in(other_organizer)
        assert reader.get(changes(book)).status_code == HTTPStatus.NOT_FOUND
        assert reader.post(undoing(deleted)).status_code == HTTPStatus.NOT_FOUND

    def test_auditor_and_anonymous_visitor_are_kept_out(
        self, client: Client, signed_in: SignedIn, auditor: User, book: AddressBook, deleted: BookChange
    ) -> None:
        for browser, status in ((client, HTTPStatus.FOUND), (signed_in(auditor), HTTPStatus.FORBIDDEN)):
            assert browser.get(changes(book)).status_code == status
            assert browser.post(undoing(deleted)).status_code == status
        assert not book.contacts.exists()


class TestUndo:
    def test_it_returns_to_where_it_was_pressed_and_says_what_it_did(
        self, browser: Client, book: AddressBook, deleted: BookChange
    ) -> None:
        page = f"http://testserver{changes(book)}"
        answer = browser.post(undoing(deleted), headers={"Referer": page})
        assertRedirects(answer, changes(book), fetch_redirect_response=False)
        assertContains(browser.get(changes(book)), "Undone for 1 person.")
        assert [contact.nick for contact in book.contacts.all()] == ["Bob"]

    def test_without_a_known_page_it_leads_to_the_book(
        self, browser: Client, book: AddressBook, deleted: BookChange
    ) -> None:
        assertRedirects(browser.post(undoing(deleted)), reverse("invites:book_detail", args=[book.pk]))

    def test_second_press_says_so_and_does_nothing(
        self, browser: Client, book: AddressBook, deleted: BookChange
    ) -> None:
        browser.post(undoing(deleted))
        assertContains(browser.post(undoing(deleted), follow=True), "This has been undone already.")
        assert book.contacts.count() == 1

    def test_too_late_is_said(self, browser: Client, book: AddressBook, deleted: BookChange) -> None:
        BookChange.objects.update(can_be_undone=False)
        assertContains(browser.post(undoing(deleted), follow=True), "This can no longer be undone.")

    def test_those_left_alone_are_counted(
        self, browser: Client, book: AddressBook, deleted: BookChange
    ) -> None:
        ContactFactory(book=book, union_id="u-bob")
        answer = browser.post(undoing(deleted), follow=True)
        assertContains(answer, "1 person was left alone")
        assertNotContains(answer, "Undone for")

    def test_it_is_posted_only(self, browser: Client, deleted: BookChange) -> None:
        assert browser.get(undoing(deleted)).status_code == HTTPStatus.METHOD_NOT_ALLOWED


class TestUndoRightAfter:
    """Every message that tells a change offers to undo it."""

    @pytest.fixture
    def ada(self, book: AddressBook) -> Contact:
        return ContactFactory(book=book, nick="Ada", union_id="u-ada")

    @pytest.fixture
    def group(self, book: AddressBook) -> ContactGroup:
        return ContactGroupFactory(book=book, name="Sales")

    def test_after_a_person_was_deleted_or_changed(self, browser: Client, ada: Contact) -> None:
        data = {"nick": "Augusta", "union_id": "u-ada"}
        for page, posted in (("contact_edit", data), ("contact_delete", {})):
            answer = browser.post(reverse(f"invites:{page}", args=[ada.pk]), posted, follow=True)
            change = BookChange.objects.newest_first()[0]
            assertContains(answer, f'form="undo" formaction="{undoing(change)}"')

    def test_in_the_row_it_comes_along_out_of_band(self, browser: Client, ada: Contact) -> None:
        answer = browser.post(
            reverse("invites:contact_edit", args=[ada.pk]),
            {"nick": "Augusta", "union_id": "u-ada"},
            headers=htmx(f"contact-{ada.pk}"),
        )
        assertContains(answer, 'hx-swap-oob="beforeend:#messages"')
        assertContains(answer, undoing(BookChange.objects.get()))

    def test_saving_without_a_difference_offers_nothing(self, browser: Client, ada: Contact) -> None:
        data = {"nick": "Ada", "union_id": "u-ada"}
        answer = browser.post(reverse("invites:contact_edit", args=[ada.pk]), data, follow=True)
        assertContains(answer, "The changes to “Ada” are saved.")
        assertNotContains(answer, "/undo/")

    def test_after_a_group_was_made_renamed_and_deleted(
        self, browser: Client, book: AddressBook, group: ContactGroup
    ) -> None:
        acts = [
            (reverse("invites:group_create", args=[book.pk]), {"name": "New"}),
            (reverse("invites:group_edit", args=[group.pk]), {"name": "Support"}),
            (reverse("invites:group_delete", args=[group.pk]), {}),
        ]
        for address, data in acts:
            answer = browser.post(address, data, follow=True)
            assertContains(answer, undoing(BookChange.objects.newest_first()[0]))
