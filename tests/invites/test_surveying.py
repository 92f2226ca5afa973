"""What needs attention, and the work that waits."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from invites import clock, permissions, surveying, tasks
from invites.explaining import Mover
from invites.models import AppCount, CallCount, Conference, ContactImport, Invitation, User, Worker
from invites.models.app import App, AppKind, EventMode
from invites.models.attempt import AttemptState
from invites.models.batch import BatchState
from invites.models.contact_import import PERSON_ERASED, ImportSource, ImportState
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.spending import quota_month, spending_of_apps
from invites.surveying import Concern, Kind
from tests.factories import (
    AddressBookFactory,
    AppFactory,
    AttemptFactory,
    BatchFactory,
    ConferenceFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("alive_worker")]

LONG_AGO = timedelta(minutes=6)


def concerns(user: User) -> list[Concern]:
    return surveying.concerns(
        user, conferences=permissions.surveyed_conferences(user), spendings=spending_of_apps()
    )


def kinds(user: User) -> list[str]:
    return [concern.kind.value for concern in concerns(user)]


def called(
    conference: Conference, *, code: str = "", unknown: bool = False, ago: timedelta = timedelta()
) -> Invitation:
    state = AttemptState.UNKNOWN if unknown else AttemptState.FAILED if code else AttemptState.SUCCEEDED
    invitation: Invitation = SentInvitationFactory(conference=conference)
    AttemptFactory(invitation=invitation, state=state, error_code=code, started_at=timezone.now() - ago)
    return invitation


class TestWork:
    """Workers and what waits for them."""

    def test_nothing_is_amiss(self, administrator: User) -> None:
        called(ConferenceFactory())
        assert kinds(administrator) == []

    def test_worker_that_is_gone(self, organizer: User) -> None:
        seen_at = timezone.now() - timedelta(hours=1)
        Worker.objects.update(seen_at=seen_at)
        concern = concerns(organizer)[0]
        assert concern == Concern(kind=Kind.NO_WORKER, moment=seen_at)
        assert (concern.is_grave, concern.mover) == (True, Mover.ADMINISTRATOR)

    @pytest.mark.parametrize(
        ("invitation", "conference", "rests", "waits"),
        [
            ({}, {}, False, True),
            ({"state": InvitationState.PAUSED}, {}, False, False),
            ({}, {"locked_at": timezone.now()}, False, False),
            ({}, {"status": "ended"}, False, False),
            ({}, {}, True, False),
        ],
        ids=["due", "paused", "locked", "over", "resting"],
    )
    def test_people_who_wait_too_long(
        self,
        administrator: User,
        invitation: dict[str, object],
        conference: dict[str, object],
        rests: bool,
        waits: bool,
    ) -> None:
        until = timezone.now() + timedelta(minutes=5) if rests else None
        about = {"state": InvitationState.SENDING, "finished_at": None} | invitation
        sent = SentInvitationFactory(
            conference=ConferenceFactory(app=AppFactory(rests_until=until), **conference), **about
        )
        BatchFactory(invitation=sent, state=BatchState.WAITING, not_before=timezone.now() - LONG_AGO)
        assert (Kind.QUEUE_WAITS.value in kinds(administrator)) is waits

    def test_task_that_waits_too_long(self, administrator: User) -> None:
        tasks.deliver_invitation.enqueue(1)
        assert surveying.queue_waits_since() is not None
        assert kinds(administrator) == []
        tasks.deliver_invitation.using(run_after=timezone.now() - LONG_AGO).enqueue(1)
        assert kinds(administrator) == ["queue_waits"]


class TestApps:
    """Tokens, limits and quotas."""

    def test_app_whose_last_call_was_not_authorised(self, organizer: User) -> None:
        conference = ConferenceFactory(app=AppFactory(name="Main"))
        called(conference, code="invalidClientIdOrSecret")
        [concern] = concerns(organizer)
        assert (concern.kind, concern.app, concern.mover) == (
            Kind.TOKEN_FAILS,
            "Main",
            Mover.ADMINISTRATOR,
        )
        called(conference)
        assert kinds(organizer) == []

    def test_refusal_of_long_ago_is_over(self, organizer: User) -> None:
        called(ConferenceFactory(), code="invalidClientIdOrSecret", ago=timedelta(days=8))
        assert kinds(organizer) == []

    def test_app_that_is_switched_off_concerns_nobody(self, organizer: User) -> None:
        called(ConferenceFactory(app=AppFactory(enabled=False)), code="invalidClientIdOrSecret")
        assert kinds(organizer) == []

    def test_app_that_rests(self, organizer: User) -> None:
        app: App = AppFactory(rests_until=timezone.now() + timedelta(minutes=5))
        assert [(each.kind, each.moment) for each in concerns(organizer)] == [
            (Kind.APP_RESTS, app.rests_until)
        ]

    def test_app_whose_connection_for_events_is_gone(self, organizer: User) -> None:
        gone = timezone.now() - timedelta(minutes=5)
        AppFactory(name="Main", event_mode=EventMode.STREAM, stream_seen_at=gone)
        [concern] = concerns(organizer)
        assert (concern.kind, concern.app, concern.moment) == (Kind.EVENTS_SILENT, "Main", gone)
        assert concern.mover == Mover.ADMINISTRATOR

    def test_sandbox_that_was_never_listened_to_is_no_concern(
        self, organizer: User, settings: Settings
    ) -> None:
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:9"
        app = AppFactory(kind=AppKind.SANDBOX, base_url="", access_token="")
        assert kinds(organizer) == []
        App.objects.filter(pk=app.pk).update(stream_seen_at=timezone.now() - timedelta(minutes=5))
        assert kinds(organizer) == ["events_silent"]

    def test_calls_that_were_too_fast_today(self, organizer: User) -> None:
        conference = ConferenceFactory()
        called(conference, code="90018")
        called(conference, code="Forbidden.AccessDenied.QpsLimitForApi")
        called(conference)
        [concern] = concerns(organizer)
        assert (concern.kind, concern.count, concern.mover) == (Kind.THROTTLED, 2, Mover.NOBODY)

    @pytest.mark.parametrize(
        ("calls", "kind"), [(79, None), (80, Kind.QUOTA_NEARLY_USED_UP), (100, Kind.QUOTA_USED_UP)]
    )
    def test_quota_that_is_nearly_spent(self, organizer: User, calls: int, kind: Kind | None) -> None:
        app = AppFactory(monthly_quota=100)
        CallCount.objects.create(app=app, operation="x", month=quota_month(), calls=calls)
        assert [concern.kind for concern in concerns(organizer)] == ([kind] if kind else [])


class TestDecisions:
    """What waits for somebody."""

    def test_unknown_call_waits_until_its_people_are_invited_again(self, organizer: User) -> None:
        conference = ConferenceFactory(owner=organizer)
        invitation = called(conference, code="readTimeout", unknown=True)
        assert [(each.kind, each.count) for each in concerns(organizer)] == [(Kind.UNKNOWN_ATTEMPTS, 1)]
        SentInvitationFactory(conference=conference, repeats=invitation)
        assert kinds(organizer) == []

    def test_unknown_call_into_a_conference_that_is_over_waits_for_nobody(
        self, organizer: User, administrator: User
    ) -> None:
        called(ConferenceFactory(owner=organizer, status="ended"), code="readTimeout", unknown=True)
        assert kinds(organizer) == kinds(administrator) == []

    def test_calls_of_others_concern_those_who_see_them(self, organizer: User, auditor: User) -> None:
        called(ConferenceFactory(), code="readTimeout", unknown=True)
        assert kinds(organizer) == []
        assert kinds(auditor) == ["unknown_attempts"]

    def test_many_are_counted_up_to_a_bound(self, auditor: User) -> None:
        invitation = SentInvitationFactory()
        for _ in range(surveying.COUNTED_UP_TO + 2):
            AttemptFactory(invitation=invitation, state=AttemptState.UNKNOWN, error_code="readTimeout")
        [concern] = concerns(auditor)
        assert (concern.counted, concern.is_more) == (100, True)

    def test_import_waits_for_whoever_began_it(
        self, organizer: User, administrator: User, auditor: User
    ) -> None:
        book = AddressBookFactory(owner=organizer)
        begun = ContactImport.objects.create(
            book=book, created_by=organizer, source=ImportSource.FILE, state=ImportState.READY
        )
        assert [(each.kind, each.count, each.about) for each in concerns(organizer)] == [
            (Kind.IMPORTS_WAIT, 1, begun.pk)
        ]
        assert kinds(administrator) == kinds(auditor) == []

    def test_reading_of_the_directory_waits_for_the_owner_of_the_book(self, organizer: User) -> None:
        ContactImport.objects.create(
            book=AddressBookFactory(owner=organizer), source=ImportSource.DIRECTORY, state=ImportState.READY
        )
        assert kinds(organizer) == ["imports_wait"]

    def test_import_that_went_with_somebody_erased_is_told_beside_those_that_wait(
        self, organizer: User
    ) -> None:
        book, now = AddressBookFactory(owner=organizer), timezone.now()
        common = {"book": book, "created_by": organizer, "source": ImportSource.FILE, "finished_at": now}
        waiting = ContactImport.objects.create(**common, state=ImportState.READY)
        lost = ContactImport.objects.create(**common, state=ImportState.DISCARDED, problem=PERSON_ERASED)
        ContactImport.objects.create(**common, state=ImportState.DISCARDED)
        ContactImport.objects.create(
            **common | {"finished_at": now - timedelta(days=8)},
            state=ImportState.DISCARDED,
            problem=PERSON_ERASED,
        )
        assert [(each.kind, each.about) for each in concerns(organizer)] == [
            (Kind.IMPORTS_WAIT, waiting.pk),
            (Kind.IMPORT_LOST, lost.pk),
        ]

    def test_days_that_nobody_has_sealed(self, organizer: User, auditor: User) -> None:
        day = clock.today() - timedelta(days=3)
        AppCount.objects.create(app=AppFactory(), day=day, state="succeeded", attempts=1)
        assert [(each.kind, each.day) for each in concerns(auditor)] == [(Kind.NOT_SEALED, day)]
        assert kinds(organizer) == []

    def test_the_worst_comes_first(self, auditor: User) -> None:
        Worker.objects.all().delete()
        called(ConferenceFactory(), code="readTimeout", unknown=True)
        AppFactory(rests_until=timezone.now() + timedelta(minutes=5))
        assert kinds(auditor) == ["no_worker", "unknown_attempts", "app_rests"]


class TestOpenConferences:
    """How many have come."""

    def test_people_are_counted_up_to_a_bound(self) -> None:
        assert Conference.objects.count_people([], limit=5) == {}
        full, empty = ConferenceFactory(), ConferenceFactory()
        invitation = SentInvitationFactory(conference=full)
        people = [InviteeFactory(invitation=invitation, state=InviteeState.INVITED) for _ in range(3)]
        AttemptFactory(invitation=invitation, sent_to=people)
        for limit, counted in ((2, (2, 0, True)), (3, (3, 0, False))):
            counts = Conference.objects.count_people([full.pk, empty.pk], limit=limit)
            assert counts == {full.pk: counted, empty.pk: (0, 0, False)}

    def test_whoever_was_invited_twice_counts_once(self) -> None:
        conference = ConferenceFactory()
        member = MemberFactory(conference=conference)
        for _ in range(2):
            invitation = SentInvitationFactory(conference=conference)
            person = InviteeFactory(invitation=invitation, value="a", state=InviteeState.INVITED)
            AttemptFactory(invitation=invitation, sent_to=[person])
            person.member = member
            person.save(update_fields=["member"])
        assert Conference.objects.count_people([conference.pk], limit=9)[conference.pk] == (1, 1, False)
