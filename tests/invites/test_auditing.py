"""What is changed stands on record: who, when, before and after; secrets never."""

from collections.abc import Iterator
from functools import partial

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from invites import acting, auditing, curating
from invites.dingtalk.sandbox.people import DEMO_ORGANIZER
from invites.encryption import encrypt
from invites.models import AddressBook, App, AuditEntry, Conference, Contact, ContactGroup, User
from invites.models.address_book import Sharing
from invites.models.book_change import ChangeKind
from invites.models.user import Role
from tests.conftest import SignedIn
from tests.factories import (
    PASSWORD,
    AddressBookFactory,
    AppFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    UserFactory,
)
from tests.invites.test_curating_together import together

Action = AuditEntry.Action


def entries(model: type, action: int | None = None) -> list[AuditEntry]:
    """What is on record about rows of ``model``, the oldest first."""
    about = AuditEntry.objects.get_for_model(model).order_by("pk")
    return list(about if action is None else about.filter(action=action))


@pytest.fixture
def mine(organizer: User) -> Iterator[User]:
    """The organizer, in whose name everything of the test happens."""
    with acting.in_the_name_of(lambda: organizer):
        yield organizer


class TestSettings:
    def test_changed_app_tells_what_it_was_and_what_it_became(self, administrator: User) -> None:
        app = AppFactory(name="Sales", batch_size=100)
        app.batch_size = 50
        with acting.in_the_name_of(lambda: administrator):
            app.save()
        (entry,) = entries(App, Action.UPDATE)
        assert (entry.actor, entry.object_repr) == (administrator, "Sales")
        assert entry.changes == {"batch_size": [100, 50]}

    def test_new_app_tells_all_of_its_fields(self, db: None) -> None:
        AppFactory(name="Sales", calls_per_second=7)
        (entry,) = entries(App, Action.CREATE)
        assert entry.changes["name"] == [None, "Sales"]
        assert entry.changes["calls_per_second"] == [None, 7]

    def test_no_secret_is_ever_on_record(self, db: None) -> None:
        app = AppFactory(
            access_token="first-secret", client_secret="second-secret", suite_ticket="third-secret"
        )
        app.access_token = "fourth-secret"
        app.save()
        app.delete()
        UserFactory().set_password("fifth-secret")
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM invites_auditentry")
            kept = str(cursor.fetchall())
        assert "secret" not in kept.replace("client_secret", "")
        assert [entry.changes["access_token"] for entry in entries(App)] == [
            ["", auditing.HIDDEN],
            [auditing.HIDDEN, auditing.HIDDEN],
            [auditing.HIDDEN, ""],
        ]

    def test_secret_that_no_key_fits_can_be_replaced(self, db: None) -> None:
        AppFactory()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE invites_app SET access_token = %s", [encrypt("old")[:-8] + "AAAAAAA="])
        stored = App.objects.get()
        stored.access_token = "new"
        stored.save()
        assert App.objects.get().access_token == "new"
        assert entries(App, Action.UPDATE)[0].changes == {"access_token": ["", auditing.HIDDEN]}

    def test_what_dingtalk_lets_an_app_do_is_no_change(self, db: None) -> None:
        app = AppFactory(largest_batch=50)
        app.forget_refusals()
        app.save()
        assert not entries(App, Action.UPDATE)


class TestUsers:
    def test_another_role_is_on_record(self, organizer: User, administrator: User) -> None:
        organizer.role = Role.AUDITOR
        with acting.in_the_name_of(lambda: administrator):
            organizer.save(update_fields=["role"])
        (entry,) = entries(User, Action.UPDATE)[-1:]
        assert (entry.actor, entry.changes) == (administrator, {"role": ["organizer", "auditor"]})

    def test_password_is_only_said_to_have_changed(self, organizer: User) -> None:
        organizer.set_password("quite another one")
        organizer.save()
        assert entries(User)[-1].changes == {"password": [auditing.HIDDEN, auditing.HIDDEN]}

    def test_signing_in_and_out_is_on_record(self, organizer: User, client: Client) -> None:
        client.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
        client.post("/sign-out/")
        signed_in, signed_out = entries(User, Action.ACCESS)
        assert (signed_in.actor, signed_in.additional_data) == (organizer, {"what": "signed_in"})
        assert (signed_out.actor, signed_out.additional_data) == (organizer, {"what": "signed_out"})

    def test_failed_sign_in_is_on_record_without_what_was_typed(
        self, organizer: User, client: Client
    ) -> None:
        client.post("/sign-in/", {"login": "organizer", "password": "wrong-guess"})
        client.post("/sign-in/", {"login": "a password by mistake", "password": "wrong-guess"})
        (entry,) = entries(User, Action.ACCESS)
        assert (entry.actor, entry.object_repr) == (None, "organizer")
        assert entry.additional_data == {"what": "sign_in_failed"}


class TestConferences:
    def test_title_and_co_organizers_are_on_record(
        self, organizer: User, other_organizer: User, signed_in: SignedIn
    ) -> None:
        conference = ConferenceFactory(owner=organizer, title="Harvest")
        client = signed_in(organizer)
        client.post(f"/conferences/{conference.pk}/edit/", {"title": "Sowing"})
        client.post(f"/conferences/{conference.pk}/co-organizers/", {"username": "other"})
        client.post(f"/conferences/{conference.pk}/co-organizers/{other_organizer.pk}/remove/")
        renamed, joined, left = entries(Conference, Action.UPDATE)
        assert renamed.changes == {"title": ["Harvest", "Sowing"]}
        assert {entry.actor for entry in (renamed, joined, left)} == {organizer}
        assert (joined.changes["co_organizers"]["operation"], joined.changes["co_organizers"]["objects"]) == (
            "add",
            ["other"],
        )
        assert left.changes["co_organizers"]["operation"] == "delete"

    def test_locking_and_ending_is_on_record(
        self, conference: Conference, organizer: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        client.post(f"/conferences/{conference.pk}/lock/")
        client.post(f"/conferences/{conference.pk}/unlock/")
        client.post(f"/conferences/{conference.pk}/end/", {"union_id": DEMO_ORGANIZER.union_id})
        conference.refresh_from_db()
        assert conference.has_ended
        locked, unlocked, ended = [entry.changes for entry in entries(Conference, Action.UPDATE)]
        assert locked["locked_at"][0] is None
        assert unlocked["locked_at"] == locked["locked_at"][::-1]
        assert ended == {"status": ["open", "ended"]}

    def test_what_is_observed_is_no_change(self, conference: Conference) -> None:
        Conference.objects.note(conference.pk, asked_at=conference.created_at, status="ended")
        assert not entries(Conference, Action.UPDATE)

    def test_attempts_cost_no_entry(self, db: None) -> None:
        conference = ConferenceFactory()
        before = AuditEntry.objects.count()
        AttemptFactory(invitation__conference=conference, organizer=conference.owner)
        assert AuditEntry.objects.count() == before


class TestBooks:
    def test_book_tells_who_made_renamed_shared_and_deleted_it(
        self, mine: User, other_organizer: User
    ) -> None:
        book = AddressBookFactory(owner=mine, name="Team")
        book.name, book.sharing = "Crew", Sharing.READ
        curating.save_book(book=book, user=mine)
        curating.share(book=book, person=other_organizer, may_write=True, user=mine)
        curating.withdraw(book=book, person=other_organizer, user=mine)
        book.delete()
        made, renamed, deleted = entries(AddressBook)
        assert (made.action, deleted.action) == (Action.CREATE, Action.DELETE)
        assert renamed.changes == {"name": ["Team", "Crew"], "sharing": ["private", "read"]}
        assert {entry.actor for entry in (made, renamed, deleted)} == {mine}
        shares = AuditEntry.objects.filter(content_type__model="bookshare").order_by("pk")
        assert [(entry.action, entry.object_repr) for entry in shares] == [
            (Action.CREATE, "Crew: other"),
            (Action.DELETE, "Crew: other"),
        ]

    def test_groups_are_told_by_the_book(self, mine: User, book: AddressBook) -> None:
        people = ContactFactory.create_batch(2, book=book)
        group = ContactGroup(book=book, name="Drivers")
        curating.save_group(group=group, user=mine, contacts=Contact.objects.of_book(book))
        told = entries(AddressBook, Action.UPDATE)[-1].additional_data
        assert (told["kind"], told["people"], told["detail"]["group"]) == ("group_created", 2, "Drivers")
        assert len(people) == 2
        assert not entries(Contact)


class TestContacts:
    def test_one_contact_has_one_entry_with_before_and_after(self, mine: User, book: AddressBook) -> None:
        contact = Contact(book=book, nick="Zhang", union_id="z1")
        curating.save_contact(contact=contact, user=mine)
        contact.nick = "Zhang San"
        curating.save_contact(contact=contact, user=mine)
        curating.delete_contacts(book=book, contacts=Contact.objects.of_book(book), user=mine)
        added, edited, deleted = entries(Contact)
        assert (added.action, added.changes) == (
            Action.CREATE,
            {"nick": [None, "Zhang"], "union_id": [None, "z1"]},
        )
        assert (edited.action, edited.changes) == (Action.UPDATE, {"nick": ["Zhang", "Zhang San"]})
        assert (deleted.action, deleted.changes["nick"]) == (Action.DELETE, ["Zhang San", None])
        assert {entry.actor for entry in (added, edited, deleted)} == {mine}
        assert not entries(AddressBook, Action.UPDATE)

    def test_many_at_once_have_an_entry_each_and_one_for_all(self, mine: User, book: AddressBook) -> None:
        people = ContactFactory.create_batch(3, book=book)
        everybody = Contact.objects.of_book(book)
        curating.mark_contacts(book=book, contacts=everybody, reason="On leave", until=None, user=mine)
        marked = entries(Contact)
        assert [entry.object_id for entry in marked] == [contact.pk for contact in people]
        assert {entry.changes["do_not_invite_reason"][1] for entry in marked} == {"On leave"}
        (summary,) = entries(AddressBook, Action.UPDATE)
        assert (summary.additional_data["kind"], summary.additional_data["people"]) == ("marked", 3)
        # The whole stands above its parts in a list that begins with the newest.
        assert summary.pk > marked[-1].pk

    def test_number_of_queries_does_not_grow_with_people(self, mine: User, book: AddressBook) -> None:
        def cost(people: int) -> int:
            ContactFactory.create_batch(people, book=book)
            with CaptureQueriesContext(connection) as queries:
                curating.delete_contacts(book=book, contacts=Contact.objects.of_book(book), user=mine)
            return len(queries)

        # The first time, the kinds of things that entries are about are read once for all.
        cost(1)
        assert cost(2) == cost(40)

    def test_move_names_both_books(self, mine: User, book: AddressBook) -> None:
        other = AddressBookFactory(owner=mine, app=book.app, name="Crew")
        ContactFactory(book=book)
        curating.move_contacts(book=book, contacts=Contact.objects.of_book(book), target=other, user=mine)
        assert entries(Contact)[-1].changes == {"book": [book.pk, other.pk]}
        assert entries(AddressBook, Action.UPDATE)[-1].object_repr == "Crew"

    def test_groups_stand_by_their_names(self, mine: User, book: AddressBook) -> None:
        contact = ContactFactory(book=book)
        ContactGroupFactory(book=book, name="Drivers").contacts.add(contact)
        curating.delete_contacts(book=book, contacts=Contact.objects.of_book(book), user=mine)
        assert entries(Contact)[-1].changes["groups"] == [["Drivers"], []]

    def test_undo_is_on_record_with_whom_it_brought_back(self, mine: User, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Zhang")
        change = curating.delete_contacts(book=book, contacts=Contact.objects.of_book(book), user=mine)
        assert change is not None
        curating.undo(change, user=mine)
        back = entries(Contact)[-1]
        assert (back.action, back.object_repr, back.actor) == (Action.CREATE, "Zhang", mine)
        told = entries(AddressBook, Action.UPDATE)[-1].additional_data
        assert (told["undone"], told["kind"], told["people"]) == (True, ChangeKind.DELETED, 1)


class TestTogether:
    """An entry is there with the change that it tells, and not without it."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_change_that_is_taken_back_leaves_no_entry(self) -> None:
        app = AppFactory(name="Sales")
        app.name = "Support"
        with transaction.atomic():
            app.save()
            transaction.set_rollback(True)
        assert not entries(App, Action.UPDATE)

    def test_change_that_the_database_refuses_leaves_no_entry(self) -> None:
        AppFactory(name="Sales")
        app = AppFactory(name="Support")
        app.name = "Sales"
        with pytest.raises(Exception, match=r"(?i)unique"):
            app.save()
        assert not entries(App, Action.UPDATE)

    def test_threads_act_in_the_name_of_their_own_person(self) -> None:
        users = UserFactory.create_batch(4)

        def change(user: User) -> None:
            app = AppFactory(name=f"App of {user.pk}")
            for number in range(1, 6):
                app.batch_size = number
                with acting.in_the_name_of(lambda: user):
                    app.save()

        outcomes = together(*(partial(change, user) for user in users))
        assert outcomes == [None] * 4
        told = {(entry.object_repr, entry.actor_id) for entry in entries(App, Action.UPDATE)}
        assert told == {(f"App of {user.pk}", user.pk) for user in users}


class TestWhoActs:
    def test_person_of_the_request_acts(self, organizer: User, signed_in: SignedIn) -> None:
        signed_in(organizer).post("/settings/", {"first_name": "Anna", "union_id": "anna"})
        entry = entries(User, Action.UPDATE)[-1]
        assert entry.actor == organizer
        assert entry.changes["first_name"] == ["", "Anna"]

    def test_entry_carries_the_id_of_the_request(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).post("/settings/", {"first_name": "Anna", "union_id": "anna"})
        assert entries(User, Action.UPDATE)[-1].cid == response["X-Request-ID"]

    def test_nobody_acts_outside_of_a_request(self, db: None) -> None:
        AppFactory()
        assert [entry.actor for entry in entries(App)] == [None]

    def test_page_that_changes_nothing_costs_no_query(self, client: Client, db: None) -> None:
        before = AuditEntry.objects.count()
        client.get("/sign-in/")
        assert AuditEntry.objects.count() == before

    def test_database_keeps_entries_as_they_are(self, db: None) -> None:
        AppFactory()
        with pytest.raises(Exception, match="kept as it is"), transaction.atomic():
            AuditEntry.objects.update(object_repr="somebody else")
        with pytest.raises(Exception, match="kept as it is"), transaction.atomic():
            AuditEntry.objects.all().delete()
