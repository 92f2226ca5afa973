"""What is held of one person: who it is, all of it as a file, and all of it gone."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from invites import deduplicating, disclosing, erasing, forgetting, recovering, sealing, tasks
from invites.chronicling import Way
from invites.disclosing import Fate, Somebody
from invites.encryption import encrypt
from invites.errors import StillToBeCalled
from invites.models import (
    AuditEntry,
    Contact,
    ContactImport,
    Erasure,
    HistoryExport,
    IdempotentRequest,
    ImportChunk,
    Invitee,
    Member,
    Person,
    SavedFilter,
    User,
)
from invites.models.api_token import KEPT
from invites.models.contact_import import ImportState
from invites.models.invitee import Channel, InviteeState
from tests.factories import ContactFactory, InviteeFactory, MemberFactory, SentInvitationFactory
from tests.invites.held import NICK, NUMBER, SPELLINGS, UNION_ID, WAYS, hold
from tests.invites.test_curating_together import together
from tests.invites.test_erasing import everything_stored

pytestmark = pytest.mark.django_db
BECAUSE = "Asked for it"
ALL = {
    *("contacts", "invitations", "calls", "members", "drafts", "lines", "imports", "journal"),
    *("files", "entries", "filters", "exports"),
}


def the_only(text: str) -> Somebody:
    """Whom ``text`` finds, who is one person."""
    (found,) = disclosing.find(text, country="CN")
    return found


def stored_of_them() -> list[str]:
    """What of them still stands anywhere in the database, as text or as JSON has it."""
    stored = everything_stored().replace("+erased-", "").replace("\\\\", "\\")
    texts = [UNION_ID, NUMBER, *SPELLINGS, NICK, json.dumps(NICK)[1:-1], "%2B86+139", NICK.encode().hex()]
    return [text for text in texts if text in stored]


class TestWhoItIs:
    @pytest.mark.parametrize("text", [UNION_ID, NUMBER, *SPELLINGS, NICK, "zhangsan", "4321"])
    def test_unionid_number_and_name_find_one_person_with_both_ways(self, organizer: User, text: str) -> None:
        hold(organizer)
        found = the_only(text)
        assert {(way.channel, way.value) for way in found.ways} == {*WAYS}
        assert set(found.names) == {NICK, f"{NICK} jr"}

    def test_number_of_several_people_belongs_to_none_of_them(self, db: None) -> None:
        book = ContactFactory(nick="A", union_id="one", phone_number=NUMBER).book
        ContactFactory(nick="B", union_id="two", phone_number=NUMBER, book__app=book.app)
        by_number, *others = disclosing.find(NUMBER, country="CN")
        assert ([way.value for way in by_number.ways], set(by_number.names)) == ([NUMBER], {"A", "B"})
        assert [[way.value for way in each.ways] for each in others] == [["two"], ["one"]]

    def test_somebody_whom_only_a_conference_has_reported_is_found(self, db: None) -> None:
        MemberFactory(union_id="came-by-chance", nick="Guest")
        assert the_only("came-by-chance").names == ("Guest",)
        assert the_only("guest").union_ids == ["came-by-chance"]

    @pytest.mark.parametrize("text", ["", " ", "%", "_", "nobody at all"])
    def test_nothing_and_wildcards_find_nobody(self, organizer: User, text: str) -> None:
        hold(organizer)
        assert disclosing.find(text, country="CN") == []

    def test_token_says_nothing_and_leads_back(self, organizer: User) -> None:
        hold(organizer)
        somebody = the_only(UNION_ID)
        assert disclosing.behind(somebody.token) == somebody
        assert UNION_ID not in somebody.token

    def test_other_secrets_of_ours_are_no_token(self, db: None) -> None:
        for token in ("", "x", encrypt("a secret"), encrypt("secret\nunion_id\nx"), "é"):
            with pytest.raises(LookupError):
                disclosing.behind(token)


class TestWhatIsHeld:
    def test_every_place_is_looked_into(self, organizer: User) -> None:
        hold(organizer)
        held = disclosing.held(the_only(UNION_ID))
        assert {section.key for section, _count in held.sections} == ALL
        assert {section.fate for section, _count in held.stays} == set()

    def test_own_account_is_told_and_stays(self, organizer: User) -> None:
        ContactFactory(union_id=organizer.union_id)
        held = disclosing.held(the_only(organizer.union_id))
        assert [section.fate for section, _count in held.stays] == [Fate.STAYS]

    def test_key_that_a_program_made_of_somebody_is_told_and_forgotten_after_a_week(
        self, organizer: User
    ) -> None:
        for key in (f"invite-{NUMBER}", f"{UNION_ID}-1", "6f9b0c1e-5d0b"):
            IdempotentRequest.objects.create(user=organizer, key=key, digest="d", answer={"made": 1})
        ContactFactory(union_id=UNION_ID, phone_number=NUMBER)
        [(section, count)] = disclosing.held(the_only(UNION_ID)).stays
        assert (section.key, count) == ("requests", 2)
        assert {row["idempotencyKey"] for row in section.tell(the_only(UNION_ID))} == {
            f"invite-{NUMBER}",
            f"{UNION_ID}-1",
        }
        with time_machine.travel(timezone.now() + KEPT + timedelta(seconds=1)):
            deduplicating.forget_old()
        assert disclosing.held(the_only(UNION_ID)).stays == []

    def test_file_holds_all_of_it_and_taking_it_is_on_record(
        self, organizer: User, administrator: User
    ) -> None:
        hold(organizer)
        somebody = the_only(UNION_ID)
        file = json.loads(b"".join(disclosing.disclose(somebody, by=administrator)))
        assert (file["unionIds"], file["phoneNumbers"]) == ([UNION_ID], [NUMBER])
        assert {key for key, rows in file["held"].items() if rows} == ALL
        assert file["held"]["calls"][0]["code"] == "unknownUserError"
        counts = {section.key: count for section, count in disclosing.held(somebody).sections}
        assert {key: len(rows) for key, rows in file["held"].items() if rows} == counts
        entry = AuditEntry.objects.latest("pk")
        assert entry.additional_data == {"what": "disclosed"}
        assert not {UNION_ID, NUMBER, NICK} & {entry.object_repr, str(entry.changes)}

    def test_file_of_somebody_says_nothing_of_others(self, organizer: User, administrator: User) -> None:
        book = hold(organizer)
        ContactFactory(book=book, nick="Other", union_id="other-one")
        file = b"".join(disclosing.disclose(the_only(UNION_ID), by=administrator))
        assert b"other-one" not in file


class TestErasing:
    @pytest.fixture
    def gone(self, organizer: User, administrator: User) -> None:
        """Somebody who was held everywhere, and is erased in all their ways."""
        hold(organizer)
        sealing.seal_due()
        somebody = the_only(UNION_ID)
        assert forgetting.order(somebody.ways, by=administrator, because=BECAUSE) == 2
        for erasure in Erasure.objects.all():
            assert erasing.carry_out(erasure.pk) is not None

    @pytest.mark.usefixtures("gone")
    def test_nothing_of_them_stands_anywhere(self) -> None:
        assert stored_of_them() == []

    @pytest.mark.usefixtures("gone")
    def test_what_happened_stays_and_verifies(self) -> None:
        codes = set(Person.objects.values_list("sendings__attempt__error_code", flat=True))
        assert codes == {"unknownUserError"}
        assert sealing.verify().fits

    @pytest.mark.usefixtures("gone")
    def test_what_is_about_others_stays(self, organizer: User) -> None:
        assert SavedFilter.objects.get().name == "Others"
        assert HistoryExport.objects.get().query == "person=%E2%80%94&outcome=failed"

    @pytest.mark.usefixtures("gone")
    def test_imports_that_would_bring_them_back_are_discarded(self) -> None:
        states = ContactImport.objects.values_list("state", flat=True).order_by("pk")
        assert list(states) == [ImportState.DONE, *[ImportState.DISCARDED] * 6]
        assert not ImportChunk.objects.exists()

    @pytest.mark.usefixtures("gone")
    def test_members_that_they_probably_were_lose_their_name(self) -> None:
        assert set(Member.objects.values_list("nick", "union_id")) == {("", "")}

    def test_member_who_is_surely_somebody_else_keeps_theirs(self, organizer: User) -> None:
        other = MemberFactory(union_id="somebody-else", nick=NICK)
        sent = SentInvitationFactory(conference=other.conference)
        InviteeFactory(
            invitation=sent,
            channel=Channel.PHONE,
            value=NUMBER,
            nick=NICK,
            member=other,
            member_is_probable=True,
            state=InviteeState.INVITED,
        )
        Person.objects.know_invitees_of(sent.pk)
        erasing.erase(channel=Channel.PHONE, value=NUMBER, by=None, because=BECAUSE)
        other.refresh_from_db()
        assert other.union_id == "somebody-else"

    @pytest.mark.parametrize("make", [MemberFactory, ContactFactory, InviteeFactory])
    def test_somebody_who_was_never_called_is_on_record_as_erased(self, make: type) -> None:
        make(**{"value" if make is InviteeFactory else "union_id": "never-called"})
        assert (
            erasing.erase(channel=Channel.UNION_ID, value="never-called", by=None, because=BECAUSE).people
            == 1
        )
        assert "never-called" not in everything_stored()


class TestOrdering:
    def ways(self) -> tuple[Way, ...]:
        return the_only(UNION_ID).ways

    def test_it_is_on_record_before_a_worker_does_it(self, organizer: User, administrator: User) -> None:
        hold(organizer)
        forgetting.order(self.ways(), by=administrator, because=BECAUSE)
        assert Contact.objects.exists()
        erasure = Erasure.objects.newest_first().latest("pk")
        assert (erasure.by, erasure.reason, erasure.is_held_up) == (administrator, BECAUSE, False)
        assert not erasure.person.is_erased

    def test_ordered_twice_it_is_done_once(self, organizer: User, administrator: User) -> None:
        hold(organizer)
        ways = self.ways()
        for _press in range(2):
            forgetting.order(ways, by=administrator, because=BECAUSE)
        assert Erasure.objects.count() == 2
        for _bell in range(2):
            for erasure in Erasure.objects.all():
                tasks.erase_person.call(erasure.pk)
        assert stored_of_them() == []
        assert forgetting.order(ways, by=administrator, because=BECAUSE) == 0

    def test_nobody_is_erased_who_is_still_to_be_called(self, organizer: User, administrator: User) -> None:
        hold(organizer)
        Invitee.objects.on_record().filter(value=NUMBER).update(state=InviteeState.PENDING)
        with pytest.raises(StillToBeCalled):
            forgetting.order(self.ways(), by=administrator, because=BECAUSE)
        assert not Erasure.objects.exists()

    def test_who_is_invited_meanwhile_is_erased_when_that_is_over(
        self, organizer: User, administrator: User
    ) -> None:
        hold(organizer)
        forgetting.order(self.ways(), by=administrator, because=BECAUSE)
        calling = Invitee.objects.on_record().filter(value=NUMBER)
        calling.update(state=InviteeState.SENDING)
        held_up = Erasure.objects.get(person__value=NUMBER)
        assert erasing.carry_out(held_up.pk) is None
        assert Erasure.objects.newest_first().get(pk=held_up.pk).is_held_up
        calling.update(state=InviteeState.INVITED)
        assert erasing.carry_out(held_up.pk) is not None

    @pytest.mark.django_db(transaction=True)
    def test_ordered_by_two_at_once_it_is_on_record_once(self, administrator: User) -> None:
        contact = ContactFactory()
        way = Way(channel=Channel.UNION_ID, value=contact.union_id)
        orders = [lambda: forgetting.order([way], by=administrator, because=BECAUSE)] * 4
        assert together(*orders) == [1] * 4
        assert Erasure.objects.count() == Person.objects.count() == 1

    def test_lost_bell_is_rung_again(self, organizer: User, administrator: User, settings: Settings) -> None:
        hold(organizer)
        forgetting.order(self.ways(), by=administrator, because=BECAUSE)
        settings.UNHEARD_SECONDS = 0.0
        before = DBTaskResult.objects.count()
        recovering.recover()
        assert DBTaskResult.objects.count() == before + 2
