"""Marking people of a book "do not invite": one or many, why and until when, seen, counted and undone."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from invites import curating
from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.models.address_book import Sharing
from invites.models.book_change import ChangeKind
from tests.conftest import SignedIn
from tests.factories import ContactFactory, ContactGroupFactory, MarkedContactFactory

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 31)


@pytest.fixture
def client(signed_in: SignedIn, organizer: User) -> Client:
    return signed_in(organizer)


@pytest.fixture
def kim(book: AddressBook) -> Contact:
    return ContactFactory(book=book, nick="Kim")


@pytest.fixture
def lee(book: AddressBook) -> Contact:
    return ContactFactory(book=book, nick="Lee")


def at(name: str, pk: int) -> str:
    return reverse(f"invites:{name}", args=[pk])


def mark(book: AddressBook, user: User, *contacts: Contact, reason: str = "On leave") -> BookChange | None:
    chosen = Contact.objects.among([contact.pk for contact in contacts])
    return curating.mark_contacts(book=book, contacts=chosen, reason=reason, until=None, user=user)


def reasons(contacts: Sequence[Contact]) -> list[str]:
    return [Contact.objects.get(pk=contact.pk).do_not_invite_reason for contact in contacts]


class TestVerbs:
    def test_mark_says_why_until_when_since_when_and_by_whom(
        self, book: AddressBook, kim: Contact, organizer: User
    ) -> None:
        chosen = Contact.objects.among([kim.pk])
        curating.mark_contacts(book=book, contacts=chosen, reason="On leave", until=TODAY, user=organizer)
        kim.refresh_from_db()
        assert (kim.do_not_invite_reason, kim.do_not_invite_until) == ("On leave", TODAY)
        assert kim.do_not_invite_by == organizer
        assert kim.do_not_invite_since is not None

    def test_change_is_noted_with_what_was_before(
        self, book: AddressBook, kim: Contact, lee: Contact, organizer: User
    ) -> None:
        mark(book, organizer, kim, reason="Ill")
        change = mark(book, organizer, kim, lee)
        assert change is not None
        assert (change.kind, change.people, change.detail) == (ChangeKind.MARKED, 2, {"reason": "On leave"})
        before = {row.contact_key: row.was["do_not_invite_reason"] for row in change.contacts.all()}
        assert before == {kim.pk: "Ill", lee.pk: ""}

    def test_whoever_is_marked_just_so_is_passed_over(
        self, book: AddressBook, kim: Contact, lee: Contact, organizer: User
    ) -> None:
        mark(book, organizer, kim)
        change = mark(book, organizer, kim, lee)
        assert change is not None
        assert change.people == 1
        assert mark(book, organizer, kim, lee) is None

    def test_people_of_other_books_are_left_alone(self, book: AddressBook, organizer: User) -> None:
        assert mark(book, organizer, ContactFactory()) is None

    def test_unmarking_takes_marks_away_that_are_over_too(self, book: AddressBook, organizer: User) -> None:
        over = MarkedContactFactory(book=book, do_not_invite_until=timezone.localdate() - timedelta(days=9))
        change = curating.unmark_contacts(book=book, contacts=Contact.objects.all(), user=organizer)
        assert change is not None
        assert (change.kind, change.people) == (ChangeKind.UNMARKED, 1)
        over.refresh_from_db()
        assert (over.do_not_invite_since, over.do_not_invite_until, over.do_not_invite_reason) == (
            None,
            None,
            "",
        )
        assert curating.unmark_contacts(book=book, contacts=Contact.objects.all(), user=organizer) is None

    def test_marking_is_undone(self, book: AddressBook, kim: Contact, lee: Contact, organizer: User) -> None:
        mark(book, organizer, kim, reason="Ill")
        change = mark(book, organizer, kim, lee)
        assert change is not None
        assert curating.undo(change, user=organizer).people == 2
        assert reasons([kim, lee]) == ["Ill", ""]
        assert Contact.objects.get(pk=lee.pk).do_not_invite_since is None

    def test_unmarking_is_undone(self, book: AddressBook, organizer: User) -> None:
        marked = MarkedContactFactory(book=book, do_not_invite_until=TODAY, do_not_invite_by=organizer)
        change = curating.unmark_contacts(book=book, contacts=Contact.objects.all(), user=organizer)
        assert change is not None
        curating.undo(change, user=organizer)
        again = Contact.objects.get()
        assert (again.do_not_invite_reason, again.do_not_invite_until) == ("On leave", TODAY)
        assert again.do_not_invite_by == organizer
        assert abs(again.do_not_invite_since - marked.do_not_invite_since) < timedelta(milliseconds=1)

    def test_ten_thousand_take_a_bounded_number_of_statements(
        self, book: AddressBook, organizer: User
    ) -> None:
        Contact.objects.bulk_create(
            (Contact(book=book, nick=f"{n}", union_id=f"of-{n}") for n in range(10_000)), batch_size=2000
        )
        with CaptureQueriesContext(connection) as queries:
            change = curating.mark_contacts(
                book=book, contacts=Contact.objects.all(), reason="Moved", until=None, user=organizer
            )
        assert change is not None
        assert change.people == 10_000
        assert len(queries) < 100
        assert Contact.objects.not_to_be_invited().count() == 10_000


class TestContactMark:
    def test_form_is_empty_at_first_and_shows_the_mark_later(self, client: Client, kim: Contact) -> None:
        html = client.get(at("contact_mark", kim.pk)).content.decode()
        assert "Do not invite “Kim”" in html
        assert "Can be invited again" not in html
        marked = MarkedContactFactory(book=kim.book, do_not_invite_until=TODAY)
        html = client.get(at("contact_mark", marked.pk)).content.decode()
        assert 'value="On leave"' in html
        assert 'value="2026-03-31"' in html
        assert "Can be invited again" in html

    def test_person_is_marked_and_it_can_be_undone(self, client: Client, kim: Contact) -> None:
        tomorrow = timezone.localdate() + timedelta(days=1)
        data = {"reason": "On leave", "until": tomorrow.isoformat()}
        response = client.post(at("contact_mark", kim.pk), data, follow=True)
        assert "“Kim” is not to be invited." in response.content.decode()
        kim.refresh_from_db()
        assert (kim.do_not_invite_reason, kim.do_not_invite_until) == ("On leave", tomorrow)
        assert BookChange.objects.get().is_undoable

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            ({"reason": ""}, "Say why, for those who wonder later."),
            ({"reason": "x" * 201}, "A reason has at most 200 characters."),
            ({"reason": "On\x07leave"}, "no control characters"),
            ({"reason": "On leave", "until": "soon"}, "Enter a day, like 2026-12-31."),
            ({"reason": "On leave", "until": "2020-01-01"}, "This day is over."),
        ],
    )
    def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
        self, client: Client, kim: Contact, data: dict[str, str], problem: str
    ) -> None:
        response = client.post(at("contact_mark", kim.pk), data)
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        html = response.content.decode()
        assert problem in html
        assert all(f'value="{text}"' in html for text in data.values() if text.isprintable() and text)
        assert not Contact.objects.not_to_be_invited().exists()

    @pytest.mark.parametrize(
        ("now", "is_over"),
        [
            (datetime(2026, 3, 31, 23, 59, tzinfo=ZoneInfo("Asia/Shanghai")), False),
            (datetime(2026, 4, 1, 0, 1, tzinfo=ZoneInfo("Asia/Shanghai")), True),
        ],
    )
    def test_last_day_may_be_today_by_the_clock_of_the_server(
        self,
        signed_in: SignedIn,
        organizer: User,
        kim: Contact,
        settings: Settings,
        now: datetime,
        is_over: bool,
    ) -> None:
        settings.TIME_ZONE = "Asia/Shanghai"
        with time_machine.travel(now, tick=False):
            data = {"reason": "On leave", "until": "2026-03-31"}
            response = signed_in(organizer).post(at("contact_mark", kim.pk), data)
        assert (response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY) is is_over

    def test_mark_is_taken_away(self, client: Client, book: AddressBook) -> None:
        kim = MarkedContactFactory(book=book, nick="Kim")
        response = client.post(at("contact_unmark", kim.pk), follow=True)
        assert "“Kim” can be invited again." in response.content.decode()
        assert not Contact.objects.not_to_be_invited().exists()

    @pytest.mark.parametrize("name", ["contact_mark", "contact_unmark"])
    def test_only_whoever_may_change_the_book_marks_its_people(
        self, signed_in: SignedIn, other_organizer: User, auditor: User, kim: Contact, name: str
    ) -> None:
        url = at(name, kim.pk)
        data = {"reason": "On leave"}
        assert Client().post(url, data).status_code == HTTPStatus.FOUND
        assert signed_in(auditor).post(url, data).status_code == HTTPStatus.FORBIDDEN
        AddressBook.objects.update(sharing=Sharing.READ)
        assert signed_in(other_organizer).post(url, data).status_code == HTTPStatus.NOT_FOUND
        assert not BookChange.objects.exists()
        AddressBook.objects.update(sharing=Sharing.WRITE)
        assert signed_in(other_organizer).post(url, data).status_code == HTTPStatus.FOUND


class TestSelectionMark:
    def test_asks_why_and_names_who_it_is(
        self, client: Client, book: AddressBook, kim: Contact, lee: Contact
    ) -> None:
        response = client.post(at("selection_mark", book.pk), {"contact": [kim.pk, lee.pk]})
        html = response.content.decode()
        assert response.status_code == HTTPStatus.OK
        assert "Do not invite 2 people" in html
        assert "<bdi>Kim</bdi> · <bdi>Lee</bdi>" in html
        assert f'name="contact" value="{kim.pk}"' in html

    def test_those_ticked_are_marked(
        self, client: Client, book: AddressBook, kim: Contact, lee: Contact
    ) -> None:
        data = {"contact": [kim.pk], "reason": "On leave"}
        response = client.post(at("selection_mark", book.pk), data, follow=True)
        assert "1 person is not to be invited." in response.content.decode()
        assert reasons([kim, lee]) == ["On leave", ""]

    def test_everybody_whom_the_search_finds_is_marked(
        self, client: Client, book: AddressBook, kim: Contact, lee: Contact
    ) -> None:
        data = {"everything": "on", "reason": "On leave"}
        client.post(at("selection_mark", book.pk) + "?q=Lee", data)
        assert reasons([kim, lee]) == ["", "On leave"]

    def test_reason_that_is_missing_is_asked_for_again(
        self, client: Client, book: AddressBook, kim: Contact
    ) -> None:
        data = {"contact": [kim.pk], "reason": ""}
        response = client.post(at("selection_mark", book.pk), data)
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert "Say why, for those who wonder later." in response.content.decode()
        assert f'name="contact" value="{kim.pk}"' in response.content.decode()

    @pytest.mark.parametrize("name", ["selection_mark", "selection_unmark"])
    def test_nobody_selected_changes_nothing(self, client: Client, book: AddressBook, name: str) -> None:
        response = client.post(at(name, book.pk), {"reason": "On leave"}, follow=True)
        assert "Nobody" in response.content.decode()
        assert not BookChange.objects.exists()

    def test_marks_are_taken_away(self, client: Client, book: AddressBook) -> None:
        MarkedContactFactory.create_batch(2, book=book)
        url = at("selection_unmark", book.pk) + "?marked=on"
        response = client.post(url, {"everything": "on"}, follow=True)
        assert "2 people can be invited again." in response.content.decode()
        assert not Contact.objects.ever_marked().exists()

    @pytest.mark.parametrize("name", ["selection_mark", "selection_unmark"])
    def test_only_whoever_may_change_the_book_marks_its_people(
        self, signed_in: SignedIn, other_organizer: User, auditor: User, kim: Contact, name: str
    ) -> None:
        url = at(name, kim.book_id)
        data = {"contact": [kim.pk], "reason": "On leave"}
        assert Client().post(url, data).status_code == HTTPStatus.FOUND
        assert signed_in(auditor).post(url, data).status_code == HTTPStatus.FORBIDDEN
        assert signed_in(other_organizer).post(url, data).status_code == HTTPStatus.NOT_FOUND
        assert not BookChange.objects.exists()


class TestBook:
    def test_row_shows_the_mark_with_its_reason_and_its_last_day(
        self, client: Client, book: AddressBook
    ) -> None:
        until = timezone.localdate() + timedelta(days=400)
        MarkedContactFactory(book=book, do_not_invite_until=until)
        html = client.get(at("book_detail", book.pk)).content.decode()
        assert "Do not invite until the end of" in html
        assert "On leave" in html

    def test_row_shows_no_mark_that_is_over(self, client: Client, book: AddressBook) -> None:
        MarkedContactFactory(book=book, do_not_invite_until=timezone.localdate() - timedelta(days=2))
        assert "On leave" not in client.get(at("book_detail", book.pk)).content.decode()

    def test_reason_is_escaped(self, client: Client, book: AddressBook) -> None:
        MarkedContactFactory(book=book, do_not_invite_reason='"><script>')
        assert '"><script>' not in client.get(at("book_detail", book.pk)).content.decode()

    def test_chip_counts_and_narrows_to_those_who_are_marked(
        self, client: Client, book: AddressBook, kim: Contact
    ) -> None:
        assert "Do not invite (" not in client.get(at("book_detail", book.pk)).content.decode()
        marked = MarkedContactFactory(book=book)
        assert "Do not invite (1)" in client.get(at("book_detail", book.pk)).content.decode()
        html = client.get(at("book_detail", book.pk), {"marked": "on"}).content.decode()
        assert f'id="contact-{marked.pk}"' in html
        assert f'id="contact-{kim.pk}"' not in html
        assert at("selection_unmark", book.pk) in html

    def test_nobody_marked_has_words_of_its_own(
        self, client: Client, book: AddressBook, kim: Contact
    ) -> None:
        html = client.get(at("book_detail", book.pk), {"marked": "on"}).content.decode()
        assert "Everybody may be invited" in html

    def test_group_shows_how_many_of_it_would_be_invited(
        self, client: Client, book: AddressBook, kim: Contact, lee: Contact
    ) -> None:
        group: ContactGroup = ContactGroupFactory(book=book, name="Sales")
        group.contacts.add(kim, lee, MarkedContactFactory(book=book))
        html = client.get(at("book_detail", book.pk)).content.decode()
        assert 'title="1 not to be invited">2</span>' in html

    def test_contact_form_leads_to_the_mark(self, client: Client, book: AddressBook, kim: Contact) -> None:
        assert at("contact_mark", kim.pk) in client.get(at("contact_edit", kim.pk)).content.decode()
        marked = MarkedContactFactory(book=book)
        html = client.get(at("contact_edit", marked.pk)).content.decode()
        assert "Change the mark" in html
        assert "On leave" in html
