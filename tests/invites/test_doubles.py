"""People of a book who may be one and the same: finding them, making one of them, and having them back."""

from datetime import UTC, date, datetime
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

from invites import curating
from invites.curating import doubles
from invites.errors import ContactGone
from invites.models import AddressBook, BookChange, Contact, DraftLine, User
from invites.models.draft_line import LineProblem
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel
from invites.views.double import PAGE
from tests.conftest import SignedIn, htmx
from tests.factories import (
    ContactFactory,
    ContactGroupFactory,
    InvitationFactory,
    InviteeFactory,
    SentInvitationFactory,
)

pytestmark = pytest.mark.django_db

MARKED = datetime(2026, 5, 4, 8, tzinfo=UTC)
NUMBER = "+8613800138000"


@pytest.fixture
def by_id(book: AddressBook) -> Contact:
    return ContactFactory(book=book, nick="Ada", union_id="u-ada")


@pytest.fixture
def by_number(book: AddressBook, by_id: Contact) -> Contact:
    return ContactFactory(book=book, nick="ADA", union_id="", phone_number=NUMBER)


def at(page: str, book: AddressBook, query: str = "") -> str:
    return reverse(f"invites:{page}", args=[book.pk]) + query


def merge(book: AddressBook, union_id: str = "u-ada", phone_number: str = NUMBER) -> BookChange:
    return curating.merge_contacts(
        book=book,
        contacts=book.contacts.all(),
        union_id=union_id,
        phone_number=phone_number,
        user=book.owner,
    )


class TestFinding:
    def test_people_of_one_name_in_any_letters(
        self, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        ContactFactory(book=book, nick="Adam")
        ContactFactory(nick="Ada")
        found = curating.find_doubles(book, most=5)
        assert [double.people for double in found.doubles] == [[by_id, by_number]]
        assert found.next_name == ""

    def test_two_unionids_or_numbers_speak_against_it(self, book: AddressBook, by_id: Contact) -> None:
        ContactFactory(book=book, nick="Ada", union_id="u-other")
        assert [double.is_likely for double in curating.find_doubles(book, most=5).doubles] == [False]

    def test_it_goes_on_behind_the_last_name(self, book: AddressBook) -> None:
        for name in "abcde":
            ContactFactory.create_batch(2, book=book, nick=name)
        first = curating.find_doubles(book, most=3)
        rest = curating.find_doubles(book, after=first.next_name, most=3)
        assert [double.nick for double in first.doubles + rest.doubles] == list("abcde")
        assert rest.next_name == ""

    @pytest.mark.parametrize("window", [1, 2, 3, 4, 5])
    def test_nobody_falls_between_two_parts_of_the_book(
        self, monkeypatch: pytest.MonkeyPatch, book: AddressBook, window: int
    ) -> None:
        monkeypatch.setattr(doubles, "WINDOW", window)
        for name in ("a", "b", "b", "c", "d", "d", "d", "d", "d", "d", "e", "f", "f"):
            ContactFactory(book=book, nick=name)
        found: list[str] = []
        after, pages = "", 0
        while pages < 20:
            page = curating.find_doubles(book, after=after, most=2)
            found += [double.nick for double in page.doubles]
            after, pages = page.next_name, pages + 1
            if not after:
                break
        assert found == ["b", "d", "f"]

    def test_those_whom_nothing_tells_apart_can_be_found_alone(
        self, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        ContactFactory.create_batch(2, book=book, nick="Aaron")
        for number in ("+8613800138005", "+8613800138006"):
            ContactFactory(book=book, nick="Bob", union_id="", phone_number=number)
        ContactFactory(book=book, nick="Cy", union_id="u-cy", phone_number="+8613800138007")
        ContactFactory(book=book, nick="Cy", union_id="", phone_number="+8613800138008")
        likely = curating.find_doubles(book, only_likely=True, most=5).doubles
        assert [double.nick for double in likely] == ["Ada"]
        assert [double.is_likely for double in likely] == [True]

    def test_of_very_many_the_first_are_shown(self, book: AddressBook) -> None:
        ContactFactory.create_batch(doubles.PEOPLE + 2, book=book, nick="Guest")
        [double] = curating.find_doubles(book, most=5).doubles
        assert len(double.people) == doubles.PEOPLE


class TestMerging:
    def test_the_oldest_stays_with_everything_of_both(
        self, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        for contact, name in ((by_id, "Sales"), (by_number, "Support"), (by_number, "Sales of the north")):
            ContactGroupFactory(book=book, name=name).contacts.add(contact)
        Contact.objects.among([by_number.pk]).update(
            do_not_invite_since=MARKED, do_not_invite_reason="Left", do_not_invite_by=book.owner
        )
        change = merge(book)
        kept = book.contacts.get()
        assert (kept.pk, kept.union_id, kept.phone_number) == (by_id.pk, "u-ada", NUMBER)
        assert kept.groups.count() == 3
        assert (kept.do_not_invite_reason, kept.do_not_invite_by) == ("Left", book.owner)
        assert list(book.contacts.matching("8000")) == [kept]
        assert change.people == 2

    def test_mark_that_is_over_gives_way_to_one_that_holds(
        self, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        past = {"do_not_invite_since": MARKED, "do_not_invite_until": date(2026, 5, 5)}
        Contact.objects.among([by_id.pk]).update(do_not_invite_reason="On leave", **past)
        Contact.objects.among([by_number.pk]).update(do_not_invite_since=MARKED, do_not_invite_reason="Left")
        merge(book)
        kept = book.contacts.get()
        assert kept.is_not_to_be_invited
        assert (kept.do_not_invite_reason, kept.do_not_invite_until) == ("Left", None)

    def test_of_two_marks_the_one_that_holds_longer_stays(
        self, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        for contact, until, reason in ((by_id, date(2099, 1, 1), "On leave"), (by_number, None, "Left")):
            Contact.objects.among([contact.pk]).update(
                do_not_invite_since=MARKED, do_not_invite_until=until, do_not_invite_reason=reason
            )
        merge(book)
        kept = book.contacts.get()
        assert (kept.do_not_invite_reason, kept.do_not_invite_until) == ("Left", None)

    def test_what_dingtalk_said_goes_with_the_unionid_that_stays(self, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Ada", union_id="u-old", refused_at=MARKED, refused_code="unknown")
        ContactFactory(book=book, nick="Ada", union_id="u-ada", left_directory_at=MARKED)
        merge(book, phone_number="")
        kept = book.contacts.get()
        assert (kept.refused_at, kept.refused_code, kept.left_directory_at) == (None, "", MARKED)

    def test_invitations_name_the_one_that_stays_but_never_twice(
        self, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        sent, draft = SentInvitationFactory(), InvitationFactory()
        both = [InviteeFactory(invitation=sent, contact=contact) for contact in (by_id, by_number)]
        other = InviteeFactory(contact=by_number)
        line = DraftLine.objects.create(
            invitation=draft, text="ADA", problem=LineProblem.DO_NOT_INVITE, contact=by_number
        )
        merge(book)
        for invitee in (*both, other):
            invitee.refresh_from_db()
        line.refresh_from_db()
        assert [invitee.contact for invitee in both] == [by_id, None]
        assert (other.contact, line.contact) == (by_id, by_id)

    @pytest.mark.parametrize("state", [InvitationState.DRAFT, InvitationState.SCHEDULED])
    def test_list_that_is_not_sent_yet_names_them_once(
        self, book: AddressBook, by_id: Contact, by_number: Contact, state: InvitationState
    ) -> None:
        at = timezone.now() if state == InvitationState.SCHEDULED else None
        draft = InvitationFactory(state=state, scheduled_for=at, scheduled_by=book.owner if at else None)
        InviteeFactory(invitation=draft, contact=by_number, channel=Channel.PHONE, value=NUMBER)
        stays = InviteeFactory(invitation=draft, contact=by_id, value="u-ada")
        stranger = InviteeFactory(invitation=draft)
        merge(book)
        assert list(draft.invitees.order_by("pk")) == [stays, stranger]
        before = draft.revision
        draft.refresh_from_db()
        assert draft.revision == before + 1

    def test_it_can_be_undone(self, book: AddressBook, by_id: Contact, by_number: Contact) -> None:
        group = ContactGroupFactory(book=book)
        group.contacts.add(by_number)
        change = merge(book)
        assert curating.undo(change, user=book.owner) == curating.Restored(people=2)
        people = book.contacts.order_by("pk").values_list("pk", "nick", "union_id", "phone_number")
        assert list(people) == [(by_id.pk, "Ada", "u-ada", ""), (by_number.pk, "ADA", "", NUMBER)]
        assert list(group.contacts.all()) == [by_number]

    def test_somebody_who_is_gone_or_reached_in_another_way_by_now_is_not_merged(
        self, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        with pytest.raises(ContactGone):
            merge(book, phone_number="+8613800138999")
        by_number.delete()
        with pytest.raises(ContactGone):
            merge(book)
        assert not BookChange.objects.exists()


class TestDoubleList:
    def test_book_without_doubles_says_so(self, browser: Client, book: AddressBook, by_id: Contact) -> None:
        assertContains(browser.get(at("double_list", book)), "No two people share a name")

    def test_whom_nothing_tells_apart_are_ticked(
        self, browser: Client, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        page = browser.get(at("double_list", book))
        assertContains(page, f'name="contact" value="{by_id.pk}" checked')
        assertContains(page, "138 0013 8000")
        assertNotContains(page, "Perhaps different people")

    def test_others_are_not_ticked_and_offer_what_stays(
        self, browser: Client, book: AddressBook, by_id: Contact
    ) -> None:
        ContactFactory(book=book, nick="Ada", union_id="u-other")
        page = browser.get(at("double_list", book))
        assertContains(page, "Perhaps different people")
        assertNotContains(page, "checked")
        assertContains(page, 'type="radio" name="union_id" value="u-other"')
        assertNotContains(page, 'name="phone_number"')

    def test_list_of_those_whom_nothing_tells_apart_leaves_out_the_others_and_says_where_one_is(
        self, browser: Client, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        ContactFactory.create_batch(2, book=book, nick="Colleague")
        page = browser.get(at("double_list", book, "?likely=on"))
        assertContains(page, f'name="contact" value="{by_id.pk}" checked')
        assertNotContains(page, "Colleague")
        assertContains(page, f'href="{at("double_list", book, "?likely=on")}" aria-current="true"')
        people = {"contact": [by_id.pk, by_number.pk], "name": "Ada"}
        answer = browser.post(at("double_merge", book, "?likely=on"), people)
        assertRedirects(answer, at("double_list", book, "?likely=on"))
        assertContains(
            browser.get(at("double_list", book, "?likely=on")), "Nobody is here twice by all that is known"
        )

    def test_list_goes_on_as_page_and_as_fragment(self, browser: Client, book: AddressBook) -> None:
        for n in range(PAGE + 1):
            ContactFactory.create_batch(2, book=book, nick=f"Person {n:02}")
        first = browser.get(at("double_list", book))
        address = at("double_list", book, f"?after={first.context['next_name']}")
        page, fragment = browser.get(address), browser.get(address, headers=htmx("more_doubles"))
        for answer in (page, fragment):
            assert [shown.double.nick for shown in answer.context["doubles"]] == [f"Person {PAGE:02}"]
        assertTemplateNotUsed(fragment, "base.html")
        assertTemplateUsed(browser.get(address, headers=htmx("other")), "base.html")

    @pytest.mark.parametrize("names", [1, PAGE])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        book: AddressBook,
        names: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for n in range(names):
            ContactFactory.create_batch(2, book=book, nick=f"Person {n:02}")
        with django_assert_max_num_queries(9):
            browser.get(at("double_list", book))

    def test_whoever_may_not_change_the_book_does_not_see_it(
        self, client: Client, signed_in: SignedIn, auditor: User, other_organizer: User, book: AddressBook
    ) -> None:
        expected = [
            (client, HTTPStatus.FOUND),
            (signed_in(auditor), HTTPStatus.FORBIDDEN),
            (signed_in(other_organizer), HTTPStatus.NOT_FOUND),
        ]
        for browser, status in expected:
            assert browser.get(at("double_list", book)).status_code == status
            assert browser.post(at("double_merge", book)).status_code == status


class TestDoubleMerge:
    def test_it_merges_returns_to_the_list_and_offers_to_undo_it(
        self, browser: Client, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        data = {"name": "Ada", "contact": [by_id.pk, by_number.pk]}
        answer = browser.post(at("double_merge", book, "?after=aaa"), data, follow=True)
        assertRedirects(answer, at("double_list", book, "?after=aaa"))
        assertContains(answer, "“Ada” is one person now.")
        assertContains(answer, reverse("invites:change_undo", args=[BookChange.objects.get().pk]))
        assert book.contacts.get().phone_number == NUMBER

    def test_of_two_unionids_one_must_be_chosen(
        self, browser: Client, book: AddressBook, by_id: Contact
    ) -> None:
        other = ContactFactory(book=book, nick="Ada", union_id="u-other")
        data = {"name": "Ada", "contact": [by_id.pk, other.pk]}
        page = browser.post(at("double_merge", book), data)
        assertContains(page, "Choose the unionId that stays.", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assertContains(page, f'value="{other.pk}" checked', status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        browser.post(at("double_merge", book), data | {"union_id": "u-other"})
        assert book.contacts.get().union_id == "u-other"

    def test_value_of_nobody_ticked_is_no_choice(
        self, browser: Client, book: AddressBook, by_id: Contact
    ) -> None:
        other = ContactFactory(book=book, nick="Ada", union_id="u-other")
        data = {"name": "Ada", "contact": [by_id.pk, other.pk], "union_id": "u-third"}
        assert browser.post(at("double_merge", book), data).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert book.contacts.count() == 2

    @pytest.mark.parametrize("ticked", [0, 1])
    def test_fewer_than_two_are_refused(
        self, browser: Client, book: AddressBook, by_id: Contact, by_number: Contact, ticked: int
    ) -> None:
        data = {"name": "Ada", "contact": [by_id.pk][:ticked]}
        page = browser.post(at("double_merge", book), data)
        assertContains(page, "Tick at least two people", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_second_press_finds_them_merged(
        self, browser: Client, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        data = {"name": "Ada", "contact": [by_id.pk, by_number.pk]}
        answers = [browser.post(at("double_merge", book), data).status_code for _press in range(2)]
        assert answers == [HTTPStatus.FOUND, HTTPStatus.CONFLICT]
        assert book.contacts.count() == 1

    def test_person_of_another_book_cannot_be_merged(
        self, browser: Client, book: AddressBook, by_id: Contact, by_number: Contact
    ) -> None:
        foreign = ContactFactory(nick="Ada")
        data = {"name": "Ada", "contact": [by_id.pk, foreign.pk]}
        assert browser.post(at("double_merge", book), data).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert Contact.objects.filter(pk=foreign.pk).exists()
