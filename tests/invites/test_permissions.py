"""Who sees what and may do what, role by role."""

import pytest
from django.contrib.auth.models import AnonymousUser

from invites import permissions
from invites.models import User
from invites.models.address_book import Sharing
from invites.models.user import Role
from tests.factories import AddressBookFactory, AttemptFactory, ConferenceFactory, ContactFactory

pytestmark = pytest.mark.django_db


class TestConferences:
    def test_organizer_sees_their_own_and_those_shared_with_them(
        self, organizer: User, other_organizer: User
    ) -> None:
        own, shared, _foreign = (
            ConferenceFactory(owner=organizer),
            ConferenceFactory(owner=other_organizer),
            ConferenceFactory(owner=other_organizer),
        )
        shared.co_organizers.add(organizer)
        assert set(permissions.conferences(organizer)) == {own, shared}

    def test_administrator_sees_all_even_those_of_the_command_line(self, administrator: User) -> None:
        conference = ConferenceFactory(owner=None)
        assert list(permissions.conferences(administrator)) == [conference]

    def test_auditor_and_stranger_see_none(self, auditor: User) -> None:
        ConferenceFactory(owner=auditor)
        assert not permissions.conferences(auditor)
        assert not permissions.conferences(AnonymousUser())


class TestBooks:
    @pytest.mark.parametrize(
        ("sharing", "reads", "writes"),
        [(Sharing.PRIVATE, False, False), (Sharing.READ, True, False), (Sharing.WRITE, True, True)],
    )
    def test_others_use_a_book_as_its_owner_allows(
        self, organizer: User, other_organizer: User, sharing: Sharing, reads: bool, writes: bool
    ) -> None:
        AddressBookFactory(owner=other_organizer, sharing=sharing)
        assert permissions.readable_books(organizer).exists() is reads
        assert permissions.writable_books(organizer).exists() is writes
        assert not permissions.owned_books(organizer).exists()

    def test_auditor_uses_none(self, auditor: User) -> None:
        AddressBookFactory(sharing=Sharing.WRITE)
        assert not permissions.readable_books(auditor).exists()
        assert not permissions.writable_books(auditor).exists()

    def test_organizer_who_becomes_an_auditor_no_longer_uses_their_own(self, organizer: User) -> None:
        book = AddressBookFactory(owner=organizer)
        assert list(permissions.owned_books(organizer)) == [book]
        organizer.role = Role.AUDITOR
        for books in (permissions.owned_books, permissions.readable_books, permissions.writable_books):
            assert not books(organizer).exists()

    def test_contacts_of_another_app_cannot_be_invited(self, organizer: User) -> None:
        mine = ContactFactory(book__owner=organizer)
        ContactFactory(book__owner=organizer)
        assert list(permissions.contacts(organizer, app=mine.book.app)) == [mine]


class TestHistory:
    def test_organizer_reads_that_of_their_conferences(self, organizer: User) -> None:
        own = AttemptFactory(invitation__conference__owner=organizer)
        AttemptFactory()
        assert list(permissions.attempts(organizer)) == [own]
        assert list(permissions.invitations(organizer)) == [own.invitation]

    def test_auditor_and_administrator_read_all(self, auditor: User, administrator: User) -> None:
        attempt = AttemptFactory()
        for user in (auditor, administrator):
            assert list(permissions.attempts(user)) == [attempt]

    def test_auditor_invites_nobody_again(self, auditor: User) -> None:
        AttemptFactory()
        assert not permissions.sendable_invitations(auditor).exists()


class TestPhoneNumbers:
    def test_auditor_sees_them_where_granted_only(self, auditor: User, organizer: User) -> None:
        assert not permissions.may_see_phone_numbers(auditor)
        auditor.may_see_phone_numbers = True
        assert permissions.may_see_phone_numbers(auditor)
        assert permissions.may_see_phone_numbers(organizer)
        assert not permissions.may_see_phone_numbers(AnonymousUser())
