"""One person is erased from the history: name and number go everywhere, and the chain still verifies."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invites import composing, curating, erasing, importing, sealing
from invites.errors import NobodyToInvite, StillToBeCalled
from invites.models import (
    AddressBook,
    Attempt,
    AuditEntry,
    BookChange,
    ChangedContact,
    Contact,
    ContactImport,
    Erasure,
    Invitee,
    Person,
    User,
)
from invites.models.attempt import AttemptState
from invites.models.contact_import import ImportSource, ImportState
from invites.models.invitee import Channel, InviteeState
from invites.ringing_again import count_absent
from invites.sending import invite_again
from tests.factories import (
    AttemptFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)
from tests.invites.imported import compare
from tests.invites.sealed import DayOfHistory, make_day

pytestmark = pytest.mark.django_db
BECAUSE = "Asked for it"
NICK = "张三丰\tthe \\ elder"


@pytest.fixture
def history(db: None) -> list[DayOfHistory]:
    days = [make_day(3), make_day(2)]
    sealing.seal_due()
    return days


def erase(
    value: str = "person-3", channel: Channel = Channel.UNION_ID, by: User | None = None
) -> erasing.Erased:
    return erasing.erase(channel=channel, value=value, by=by, because=BECAUSE)


def everything_stored() -> str:
    """All rows of all tables of ours, as text."""
    with connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names() if table.startswith("invites_")]
        rows = []
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a table of ours
            rows += cursor.fetchall()
    return repr(rows)


class TestErasing:
    def test_neither_name_nor_value_stands_anywhere_afterwards(self, history: list[DayOfHistory]) -> None:
        InviteeFactory(invitation=InvitationFactory(), value="person-3", nick=NICK)
        MemberFactory(union_id="person-3", nick=NICK)
        contact = ContactFactory(union_id="person-3", nick=NICK)
        contact.nick = f"{NICK} again"
        curating.save_contact(contact=contact, user=contact.book.owner)
        assert "person-3" in everything_stored()
        erased = erase()
        assert (erased.people, erased.invitees, erased.attempts, erased.contacts) == (1, 1, 1, 1)
        assert "person-3" not in everything_stored()
        assert "again" not in everything_stored()

    def test_chain_still_verifies(self, history: list[DayOfHistory]) -> None:
        erase()
        erase("+8613800000002", Channel.PHONE)
        assert sealing.verify().fits

    def test_entries_about_a_contact_that_was_this_person_lose_their_texts(
        self, history: list[DayOfHistory]
    ) -> None:
        entry = history[0].entry
        ContactFactory(pk=entry.object_id, union_id="person-3", nick=NICK)
        assert erase().entries >= 1
        entry.refresh_from_db()
        assert (entry.object_repr, entry.changes, entry.additional_data) == ("", None, None)
        assert sealing.verify().fits

    def test_others_stay_as_they_were(self, history: list[DayOfHistory]) -> None:
        erase()
        other = history[1]
        assert Invitee.objects.get(pk=other.by_union_id.pk).nick == NICK
        assert Invitee.objects.get(pk=history[0].by_phone.pk).value == "+8613800000003"
        assert Attempt.objects.get(pk=other.attempt.pk).error_message
        assert Person.objects.get(value="person-2").nick == NICK

    def test_that_there_was_somebody_stays(self, history: list[DayOfHistory]) -> None:
        erase()
        person = Invitee.objects.get(pk=history[0].by_union_id.pk)
        assert (person.nick, person.value) == ("—", f"+erased-{person.pk}")
        assert Attempt.objects.get(pk=history[0].attempt.pk).people == 2

    def test_who_erased_somebody_and_why_is_on_record(
        self, history: list[DayOfHistory], administrator: User
    ) -> None:
        erase(by=administrator)
        erasure = Erasure.objects.get()
        assert (erasure.by, erasure.reason) == (administrator, BECAUSE)
        entry = AuditEntry.objects.filter(content_type__model="erasure").latest("pk")
        assert entry.actor == administrator

    def test_nobody_is_found_by_what_was_erased(self, history: list[DayOfHistory]) -> None:
        erase()
        assert not Person.objects.reached_by(["person-3"]).exists()
        assert Person.objects.matching("person-3", by_phone_number=True).count() == 0

    def test_somebody_erased_can_be_invited_again_as_somebody_new(self, history: list[DayOfHistory]) -> None:
        erase()
        make_day(1)
        assert erase().people == 0
        again = make_day(0)
        assert Person.objects.filter(invitees=again.by_union_id).exists()

    def test_lists_that_were_not_sent_lose_the_person_and_are_not_those_that_somebody_saw(
        self, db: None
    ) -> None:
        draft = InvitationFactory(revision=4)
        InviteeFactory(invitation=draft, value="person-3")
        InviteeFactory(invitation=draft)
        erase()
        draft.refresh_from_db()
        assert draft.revision == 5
        assert draft.invitees.count() == 1

    def test_undo_brings_nobody_back(self, db: None) -> None:
        contact = ContactFactory(union_id="person-3", nick=NICK)
        contact.nick = "Another"
        curating.save_contact(contact=contact, user=contact.book.owner)
        erase()
        assert not Contact.objects.exists()
        assert not ChangedContact.objects.exists()
        assert BookChange.objects.get().detail == {"nick": "—"}

    @pytest.mark.parametrize("name", ["138-1234-5678.csv", "Zhang San.csv"])
    def test_file_that_was_named_after_somebody_has_no_name_any_more(
        self, book: AddressBook, name: str
    ) -> None:
        begun = importing.begin(
            book=book,
            user=book.owner,
            source=ImportSource.FILE,
            file=io.BytesIO(b"name,phone\nZhang San,13812345678\n"),
            name=name,
            country="CN",
        )
        importing.choose_columns(contact_import=begun, columns=["nick", "phoneNumber"], user=book.owner)
        importing.confirm(contact_import=begun)
        assert name in everything_stored()
        erase("+8613812345678", Channel.PHONE)
        assert name not in everything_stored()
        assert BookChange.objects.get().detail["added"] == 1

    def test_list_that_was_confirmed_and_is_not_stored_yet_is_discarded(self, book: AddressBook) -> None:
        ready = compare(book, "name,unionId\nZhang San,person-3\n")
        ContactImport.objects.filter(pk=ready.pk).update(state=ImportState.STORING)
        erase()
        ready.refresh_from_db()
        assert (ready.state, ready.reading, ready.chunks.count()) == (ImportState.DISCARDED, {}, 0)

    def test_texts_of_many_calls_are_erased_by_as_few_questions_as_those_of_two(self, db: None) -> None:
        asked = [self.asked_for(value, calls=calls) for value, calls in (("few-times", 2), ("often", 12))]
        assert asked[0] == asked[1]
        assert not Attempt.objects.exclude(error_message="").exists()
        assert Attempt.objects.values("texts_digest").distinct().count() == 14

    def asked_for(self, value: str, *, calls: int) -> int:
        """How much the database is asked for erasing somebody who stands in the answers to so many calls."""
        for _call in range(calls):
            invitation = SentInvitationFactory()
            person = InviteeFactory(invitation=invitation, value=value, nick="Ann", state=InviteeState.FAILED)
            AttemptFactory(
                invitation=invitation,
                sent_to=[person],
                state=AttemptState.FAILED,
                error_code="unknownUserError",
                error_message=f"unknown: {value}",
            )
        with CaptureQueriesContext(connection) as asked:
            assert erase(value).attempts == calls
        return len(asked)

    def test_nobody_with_that_value_is_nobody_to_erase(self, history: list[DayOfHistory]) -> None:
        assert erase("somebody-else").people == 0
        assert not Erasure.objects.exists()


class TestCalls:
    """Nobody calls what stands in the place of somebody who was erased: DingTalk would refuse the others, too."""

    @pytest.mark.parametrize("state", [InviteeState.PENDING, InviteeState.SENDING])
    def test_nobody_is_erased_who_is_still_to_be_called(
        self, history: list[DayOfHistory], state: InviteeState
    ) -> None:
        Invitee.objects.filter(pk=history[0].by_union_id.pk).update(state=state)
        with pytest.raises(StillToBeCalled):
            erase()
        assert not Erasure.objects.exists()
        assert Person.objects.reached_by(["person-3"]).exists()
        with pytest.raises(CommandError, match="under way"):
            call_command("erase_person", "--union-id", "person-3", "--reason", BECAUSE, "--yes")

    def test_inviting_again_leaves_out_who_was_erased(
        self, history: list[DayOfHistory], administrator: User
    ) -> None:
        erase()
        again = invite_again(
            invitation=history[0].invitation, states=[InviteeState.FAILED], user=administrator
        )
        assert [person.value for person in again.invitees.all()] == ["+8613800000003"]
        erase("+8613800000002", Channel.PHONE)
        erase("person-2")
        with pytest.raises(NobodyToInvite):
            invite_again(invitation=history[1].invitation, states=[InviteeState.FAILED], user=administrator)

    def test_list_made_of_an_earlier_invitation_leaves_out_who_was_erased(
        self, history: list[DayOfHistory], administrator: User
    ) -> None:
        erase()
        draft = InvitationFactory(conference=history[0].invitation.conference)
        composing.add_invitation(draft=draft, invitation=history[0].invitation, user=administrator)
        assert [person.value for person in draft.invitees.all()] == ["+8613800000003"]

    def test_ringing_again_leaves_out_who_was_erased(self, history: list[DayOfHistory]) -> None:
        Invitee.objects.update(state=InviteeState.INVITED)
        invitation = history[0].invitation
        assert sum(count_absent(invitation)) == 2
        assert invitation.invitees.who_may_be_rung_unasked().count() == 1
        erase()
        assert sum(count_absent(invitation)) == 1
        assert invitation.invitees.who_may_be_rung_unasked().count() == 0


class TestCommand:
    def test_erases_by_union_id_and_number_after_yes(
        self, history: list[DayOfHistory], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda question: "yes")
        arguments = ["--union-id", "person-3", "--phone", "138 0000 0003", "--reason", BECAUSE]
        call_command("erase_person", *arguments)
        assert Erasure.objects.count() == 2
        out = capsys.readouterr().out
        assert "1 people of the history" in out
        assert "person-3" not in out

    def test_any_other_answer_erases_nobody(
        self, history: list[DayOfHistory], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda question: "")
        with pytest.raises(CommandError, match="Nobody was erased"):
            call_command("erase_person", "--union-id", "person-3", "--reason", BECAUSE)
        assert not Erasure.objects.exists()

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--reason", BECAUSE, "--yes"],
            ["--union-id", "person-3", "--yes"],
            ["--phone", "12", "--reason", BECAUSE, "--yes"],
            ["--union-id", "x", "--reason", BECAUSE, "--by", "nobody", "--yes"],
            ["--union-id", " ", "--union-id", "x", "--reason", BECAUSE, "--yes"],
            ["--union-id", "x", "--reason", " ", "--yes"],
            ["--union-id", "x", "--reason", "x" * 201, "--yes"],
        ],
    )
    def test_argument_that_is_missing_or_wrong_is_refused(self, arguments: list[str], db: None) -> None:
        # Whom a blank would be taken for.
        ContactFactory(union_id="", phone_number="+8613800000000")
        with pytest.raises(CommandError):
            call_command("erase_person", *arguments)
