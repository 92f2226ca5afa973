"""Composing a draft: who is recognised, who folds into whom, and changes that do not collide."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from invites import composing, permissions
from invites.composing import Change
from invites.errors import AlreadySent, DraftChanged
from invites.models import (
    AddressBook,
    App,
    Conference,
    Contact,
    DraftEdit,
    DraftLine,
    Invitation,
    Invitee,
    User,
)
from invites.models.address_book import Sharing
from invites.models.app import AppKind
from invites.models.conference import ConferenceStatus
from invites.models.draft_edit import EditKind
from invites.models.draft_line import LineProblem
from invites.models.invitee import Channel
from invites.sending import send
from tests.factories import (
    AddressBookFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
)

pytestmark = pytest.mark.django_db

UNION_ID = "exxxxxxxxQiE"
NUMBER = "+8613800138000"
LOCAL_NUMBER = "13800138000"


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer)


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    return composing.open_draft(conference=conference)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer)


@pytest.fixture
def add(draft: Invitation, organizer: User) -> Callable[[str], Change]:
    return lambda text: composing.add_text(draft=draft, text=text, user=organizer)


def rows(draft: Invitation) -> list[tuple[str, str, str]]:
    return [(person.nick, person.channel, person.value) for person in draft.invitees.in_order()]


class TestOpenDraft:
    def test_organizers_of_a_conference_share_one_draft(self, conference: Conference) -> None:
        assert composing.open_draft(conference=conference) == composing.open_draft(conference=conference)

    def test_next_draft_begins_when_one_is_sent(
        self, draft: Invitation, organizer: User, add: Callable[[str], Change]
    ) -> None:
        add(UNION_ID)
        send(invitation=draft, revision=1, user=organizer)
        assert composing.find_draft(draft.conference) is None
        assert composing.open_draft(conference=draft.conference) != draft


class TestAddText:
    def test_bad_line_that_is_pasted_again_stands_there_once(
        self, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        (line,) = add("Jane Doe\nJane Doe").lines
        assert add("Jane Doe\nKim").lines[0] == line
        assert [line.text for line in draft.draft_lines.all()] == ["Jane Doe", "Kim"]

    def test_people_are_put_behind_each_other_and_bad_lines_are_kept(
        self, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        change = add(f"Jane, {UNION_ID}\nnobody\nKim, {LOCAL_NUMBER}")
        assert rows(draft) == [("Jane", Channel.UNION_ID, UNION_ID), ("Kim", Channel.PHONE, NUMBER)]
        line = draft.draft_lines.get()
        assert (line.text, line.problem) == ("nobody", LineProblem.NOTHING_USABLE)
        assert (len(change.added), list(change.lines)) == (2, [line])

    def test_revision_grows_with_every_change(self, draft: Invitation, add: Callable[[str], Change]) -> None:
        assert [add(UNION_ID).draft.revision, add(UNION_ID).draft.revision] == [1, 2]
        draft.refresh_from_db()
        assert draft.revision == 2

    def test_change_knows_whether_it_follows_what_was_seen(self, add: Callable[[str], Change]) -> None:
        change = add(UNION_ID)
        assert (change.follows(0), change.follows(1)) == (True, False)

    def test_missing_name_is_filled_in_from_the_value(
        self, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        add(f"{LOCAL_NUMBER}\n{UNION_ID}")
        people = draft.invitees.in_order()
        assert [(p.nick, p.nick_filled_in) for p in people] == [("Guest 8000", True), ("Guest xQiE", True)]

    def test_missing_name_is_that_of_the_contact(
        self, draft: Invitation, book: AddressBook, add: Callable[[str], Change]
    ) -> None:
        contact = ContactFactory(book=book, nick="Jane", union_id=UNION_ID)
        add(UNION_ID)
        person = draft.invitees.get()
        assert (person.nick, person.nick_filled_in, person.contact) == ("Jane", False, contact)

    def test_written_name_wins_over_that_of_the_contact(
        self, draft: Invitation, book: AddressBook, add: Callable[[str], Change]
    ) -> None:
        ContactFactory(book=book, nick="Jane", union_id=UNION_ID)
        add(f"J. Doe, {UNION_ID}")
        assert draft.invitees.get().nick == "J. Doe"

    def test_written_number_is_called_though_its_contact_has_a_union_id(
        self, draft: Invitation, book: AddressBook, add: Callable[[str], Change]
    ) -> None:
        contact = ContactFactory(book=book, nick="Jane", union_id=UNION_ID, phone_number=NUMBER)
        add(LOCAL_NUMBER)
        assert rows(draft) == [("Jane", Channel.PHONE, NUMBER)]
        assert draft.invitees.get().contact == contact

    def test_name_of_one_contact_stands_for_that_contact(
        self, draft: Invitation, book: AddressBook, add: Callable[[str], Change]
    ) -> None:
        ContactFactory(book=book, nick="Jane Doe", union_id=UNION_ID)
        add("jane doe")
        assert rows(draft) == [("Jane Doe", Channel.UNION_ID, UNION_ID)]

    def test_name_of_two_people_needs_a_look(
        self, draft: Invitation, book: AddressBook, add: Callable[[str], Change]
    ) -> None:
        ContactFactory.create_batch(2, book=book, nick="Jane Doe")
        add("Jane Doe")
        assert not draft.invitees.exists()
        assert draft.draft_lines.get().text == "Jane Doe"

    @pytest.mark.parametrize("sharing", [Sharing.PRIVATE, Sharing.READ])
    def test_only_books_that_the_organizer_may_read_tell_names(
        self, draft: Invitation, other_organizer: User, add: Callable[[str], Change], sharing: Sharing
    ) -> None:
        book = AddressBookFactory(app=draft.conference.app, owner=other_organizer, sharing=sharing)
        ContactFactory(book=book, nick="Jane", union_id=UNION_ID)
        add(UNION_ID)
        assert draft.invitees.get().nick == ("Jane" if sharing == Sharing.READ else "Guest xQiE")

    def test_books_of_another_app_tell_nothing(
        self, draft: Invitation, organizer: User, add: Callable[[str], Change]
    ) -> None:
        ContactFactory(book=AddressBookFactory(owner=organizer), nick="Jane", union_id=UNION_ID)
        add(UNION_ID)
        assert draft.invitees.get().nick == "Guest xQiE"

    def test_own_book_is_asked_before_a_shared_one(
        self, draft: Invitation, book: AddressBook, other_organizer: User, add: Callable[[str], Change]
    ) -> None:
        shared = AddressBookFactory(app=book.app, owner=other_organizer, sharing=Sharing.READ)
        ContactFactory(book=shared, nick="Ms Doe", union_id=UNION_ID)
        ContactFactory(book=book, nick="Jane", union_id=UNION_ID)
        add(UNION_ID)
        assert draft.invitees.get().nick == "Jane"

    def test_demo_people_stay_out_of_a_real_app(
        self, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        add("Demo, sandbox-person-01\n010 0000 0001")
        assert not draft.invitees.exists()
        assert {line.problem for line in draft.draft_lines.all()} == {LineProblem.DEMO_PERSON}

    def test_demo_people_are_welcome_in_the_sandbox(self, organizer: User) -> None:
        app = App.objects.create(name="sandbox", kind=AppKind.SANDBOX)
        draft = composing.open_draft(conference=ConferenceFactory(app=app, owner=organizer))
        composing.add_text(draft=draft, text="Demo, sandbox-person-01", user=organizer)
        assert rows(draft) == [("Demo", Channel.UNION_ID, "sandbox-person-01")]

    def test_ten_thousand_lines_take_a_bounded_number_of_queries(
        self,
        draft: Invitation,
        add: Callable[[str], Change],
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        text = "\n".join(f"Person {n}, qzR{n:08}abiEiE" for n in range(10_000))
        with django_assert_max_num_queries(60):
            assert len(add(text).added) == 10_000
        with django_assert_max_num_queries(60):
            assert add(text).times_folded == 10_000
        assert set(draft.invitees.values_list("times_added", flat=True)) == {2}


class TestFolding:
    def test_same_value_folds_into_one_person_and_counts(
        self, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        change = add(f"Jane, {UNION_ID}\nKim, {UNION_ID}")
        assert (len(change.added), change.times_folded) == (1, 1)
        change = add(UNION_ID)
        person = draft.invitees.get()
        assert (person.nick, person.times_added) == ("Jane", 3)
        assert (list(change.added), list(change.changed)) == ([], [person])

    @pytest.mark.parametrize("order", [(UNION_ID, LOCAL_NUMBER), (LOCAL_NUMBER, UNION_ID)])
    @pytest.mark.parametrize("together", [True, False])
    def test_same_person_by_union_id_and_by_phone_is_called_once(
        self,
        draft: Invitation,
        book: AddressBook,
        add: Callable[[str], Change],
        order: tuple[str, str],
        together: bool,
    ) -> None:
        ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER)
        for text in ["\n".join(order)] if together else order:
            add(text)
        person = draft.invitees.get()
        assert person.times_added == 2
        assert person.value == (UNION_ID if order[0] == UNION_ID else NUMBER)

    def test_union_id_and_number_on_one_line_are_one_person(
        self, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        add(f"Jane, {UNION_ID}, {LOCAL_NUMBER}\n{LOCAL_NUMBER}")
        assert rows(draft) == [("Jane", Channel.UNION_ID, UNION_ID)]

    def test_people_who_share_a_number_stay_two_people(
        self, draft: Invitation, book: AddressBook, other_organizer: User, add: Callable[[str], Change]
    ) -> None:
        shared = AddressBookFactory(app=book.app, owner=other_organizer, sharing=Sharing.READ)
        ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER)
        ContactFactory(book=shared, union_id="qzR1abcdefiEiE", phone_number=NUMBER)
        add(f"{UNION_ID}\nqzR1abcdefiEiE\n{LOCAL_NUMBER}")
        assert draft.invitees.count() == 2

    def test_two_on_the_list_who_turn_out_to_be_one_person_become_one(
        self, draft: Invitation, book: AddressBook, add: Callable[[str], Change], organizer: User
    ) -> None:
        add(f"Jane, {UNION_ID}\nJane, {LOCAL_NUMBER}\nKim, qzR1abcdefiEiE")
        contact = ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER)
        change = composing.add_contacts(draft=draft, contacts=[contact], user=organizer)
        assert [person.value for person in draft.invitees.in_order()] == [UNION_ID, "qzR1abcdefiEiE"]
        assert [person.value for person in change.removed] == [NUMBER]

    def test_real_name_replaces_one_that_was_filled_in(
        self, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        add(UNION_ID)
        add(f"Jane, {UNION_ID}")
        person = draft.invitees.get()
        assert (person.nick, person.nick_filled_in) == ("Jane", False)

    def test_number_that_now_belongs_to_somebody_else_is_still_one_row(
        self, draft: Invitation, book: AddressBook, add: Callable[[str], Change]
    ) -> None:
        contact = ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER)
        add(LOCAL_NUMBER)
        contact.phone_number = ""
        contact.save()
        ContactFactory(book=book, union_id="qzR1abcdefiEiE", phone_number=NUMBER)
        add(LOCAL_NUMBER)
        assert draft.invitees.get().times_added == 2


class TestAddFromBooks:
    def test_contact_with_both_channels_is_called_by_union_id(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        contact = ContactFactory(book=book, nick="Jane", union_id=UNION_ID, phone_number=NUMBER)
        composing.add_contacts(draft=draft, contacts=[contact], user=organizer)
        assert rows(draft) == [("Jane", Channel.UNION_ID, UNION_ID)]
        assert draft.invitees.get().contact == contact

    def test_group_adds_its_members_by_name(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        group = ContactGroupFactory(book=book)
        group.contacts.set([ContactFactory(book=book, nick="Kim"), ContactFactory(book=book, nick="jane")])
        ContactFactory(book=book, nick="Lee")
        composing.add_group(draft=draft, group=group, user=organizer)
        assert [nick for nick, _, _ in rows(draft)] == ["jane", "Kim"]

    def test_book_adds_everybody_in_it_once(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        contacts = ContactFactory.create_batch(3, book=book)
        composing.add_contacts(draft=draft, contacts=contacts[:1], user=organizer)
        change = composing.add_book(draft=draft, book=book, user=organizer)
        assert (draft.invitees.count(), len(change.added), change.times_folded) == (3, 2, 1)

    def test_demo_contact_stays_out_of_a_real_app(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        contact = ContactFactory(book=book, nick="Demo", union_id="sandbox-person-01")
        composing.add_contacts(draft=draft, contacts=[contact], user=organizer)
        assert not draft.invitees.exists()
        assert draft.draft_lines.get().problem == LineProblem.DEMO_PERSON


class TestRemoveAndClear:
    def test_remove_takes_one_person_off(
        self, organizer: User, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        jane, kim = add(f"Jane, {UNION_ID}\nKim, {LOCAL_NUMBER}").added
        change = composing.remove(invitee=jane, user=organizer)
        assert list(draft.invitees.all()) == [kim]
        assert [person.pk for person in change.removed] == [jane.pk]

    def test_clear_takes_everybody_and_every_line_off(
        self, organizer: User, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        add(f"Jane, {UNION_ID}\nnobody")
        change = composing.clear(draft=draft, user=organizer)
        assert [person.nick for person in change.removed] == ["Jane"]
        assert not draft.invitees.exists()
        assert not draft.draft_lines.exists()


class TestRename:
    def test_new_name_is_no_longer_a_filled_in_one(
        self, organizer: User, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        composing.rename(invitee=add(UNION_ID).added[0], nick="Jane", user=organizer)
        person = draft.invitees.get()
        assert (person.nick, person.nick_filled_in) == ("Jane", False)

    def test_somebody_who_was_removed_meanwhile_is_not_renamed(
        self, organizer: User, add: Callable[[str], Change]
    ) -> None:
        person = add(UNION_ID).added[0]
        Invitee.objects.all().delete()
        with pytest.raises(DraftChanged):
            composing.rename(invitee=person, nick="Jane", user=organizer)


class TestCorrectLine:
    def test_corrected_line_joins_the_list(
        self, draft: Invitation, organizer: User, add: Callable[[str], Change]
    ) -> None:
        line = add("Jane").lines[0]
        change = composing.correct_line(line=line, text=f"Jane, {UNION_ID}", user=organizer)
        assert rows(draft) == [("Jane", Channel.UNION_ID, UNION_ID)]
        assert not draft.draft_lines.exists()
        assert len(change.lines_gone) == 1

    def test_line_that_is_still_wrong_stays_with_its_new_reason(
        self, draft: Invitation, organizer: User, add: Callable[[str], Change]
    ) -> None:
        first, second = add("Jane\nKim").lines
        composing.correct_line(line=first, text="Jane, 138", user=organizer)
        assert [(line.pk, line.text, line.problem) for line in draft.draft_lines.all()] == [
            (first.pk, "Jane, 138", LineProblem.TOO_SHORT),
            (second.pk, "Kim", LineProblem.NOTHING_USABLE),
        ]

    def test_line_that_somebody_else_dealt_with_is_not_read_again(
        self, draft: Invitation, organizer: User, add: Callable[[str], Change]
    ) -> None:
        line = add("Jane").lines[0]
        DraftLine.objects.all().delete()
        with pytest.raises(DraftChanged):
            composing.correct_line(line=line, text=UNION_ID, user=organizer)
        assert not draft.invitees.exists()

    def test_lines_are_removed_one_by_one_or_together(
        self, organizer: User, draft: Invitation, add: Callable[[str], Change]
    ) -> None:
        first, _second, _third = add("Jane\nKim\nLee").lines
        composing.remove_line(line=first, user=organizer)
        assert [line.text for line in draft.draft_lines.all()] == ["Kim", "Lee"]
        composing.remove_lines(draft=draft, user=organizer)
        assert not draft.draft_lines.exists()


class TestOnRecord:
    """Who did what to a list, with the revision that it led to."""

    def test_every_change_is_noted_with_how_many_people(
        self, draft: Invitation, organizer: User, other_organizer: User, add: Callable[[str], Change]
    ) -> None:
        jane, _kim = add(f"Jane, {UNION_ID}\nKim, {LOCAL_NUMBER}").added
        first, _second = add("nobody\nno one").lines
        composing.rename(invitee=jane, nick="Jane Doe", user=other_organizer)
        composing.remove_line(line=first, user=organizer)
        composing.remove_lines(draft=draft, user=organizer)
        composing.ring_again(draft=draft, minutes=5, user=organizer)
        composing.remove(invitee=jane, user=organizer)
        composing.clear(draft=draft, user=organizer)
        edits = DraftEdit.objects.filter(invitation=draft).order_by("pk")
        assert [(edit.revision, edit.kind, edit.people, edit.by) for edit in edits] == [
            (1, EditKind.ADDED, 2, organizer),
            (2, EditKind.ADDED, 0, organizer),
            (3, EditKind.EDITED, 1, other_organizer),
            (4, EditKind.LINES_REMOVED, 0, organizer),
            (5, EditKind.LINES_REMOVED, 0, organizer),
            (6, EditKind.RINGS_SET, 0, organizer),
            (7, EditKind.REMOVED, 1, organizer),
            (8, EditKind.CLEARED, 1, organizer),
        ]

    def test_corrected_line_is_noted_as_somebody_added(
        self, draft: Invitation, organizer: User, add: Callable[[str], Change]
    ) -> None:
        (line,) = add("Jane").lines
        composing.correct_line(line=line, text=UNION_ID, user=organizer)
        assert list(DraftEdit.objects.order_by("pk").values_list("kind", "people")) == [
            (EditKind.ADDED, 0),
            (EditKind.ADDED, 1),
        ]

    def test_refused_change_leaves_no_note(self, organizer: User, add: Callable[[str], Change]) -> None:
        person = add(UNION_ID).added[0]
        Invitee.objects.all().delete()
        with pytest.raises(DraftChanged):
            composing.rename(invitee=person, nick="Jane", user=organizer)
        assert DraftEdit.objects.count() == 1


class TestSentDraft:
    @pytest.fixture
    def changes(self, draft: Invitation, organizer: User) -> dict[str, Callable[[], Change]]:
        """Every change, of a draft that is sent after its page was read."""
        text = f"Jane, {UNION_ID}\nnobody"
        change = composing.add_text(draft=draft, text=text, user=organizer)
        (person,), (line,) = change.added, change.lines
        contact = ContactFactory(book__app=draft.conference.app, book__owner=organizer)
        send(invitation=draft, revision=1, user=organizer)
        return {
            "add_text": lambda: composing.add_text(draft=draft, text="Kim, 13900139000", user=organizer),
            "add_contacts": lambda: composing.add_contacts(draft=draft, contacts=[contact], user=organizer),
            "remove": lambda: composing.remove(invitee=person, user=organizer),
            "clear": lambda: composing.clear(draft=draft, user=organizer),
            "rename": lambda: composing.rename(invitee=person, nick="Kim", user=organizer),
            "correct_line": lambda: composing.correct_line(line=line, text="13900139000", user=organizer),
            "remove_line": lambda: composing.remove_line(line=line, user=organizer),
            "remove_lines": lambda: composing.remove_lines(draft=draft, user=organizer),
        }

    @pytest.mark.parametrize(
        "name",
        [
            "add_text",
            "add_contacts",
            "remove",
            "clear",
            "rename",
            "correct_line",
            "remove_line",
            "remove_lines",
        ],
    )
    def test_nothing_changes_what_was_sent(
        self, draft: Invitation, changes: dict[str, Callable[[], Change]], name: str
    ) -> None:
        with pytest.raises(AlreadySent):
            changes[name]()
        draft.refresh_from_db()
        assert (rows(draft), draft.revision) == ([("Jane", Channel.UNION_ID, UNION_ID)], 1)
        assert draft.draft_lines.get().text == "nobody"

    def test_lines_that_need_a_look_move_to_the_next_draft(
        self, draft: Invitation, changes: dict[str, Callable[[], Change]]
    ) -> None:
        composing.carry_lines_over(sent=draft)
        following = composing.open_draft(conference=draft.conference)
        assert following != draft
        assert [line.text for line in following.draft_lines.all()] == ["nobody"]

    def test_no_draft_is_made_for_no_lines(
        self, draft: Invitation, changes: dict[str, Callable[[], Change]]
    ) -> None:
        DraftLine.objects.all().delete()
        composing.carry_lines_over(sent=draft)
        assert composing.find_draft(draft.conference) is None


class TestTwoAtOnce:
    @pytest.mark.django_db(transaction=True)
    def test_additions_at_the_same_moment_all_arrive_and_fold(
        self, draft: Invitation, organizer: User
    ) -> None:
        barrier = threading.Barrier(4)
        failures: list[Exception] = []

        def add(number: int) -> None:
            barrier.wait()
            try:
                text = f"{UNION_ID}\n1380013{number:04}"
                composing.add_text(draft=draft, text=text, user=organizer)
            except Exception as error:  # noqa: BLE001 - whatever it is must reach the test
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=add, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert draft.invitees.get(value=UNION_ID).times_added == 4
        assert draft.invitees.count() == 5
        assert len(set(draft.invitees.values_list("position", flat=True))) == 5
        draft.refresh_from_db()
        assert draft.revision == 4


class TestSummary:
    def test_people_channels_and_calls_are_counted(self, draft: Invitation) -> None:
        app = draft.conference.app
        app.batch_size = 2
        for number in range(3):
            InviteeFactory(invitation=draft, position=number)
        InviteeFactory(invitation=draft, position=3, channel=Channel.PHONE, value=NUMBER)
        InviteeFactory(invitation=draft, position=4, channel=Channel.PHONE, value="+8613900139000")
        summary = composing.summarise(draft, conference=draft.conference)
        assert (summary.people, summary.in_dingtalk, summary.by_phone, summary.calls) == (5, 3, 2, 3)

    def test_list_with_nobody_takes_no_call(self, conference: Conference) -> None:
        summary = composing.summarise(None, conference=conference)
        assert (summary.people, summary.calls, summary.lines) == (0, 0, 0)

    @pytest.mark.parametrize(
        ("people", "status", "asks"),
        [
            (50, ConferenceStatus.OPEN, False),
            (51, ConferenceStatus.OPEN, True),
            (1, ConferenceStatus.NOT_STARTED, True),
            (1, ConferenceStatus.UNKNOWN, False),
        ],
    )
    def test_many_people_or_a_meeting_to_come_are_asked_about(
        self, draft: Invitation, people: int, status: ConferenceStatus, asks: bool
    ) -> None:
        draft.conference.status = status
        InviteeFactory.create_batch(people, invitation=draft)
        assert composing.summarise(draft, conference=draft.conference).asks_first is asks


class TestSuggest:
    @pytest.fixture
    def suggest(
        self, draft: Invitation, organizer: User
    ) -> Callable[[str], list[tuple[str, str, int, bool]]]:
        def suggest(text: str) -> list[tuple[str, str, int, bool]]:
            app = draft.conference.app
            found = composing.suggest(text=text, user=organizer, app=app, draft=draft)
            return [(s.kind, s.name, s.people, s.is_on_list) for s in found]

        return suggest

    def test_contacts_come_before_groups_and_books(
        self, book: AddressBook, suggest: Callable[[str], list[tuple[str, str, int, bool]]]
    ) -> None:
        book.name = "All salespeople"
        book.save()
        sally = ContactFactory(book=book, nick="Sally")
        ContactGroupFactory(book=book, name="Sales").contacts.add(sally)
        assert suggest("sal") == [
            ("contact", "Sally", 1, False),
            ("group", "Sales", 1, False),
            ("book", "All salespeople", 1, False),
        ]

    def test_names_that_begin_so_come_first(
        self, book: AddressBook, suggest: Callable[[str], list[tuple[str, str, int, bool]]]
    ) -> None:
        for nick in ("Aanna", "Anna", "Joanna"):
            ContactFactory(book=book, nick=nick)
        assert [name for _, name, _, _ in suggest("ann")] == ["Anna", "Aanna", "Joanna"]

    def test_who_is_on_the_list_already_is_marked(
        self,
        book: AddressBook,
        add: Callable[[str], Change],
        suggest: Callable[[str], list[tuple[str, str, int, bool]]],
    ) -> None:
        ContactFactory(book=book, nick="Jane", union_id=UNION_ID, phone_number=NUMBER)
        ContactFactory(book=book, nick="Janet")
        add(LOCAL_NUMBER)
        assert [(name, marked) for _, name, _, marked in suggest("jane")] == [
            ("Jane", True),
            ("Janet", False),
        ]

    @pytest.mark.parametrize("text", ["", "  ", "Jane, exxx", "Jane\nKim", "Jane  exxx"])
    def test_nothing_is_suggested_for_a_line(
        self, book: AddressBook, suggest: Callable[[str], list[tuple[str, str, int, bool]]], text: str
    ) -> None:
        ContactFactory(book=book, nick="Jane, exxx")
        assert suggest(text) == []

    def test_books_of_others_and_of_other_apps_are_not_searched(
        self,
        draft: Invitation,
        organizer: User,
        other_organizer: User,
        suggest: Callable[[str], list[tuple[str, str, int, bool]]],
    ) -> None:
        ContactFactory(book__app=draft.conference.app, book__owner=other_organizer, nick="Jane")
        ContactFactory(book__owner=organizer, nick="Jane")
        assert suggest("jane") == []
        assert not permissions.contacts(organizer, app=draft.conference.app).exists()


class TestContactsOfOthers:
    def test_contact_that_is_deleted_leaves_the_person_on_the_list(
        self, draft: Invitation, book: AddressBook, organizer: User
    ) -> None:
        contact = ContactFactory(book=book, nick="Jane", union_id=UNION_ID)
        composing.add_contacts(draft=draft, contacts=[contact], user=organizer)
        Contact.objects.all().delete()
        assert rows(draft) == [("Jane", Channel.UNION_ID, UNION_ID)]
