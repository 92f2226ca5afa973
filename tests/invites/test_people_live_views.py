"""The live parts of a sent invitation: a page is sent only what is new to it, and asks only while something may be."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dashboard.seen import Seen, fingerprint
from invites.models import Conference, Invitation, Invitee, Member, Observation, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.sending import send
from invites.views import people_shown
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AttemptFactory,
    BatchFactory,
    ConferenceFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
)
from tests.keeping import tampering

pytestmark = pytest.mark.django_db
NICKS = ("Anna", "Bo", "Chen")
# Session, user, invitation, counts, rows, number of calls, the newest, uninvited, watching, three about ringing again.
MOST_QUERIES = 12


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    """Under way, three people."""
    draft = InvitationFactory(conference=ConferenceFactory(owner=organizer, title="Review"))
    for position, nick in enumerate(NICKS):
        InviteeFactory(invitation=draft, position=position, nick=nick)
    return send(invitation=draft, revision=0, user=organizer)


@pytest.fixture
def client(signed_in: SignedIn, organizer: User) -> Client:
    return signed_in(organizer)


class Page:
    """A page that shows an invitation, and asks what is new as htmx does."""

    def __init__(self, client: Client, url: str) -> None:
        self.client = client
        self.text = client.get(url).content.decode()

    @property
    def question(self) -> str:
        """The address that it asks next; "" where it does not ask."""
        found = re.search(r'id="people_live"[^>]* hx-get="([^"]+)"', self.text)
        return unescape(found[1]) if found else ""

    @property
    def every(self) -> str:
        found = re.search(r'id="people_live"[^>]* hx-trigger="every (\S+), look"', self.text)
        return found[1] if found else ""

    def ask(self) -> str:
        """What is new; "" where nothing is."""
        answer = self.client.get(self.question, headers=htmx("people_live"))
        assert answer.status_code in {200, 204}
        if answer.status_code == 200:
            self.text = answer.content.decode()
            return self.text
        return ""

    def parts(self) -> set[str]:
        """The ids of the elements that are new."""
        return set(re.findall(r'id="(\w+)"[^>]* hx-swap-oob="true"', self.ask()))


def page_of(client: Client, invitation: Invitation, **query: str) -> Page:
    base = reverse("invites:invitation_detail", args=[invitation.pk])
    return Page(client, base + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else ""))


def fare(invitation: Invitation, nick: str, **facts: object) -> Invitee:
    person = invitation.invitees.get(nick=nick)
    Invitee.objects.filter(pk=person.pk).update(**facts)
    return person


def finish(invitation: Invitation) -> None:
    invitation.invitees.update(state=InviteeState.INVITED)
    Invitation.objects.filter(pk=invitation.pk).update(
        state=InvitationState.FINISHED, finished_at=timezone.now()
    )


class TestWhatIsNew:
    def test_nothing_is_sent_where_nothing_has_changed(self, client: Client, invitation: Invitation) -> None:
        assert page_of(client, invitation).ask() == ""

    def test_row_that_changed_comes_alone_with_the_numbers(
        self, client: Client, invitation: Invitation
    ) -> None:
        page = page_of(client, invitation)
        person = fare(invitation, "Bo", state=InviteeState.INVITED)
        parts = page.parts()
        assert f"person_{person.pk}" in parts
        assert "people_progress" in parts
        assert "Anna" not in page.text
        assert page.ask() == ""

    def test_counts_change_in_place_so_that_no_chip_moves_under_the_pointer(
        self, client: Client, invitation: Invitation
    ) -> None:
        fare(invitation, "Anna", state=InviteeState.INVITED)
        page = page_of(client, invitation)
        fare(invitation, "Bo", state=InviteeState.INVITED)
        assert {part for part in page.parts() if part.startswith("people_")} == {
            "people_progress",
            "people_n_pending",
            "people_n_invited",
        }

    def test_buttons_are_left_alone_while_people_are_called(
        self, client: Client, invitation: Invitation
    ) -> None:
        page = page_of(client, invitation)
        fare(invitation, "Bo", state=InviteeState.SENDING)
        assert "people_steering" not in page.parts()

    def test_new_call_brings_the_card_of_calls(self, client: Client, invitation: Invitation) -> None:
        page = page_of(client, invitation)
        attempt = AttemptFactory(invitation=invitation, batch=BatchFactory(invitation=invitation, number=100))
        assert "people_calls" in page.parts()
        assert reverse("invites:attempt_detail", args=[attempt.pk]) in page.text
        assert page.ask() == ""

    def test_page_of_the_conference_has_no_card_of_calls(
        self, client: Client, invitation: Invitation
    ) -> None:
        page = Page(client, reverse("invites:conference_detail", args=[invitation.conference_id]))
        AttemptFactory(invitation=invitation, batch=BatchFactory(invitation=invitation, number=100))
        assert page.parts() == {"people_progress"}

    def test_end_is_announced_and_offers_to_invite_again(
        self, client: Client, invitation: Invitation
    ) -> None:
        page = page_of(client, invitation)
        finish(invitation)
        fare(invitation, "Bo", state=InviteeState.UNKNOWN)
        assert {"people_progress", "people_steering", "people_next"} <= page.parts()
        assert "2 invited, 0 not invited, 1 unknown." in page.text

    def test_who_is_in_a_state_comes_as_a_whole(self, client: Client, invitation: Invitation) -> None:
        page = page_of(client, invitation, state="pending")
        fare(invitation, "Bo", state=InviteeState.INVITED)
        assert "people_list" in page.parts()
        assert "Anna" in page.text
        assert "Bo" not in page.text

    def test_later_page_is_told_of_its_own_people_only(
        self, client: Client, invitation: Invitation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(people_shown, "PEOPLE_SHOWN", 1)
        page = page_of(client, invitation, after="0")
        fare(invitation, "Anna", state=InviteeState.INVITED)
        bo = fare(invitation, "Bo", state=InviteeState.INVITED)
        rows = {part for part in page.parts() if part.startswith("person_")}
        assert rows == {f"person_{bo.pk}"}

    def test_change_that_is_committed_late_and_dated_early_is_found(
        self, client: Client, invitation: Invitation
    ) -> None:
        fare(invitation, "Anna", state=InviteeState.INVITED, changed_at=timezone.now())
        page = page_of(client, invitation)
        late = timezone.now() - timedelta(minutes=5)
        bo = fare(invitation, "Bo", state=InviteeState.INVITED, changed_at=late)
        assert f"person_{bo.pk}" in page.parts()

    @pytest.mark.parametrize("seen", ["", "nonsense", "...", "x" * 2000, "\u00e4", "abc.def"])
    def test_page_that_says_nonsense_gets_everything(
        self, client: Client, invitation: Invitation, seen: str
    ) -> None:
        url = reverse("invites:invitation_live", args=[invitation.pk])
        answer = client.get(url, {"seen": seen}, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert all(nick in answer.content.decode() for nick in NICKS)

    def test_without_htmx_it_leads_to_the_page(self, client: Client, invitation: Invitation) -> None:
        answer = client.get(reverse("invites:invitation_live", args=[invitation.pk]), {"state": "failed"})
        assert answer["Location"] == f"/invitations/{invitation.pk}/?state=failed"

    def test_others_may_not_ask(
        self, signed_in: SignedIn, other_organizer: User, invitation: Invitation
    ) -> None:
        url = reverse("invites:invitation_live", args=[invitation.pk])
        assert signed_in(other_organizer).get(url, headers={"HX-Request": "true"}).status_code == 404

    @pytest.mark.parametrize("is_over", [False, True])
    @pytest.mark.parametrize("state", ["", "invited"])
    def test_it_costs_as_many_queries_for_a_thousand_people_as_for_three(
        self, client: Client, invitation: Invitation, state: str, is_over: bool
    ) -> None:
        if is_over:
            finish(invitation)

        def queries() -> int:
            page = page_of(client, invitation, **({"state": state} if state else {}))
            with CaptureQueriesContext(connection) as captured:
                assert page.ask() == ""
            return len(captured)

        for_three = queries()
        Invitee.objects.bulk_create(
            InviteeFactory.build(invitation=invitation, position=n, value=f"many{n}", state="invited")
            for n in range(3, 1000)
        )
        assert queries() == for_three
        assert for_three <= MOST_QUERIES


class TestAsking:
    def test_it_asks_often_while_calls_are_under_way(self, client: Client, invitation: Invitation) -> None:
        assert page_of(client, invitation).every == "1500ms"

    def test_and_while_phones_ring_then_now_and_then_while_people_may_come(
        self, client: Client, invitation: Invitation
    ) -> None:
        page = page_of(client, invitation)
        finish(invitation)
        page.ask()
        assert page.every == "1500ms"
        Invitation.objects.update(finished_at=timezone.now() - timedelta(minutes=2))
        page.ask()
        assert page.every == "4s"

    def test_it_stops_when_the_conference_has_ended(self, client: Client, invitation: Invitation) -> None:
        finish(invitation)
        page = page_of(client, invitation)
        Conference.objects.update(status=ConferenceStatus.ENDED)
        assert page.ask() != ""
        assert page.question == ""

    def test_it_stops_after_some_hours(self, client: Client, invitation: Invitation) -> None:
        finish(invitation)
        page = page_of(client, invitation)
        with tampering():
            Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=4))
        assert page.ask() != ""
        assert page.question == ""
        assert page_of(client, invitation).question == ""

    def test_each_question_says_that_somebody_looks(self, client: Client, invitation: Invitation) -> None:
        page = page_of(client, invitation)
        Observation.objects.update(watched_at=None, next_read_at=timezone.now() + timedelta(minutes=1))
        page.ask()
        assert Observation.objects.get(conference=invitation.conference_id).watched_at is not None

    def test_page_that_asks_no_more_spends_no_calls(self, client: Client, invitation: Invitation) -> None:
        finish(invitation)
        with tampering():
            Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=4))
        page_of(client, invitation)
        assert not Observation.objects.exists()


class TestAttendance:
    @pytest.fixture
    def observed(self, invitation: Invitation) -> Invitation:
        """Anna has joined, Bo did not, nobody can tell about Chen, and Dora is there uninvited."""
        finish(invitation)
        for nick, attendance in (("Anna", Attendance.JOINED), ("Bo", Attendance.DECLINED)):
            joined_at = timezone.now() - timedelta(minutes=7)
            member = MemberFactory(
                conference=invitation.conference, nick=nick, attendance=attendance, joined_at=joined_at
            )
            fare(invitation, nick, member=member, changed_at=timezone.now() - timedelta(minutes=9))
        MemberFactory(conference=invitation.conference, nick="Dora", is_host=True)
        Observation.objects.create(conference=invitation.conference, read_at=timezone.now())
        return invitation

    def test_page_says_how_many_have_joined_and_since_when(
        self, client: Client, observed: Invitation
    ) -> None:
        page = page_of(client, observed).text
        for words in ("1 of 3 joined", "Joined", "7 min ago", "Did not join", "Not known"):
            assert words in page

    def test_nothing_is_said_of_joining_before_it_was_read(
        self, client: Client, invitation: Invitation
    ) -> None:
        finish(invitation)
        assert "of 3 joined" not in page_of(client, invitation).text

    def test_guess_is_called_one(self, client: Client, observed: Invitation) -> None:
        assert "probably" not in page_of(client, observed).text
        fare(observed, "Anna", member_is_probable=True)
        assert "probably" in page_of(client, observed).text

    def test_those_whom_nobody_invited_are_shown_apart(self, client: Client, observed: Invitation) -> None:
        page = page_of(client, observed).text
        assert "Also in the meeting" in page
        assert "Dora" in page.split("Also in the meeting")[1]
        assert "Anna" not in page.split("Also in the meeting")[1]

    def test_many_uninvited_are_counted(
        self, client: Client, observed: Invitation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(people_shown, "OTHERS_SHOWN", 2)
        for n in range(3):
            MemberFactory(conference=observed.conference, nick=f"Guest {n}")
        assert "and 2 others" in page_of(client, observed).text

    @pytest.mark.parametrize(
        ("attendance", "nick"), [("joined", "Anna"), ("declined", "Bo"), ("not_known", "Chen")]
    )
    def test_one_attendance_can_be_looked_at(
        self, client: Client, observed: Invitation, attendance: str, nick: str
    ) -> None:
        listed = page_of(client, observed, attendance=attendance).text.split('id="people_list"')[1]
        shown = [name for name in NICKS if name in listed.split('id="people_others"')[0]]
        assert shown == [nick]

    def test_whoever_leaves_is_told_with_their_row(self, client: Client, observed: Invitation) -> None:
        page = page_of(client, observed)
        Member.objects.filter(nick="Anna").update(attendance=Attendance.LEFT, left_at=timezone.now())
        anna = observed.invitees.get(nick="Anna")
        assert {f"person_{anna.pk}", "people_progress", "people_chips"} <= page.parts()
        assert "0 of 3 joined" in page.text

    def test_member_who_was_known_before_they_were_invited_is_found(
        self, client: Client, observed: Invitation
    ) -> None:
        page = page_of(client, observed)
        chen = fare(observed, "Chen", member=Member.objects.get(nick="Dora"))
        assert {f"person_{chen.pk}", "people_others"} <= page.parts()

    def test_reading_that_shows_nothing_new_sends_nothing(self, client: Client, observed: Invitation) -> None:
        page = page_of(client, observed)
        Member.objects.update(read_at=timezone.now())
        Observation.objects.update(read_at=timezone.now())
        assert page.ask() == ""


class TestSteering:
    @pytest.fixture
    def paused(self, client: Client, invitation: Invitation) -> Invitation:
        client.post(reverse("invites:invitation_pause", args=[invitation.pk]))
        return invitation

    def test_pause_without_script_leads_back_to_the_page(
        self, client: Client, invitation: Invitation
    ) -> None:
        answer = client.post(reverse("invites:invitation_pause", args=[invitation.pk]), follow=True)
        assert answer.redirect_chain == [(f"/invitations/{invitation.pk}/", 302)]
        assert "Paused. Nobody else is called until you resume." in answer.content.decode()
        assert "Resume" in answer.content.decode()

    def test_pause_on_the_page_of_the_conference_leads_back_there(
        self, client: Client, invitation: Invitation
    ) -> None:
        answer = client.post(reverse("invites:invitation_pause", args=[invitation.pk]) + "?on=conference")
        assert answer["Location"] == f"/conferences/{invitation.conference_id}/"

    def test_pause_answers_with_the_people_in_place(self, client: Client, invitation: Invitation) -> None:
        answer = client.post(
            reverse("invites:invitation_pause", args=[invitation.pk]),
            headers=htmx("people"),
        ).content.decode()
        assert answer.lstrip().startswith('<div id="people"')
        assert reverse("invites:invitation_resume", args=[invitation.pk]) in answer
        assert "autofocus" in answer

    def test_resume_goes_on(self, client: Client, paused: Invitation) -> None:
        client.post(reverse("invites:invitation_resume", args=[paused.pk]))
        paused.refresh_from_db()
        assert paused.state == InvitationState.SENDING

    def test_cancel_asks_once_and_says_how_many_are_lost(self, client: Client, paused: Invitation) -> None:
        fare(paused, "Bo", state=InviteeState.INVITED)
        url = reverse("invites:invitation_cancel", args=[paused.pk])
        assert "2 people have not been called yet" in client.get(url).content.decode()
        paused.refresh_from_db()
        assert paused.state == InvitationState.PAUSED
        answer = client.post(url, follow=True).content.decode()
        assert "Cancelled" in answer
        paused.refresh_from_db()
        assert paused.state == InvitationState.CANCELLED

    def test_cancel_says_where_nobody_is_waiting_any_more(
        self, client: Client, invitation: Invitation
    ) -> None:
        invitation.invitees.update(state=InviteeState.SENDING)
        answer = client.get(reverse("invites:invitation_cancel", args=[invitation.pk])).content.decode()
        assert "Nobody is waiting any more" in answer
        assert "0 people" not in answer

    def test_those_left_out_can_be_invited_again(self, client: Client, paused: Invitation) -> None:
        client.post(reverse("invites:invitation_cancel", args=[paused.pk]))
        assert "Invite again: 3 people" in page_of(client, paused).text

    @pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
    def test_what_is_over_is_refused(self, client: Client, invitation: Invitation, verb: str) -> None:
        finish(invitation)
        answer = client.post(reverse(f"invites:invitation_{verb}", args=[invitation.pk]))
        assert answer.status_code == 409
        assert "is over" in answer.content.decode()

    def test_question_about_what_is_over_is_refused(self, client: Client, invitation: Invitation) -> None:
        finish(invitation)
        assert client.get(reverse("invites:invitation_cancel", args=[invitation.pk])).status_code == 409

    @pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
    def test_auditor_may_not(
        self, signed_in: SignedIn, auditor: User, invitation: Invitation, verb: str
    ) -> None:
        url = reverse(f"invites:invitation_{verb}", args=[invitation.pk])
        assert signed_in(auditor).post(url).status_code == 403
        assert url not in page_of(signed_in(auditor), invitation).text

    @pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
    def test_other_organizer_may_not(
        self, signed_in: SignedIn, other_organizer: User, invitation: Invitation, verb: str
    ) -> None:
        url = reverse(f"invites:invitation_{verb}", args=[invitation.pk])
        assert signed_in(other_organizer).post(url).status_code == 404

    def test_calls_that_were_needed_to_find_the_unknown_are_told(
        self, client: Client, invitation: Invitation
    ) -> None:
        whole = BatchFactory(invitation=invitation, number=100)
        AttemptFactory(invitation=invitation, batch=whole)
        for number in (101, 102):
            half = BatchFactory(invitation=invitation, number=number, half_of=whole)
            AttemptFactory(invitation=invitation, batch=half)
        Invitation.objects.update(lookups=4)
        page = page_of(client, invitation).text
        for sentence in ("3 calls.", "2 of them to find out who is unknown.", "4 lookups in the directory"):
            assert sentence in page


class TestSeen:
    def test_it_comes_back_from_an_address_as_it_went(self) -> None:
        seen = Seen(parts=[fingerprint(1), fingerprint(2)], rows=[fingerprint(n) for n in range(100)])
        again = Seen.read(str(seen))
        assert again == seen
        assert again.new_rows(seen) == set()

    def test_rows_that_differ_are_named_by_their_place(self) -> None:
        before = Seen(parts=[], rows=[fingerprint(n) for n in range(3)])
        now = Seen(parts=[], rows=[fingerprint(0), fingerprint("other"), fingerprint(2)])
        assert now.new_rows(before) == {1}

    def test_lists_of_different_length_cannot_be_compared(self) -> None:
        assert Seen(parts=[], rows=["abc"]).new_rows(Seen(parts=[], rows=[])) is None
