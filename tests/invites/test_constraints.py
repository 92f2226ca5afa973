"""What the database itself refuses, whatever the code above it does."""

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from invites.models import (
    AddressBook,
    App,
    Attempt,
    Batch,
    Conference,
    Contact,
    Invitation,
    Invitee,
    User,
)
from tests.factories import (
    AddressBookFactory,
    AppFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InvitationFactory,
    InviteeFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def refuses(row: models.Model, **change: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).update(**change)


class TestApp:
    @pytest.mark.parametrize(
        "change",
        [{"kind": "magic"}, {"name": ""}, {"batch_size": 0}, {"batch_size": 501}, {"kind": "sandbox"}],
    )
    def test_it_refuses(self, change: dict[str, Any]) -> None:
        refuses(AppFactory(), **change)

    def test_there_is_one_sandbox(self) -> None:
        App.objects.create(name="one", kind="sandbox")
        with pytest.raises(IntegrityError):
            App.objects.create(name="two", kind="sandbox")


class TestConference:
    @pytest.mark.parametrize("identifier", ["", ".", "..", "a..b", "a/b", "a?b", "a#b", "a b"])
    def test_id_is_one_segment_of_a_path(self, identifier: str) -> None:
        refuses(ConferenceFactory(), conference_id=identifier)

    def test_it_exists_once_per_app(self) -> None:
        one, other = ConferenceFactory(), ConferenceFactory()
        refuses(other, app=one.app, conference_id=one.conference_id)


class TestAddressBook:
    @pytest.mark.parametrize("change", [{"name": ""}, {"sharing": "whoever"}])
    def test_it_refuses(self, change: dict[str, Any]) -> None:
        refuses(AddressBookFactory(), **change)

    def test_name_is_once_per_owner_whatever_its_case(self) -> None:
        book = AddressBookFactory(name="Staff")
        with pytest.raises(IntegrityError):
            AddressBook.objects.create(app=book.app, owner=book.owner, name="STAFF")

    @pytest.mark.parametrize(
        "change",
        [
            {"nick": ""},
            {"union_id": "", "phone_number": ""},
            {"union_id": "a b"},
            {"phone_number": "13800138000"},
        ],
    )
    def test_contact_refuses(self, change: dict[str, Any]) -> None:
        refuses(ContactFactory(), **change)

    @pytest.mark.parametrize("change", [{"union_id": "one"}, {"phone_number": "+8613800138000"}])
    def test_person_is_once_per_book(self, change: dict[str, Any]) -> None:
        book = AddressBookFactory()
        ContactFactory(book=book, **change)
        refuses(ContactFactory(book=book), **change)

    def test_two_contacts_without_a_number_are_two_people(self) -> None:
        book = AddressBookFactory()
        ContactFactory.create_batch(2, book=book, phone_number="")
        assert Contact.objects.count() == 2

    def test_group_name_is_once_per_book(self) -> None:
        group = ContactGroupFactory(name="Board")
        with pytest.raises(IntegrityError):
            ContactGroupFactory(book=group.book, name="board")


class TestInvitation:
    def test_conference_has_one_draft(self) -> None:
        draft = InvitationFactory()
        with pytest.raises(IntegrityError):
            Invitation.objects.create(conference=draft.conference)

    @pytest.mark.parametrize(
        "change",
        [
            {"state": "sending"},
            {"state": "finished", "sent_at": "2026-01-01T00:00Z"},
            {"sent_at": "2026-01-01T00:00Z"},
            {"state": "asleep", "sent_at": "2026-01-01T00:00Z"},
        ],
    )
    def test_state_fits_its_times(self, change: dict[str, Any]) -> None:
        refuses(InvitationFactory(), **change)

    @pytest.mark.parametrize(
        "change",
        [
            {"nick": ""},
            {"value": ""},
            {"channel": "phone"},
            {"channel": "fax"},
            {"state": "lost"},
        ],
    )
    def test_invitee_refuses(self, change: dict[str, Any]) -> None:
        refuses(InviteeFactory(value="abc"), **change)

    def test_person_stands_on_it_once(self) -> None:
        invitation = InvitationFactory()
        InviteeFactory(invitation=invitation, value="abc")
        refuses(InviteeFactory(invitation=invitation), value="abc")

    def test_contact_stands_on_it_once_whatever_the_channel(self) -> None:
        invitation, contact = InvitationFactory(), ContactFactory()
        InviteeFactory(invitation=invitation, contact=contact)
        refuses(InviteeFactory(invitation=invitation), contact=contact)

    def test_person_survives_the_contact(self) -> None:
        contact = ContactFactory()
        invitee = InviteeFactory(contact=contact)
        contact.delete()
        assert Invitee.objects.get(pk=invitee.pk).contact is None


class TestAttempt:
    @pytest.mark.parametrize(
        "change",
        [
            {"state": "failed"},
            {"error_code": "x"},
            {"state": "started"},
            {"finished_at": None},
            {"state": "lost"},
            {"people_state": "lost"},
        ],
    )
    def test_finished_one_refuses(self, change: dict[str, Any]) -> None:
        refuses(AttemptFactory(), **change)

    def test_number_is_once_per_batch(self) -> None:
        attempt = AttemptFactory()
        with pytest.raises(IntegrityError):
            AttemptFactory(invitation=attempt.invitation, batch=attempt.batch, number=1)

    @pytest.mark.parametrize("noun", [Conference, Invitation, Batch, User])
    def test_nothing_that_it_stands_on_can_be_deleted(self, noun: type[models.Model]) -> None:
        attempt = AttemptFactory(invitation__sent_by=UserFactory())
        InviteeFactory(invitation=attempt.invitation, last_attempt=attempt)
        row = {
            Conference: attempt.invitation.conference,
            Invitation: attempt.invitation,
            Batch: attempt.batch,
            User: attempt.invitation.sent_by,
        }[noun]
        with pytest.raises(models.ProtectedError):
            row.delete()
        assert Attempt.objects.exists()
