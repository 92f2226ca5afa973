"""Attempts: the record of every POST. A finished attempt is never touched again and never deleted.

started ──▶ succeeded | failed | unknown
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Self

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.app import App
from invites.models.attempt_invitee import AttemptInvitee, Named
from invites.models.batch import Batch
from invites.models.conference import Conference, ConferenceKeys, ConferenceStatus
from invites.models.invitation import Invitation
from invites.models.invitee import Invitee, InviteeState
from invites.models.keys import with_any
from invites.models.person import SALT_BYTES, new_salt
from invites.models.timeline import Position, TimelineQuerySet, Way
from invites.models.user import User

# So many names stand in a row of the history; the rest is a number.
NAMES_IN_A_ROW = 3
_SHOWN_IN_A_ROW = (
    *("state", "people", "started_at", "duration_ms", "error_code"),
    *("conference__title", "conference__conference_id"),
    *("organizer__username", "organizer__first_name", "organizer__last_name"),
)


class AttemptState(models.TextChoices):
    """What is known of a POST."""

    STARTED = "started", _("Under way")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Unknown")


NOT_TAKEN = (AttemptState.FAILED.value, AttemptState.UNKNOWN.value)


class Channels(models.TextChoices):
    """By which channels an attempt was to reach its people."""

    UNION_ID = "union_id", _("DingTalk")
    PHONE = "phone", _("Phone")
    BOTH = "both", _("DingTalk and phone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """How many calls were made, and how many of these only because somebody in a refused one is unknown."""

    made: int
    to_find_unknown: int


# Once for every call while people wait, so in SQL.
_FINISH = """
    UPDATE invites_attempt
    SET state = %(state)s, people_state = %(people_state)s, finished_at = %(finished_at)s,
        duration_ms = %(duration_ms)s, http_status = %(http_status)s, error_code = %(error_code)s,
        error_message = %(error_message)s, request_id = %(request_id)s, response_excerpt = %(response_excerpt)s
    WHERE id = %(pk)s AND state = %(started)s
"""


# A plain DISTINCT would read the whole index.
_CODES = """
    WITH RECURSIVE known(code) AS (
        SELECT min(error_code) FROM invites_attempt WHERE error_code <> ''
        UNION ALL
        SELECT (SELECT min(error_code) FROM invites_attempt WHERE error_code <> '' AND error_code > known.code)
        FROM known WHERE known.code IS NOT NULL
    )
    SELECT code FROM known LIMIT 1000
"""


class AttemptQuerySet(TimelineQuerySet["Attempt"]):
    """Queries over attempts."""

    def first_day(self) -> date | None:
        """The first day on which there is any; None where there is none."""
        return self.aggregate(first=models.Min("day"))["first"]  # type: ignore[no-any-return]

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(with_any("pk", pks))

    def up_to_day(self, day: date) -> Self:
        """Those of ``day`` and earlier."""
        return self.filter(day__lte=day)

    def with_person(self, person: int) -> Self:
        """Those that were to call the person with this key."""
        return self.filter(people_sent__person=person)

    def with_any_of(self, people: Iterable[int]) -> Self:
        """Those that were to call any of the people with these keys, each once."""
        sendings = AttemptInvitee.objects.filter(with_any("person", people))
        return self.filter(pk__in=sendings.values("attempt"))

    def telling_of(self, texts: Iterable[str]) -> Self:
        """Those of which the message or the answer contains any of ``texts``."""
        told = (Q(error_message__contains=text) | Q(response_excerpt__contains=text) for text in texts)
        return self.filter(reduce(or_, told), texts_digest__isnull=True)

    def erase_texts(self, digests: Mapping[int, bytes]) -> None:
        """Drops message and answer of the attempts with these keys, and keeps the digest of each."""
        digest = models.Case(
            *(models.When(pk=pk, then=models.Value(digest)) for pk, digest in digests.items()),
            output_field=models.BinaryField(),
        )
        self.among(digests).update(error_message="", response_excerpt="", salt=b"", texts_digest=digest)

    def under_way_on(self, day: date) -> Self:
        """Those of ``day`` whose answer is still awaited."""
        return self.filter(state=AttemptState.STARTED, day=day)

    def overdue(self) -> Self:
        """Those whose process must have died: still started after their deadline."""
        return self.filter(state=AttemptState.STARTED, deadline__lt=timezone.now())

    def newest_answered_of_app(self) -> Self:
        """The finished ones of the app that an outer query is at, the newest first."""
        finished = self.exclude(state=AttemptState.STARTED)
        return finished.filter(app=models.OuterRef("pk")).order_by("-started_at", "-pk")

    def count_unresolved(self, *, since: datetime, limit: int) -> int:
        """How many of the newest ``limit`` that ended without an answer since then somebody has to decide upon: their
        conference is not over, and nobody has invited those people again.
        """
        again = Invitation.objects.sent().order_by().filter(repeats=models.OuterRef("invitation"))
        newest = self.filter(state=AttemptState.UNKNOWN, started_at__gte=since).order_by("-started_at", "-pk")
        # Sorted out here: PostgreSQL would begin with all conferences that are not over, and there is no end of those.
        rows = newest.values_list("conference__status", models.Exists(again))[:limit]
        return sum(status != ConferenceStatus.ENDED and not decided for status, decided in rows)

    def into_any(self, conferences: ConferenceKeys) -> Self:
        """Those into the conferences with these keys."""
        return self.filter(with_any("conference", conferences))

    def into_conferences_of(self, user: User) -> Self:
        """Those into conferences that ``user`` owns or shares. Each is asked, for where not many are looked at."""
        # As a value of each row: PostgreSQL would join, and read all conferences for that.
        owner = Conference.objects.filter(pk=models.OuterRef("conference")).values("owner")
        shared = Conference.co_organizers.through.objects.filter(user=user).values("conference")
        return self.alias(owner=models.Subquery(owner)).filter(Q(owner=user.pk) | Q(conference__in=shared))

    def with_conference(self) -> Self:
        """With the conference of each."""
        return self.select_related("conference")

    def with_app(self) -> Self:
        """With what recording an outcome has to know."""
        return self.select_related("batch", "invitation__conference")

    def succeeded_of(self, batches: Iterable[Batch]) -> int:
        """How many of ``batches`` DingTalk has taken."""
        return self.filter(batch__in=list(batches), state=AttemptState.SUCCEEDED).count()

    def count_calls(self) -> Calls:
        """How many there are, and how many of them are of a part of a batch that was refused for somebody in it."""
        # Not of one that was made smaller for its size, nor of one that was cut before it was ever sent.
        same_size = Q(batch__times_shrunk=models.F("batch__half_of__times_shrunk"))
        was_sent = models.Exists(Attempt.objects.filter(batch=models.OuterRef("batch__half_of")))
        to_find = models.Count("pk", filter=same_size & Q(was_sent))
        counts = self.aggregate(made=models.Count("pk"), to_find=to_find)
        return Calls(made=counts["made"], to_find_unknown=counts["to_find"])

    def succeeded_for(self, operator: str, *, app_id: int) -> Self:
        """Those that DingTalk took in the name of this operator through one app."""
        succeeded = self.filter(state=AttemptState.SUCCEEDED)
        return succeeded.filter(invitation__operator_union_id=operator, invitation__conference__app=app_id)

    def largest_taken_of(self, invitation: Invitation) -> int:
        """The largest number of people of ``invitation`` that DingTalk took in one call."""
        taken = self.filter(invitation=invitation, state=AttemptState.SUCCEEDED)
        return taken.aggregate(largest=models.Max("people"))["largest"] or 0

    def times_refused(self, invitation: Invitation, *, code: str, people: int) -> int:
        """How often DingTalk has answered with ``code`` to calls of ``invitation`` of another size than ``people``.

        Calls of the same size count once, since many senders find it refused at the same moment; those for one person
        count each.
        """
        other_size = Q(people__gt=1) & ~Q(people=people)
        counts = self.filter(invitation=invitation, error_code=code).aggregate(
            sizes=models.Count("people", filter=other_size, distinct=True),
            alone=models.Count("pk", filter=Q(people=1)),
        )
        return counts["sizes"] + counts["alone"]  # type: ignore[no-any-return]

    def in_order_made(self) -> Self:
        """As they were made."""
        return self.order_by("pk")

    def with_people(self) -> Self:
        """With ``people_sent`` at hand, in the order in which they stood in the call."""
        people = AttemptInvitee.objects.select_related("invitee__overridden_by", "invitee__member")
        people = people.order_by("invitee__position", "pk")
        return self.prefetch_related(models.Prefetch("people_sent", queryset=people))

    def rows(self, pks: Sequence[int], *, looked_for: Collection[int] = ()) -> "list[Attempt]":
        """Those with these keys in the order of the history: what a row shows of them, and nothing that it does not.

        Of the people of each those with a key in ``looked_for`` are named before others.
        """
        shown = self.select_related("conference", "organizer").only(*_SHOWN_IN_A_ROW)
        found = list(shown.among(pks).in_order(Way.OLDER))
        names = AttemptInvitee.objects.first_of(pks, limit=NAMES_IN_A_ROW, before_others=looked_for)
        for attempt in found:
            attempt.first_people = names.get(attempt.pk, [])
        return found

    def listed(self, pks: Sequence[int]) -> "list[Attempt]":
        """Those with these keys in the order of the history, with conference and organizer, without what came back."""
        rows = self.among(pks).in_order(Way.OLDER).select_related("conference", "organizer")
        return list(rows.defer("response_excerpt", "error_message"))

    def for_detail(self) -> Self:
        """With all that the page of one attempt shows."""
        return self.select_related(
            "batch", "invitation__conference__app", "invitation__sent_by", "conference", "organizer"
        ).with_people()

    def at(self, pk: int) -> Position | None:
        """The place of attempt ``pk``, or of the last one written before it where that is gone; None where none was."""
        row = self.filter(pk__lte=pk).order_by("-pk").values_list("started_at", "pk").first()
        return Position(*row) if row else None

    def of_conference(self, conference: Conference | int | None) -> Self:
        """Those that invited into ``conference``."""
        return self.filter(conference=conference)

    def of_organizer(self, organizer: User | int | None) -> Self:
        """Those that ``organizer`` ordered, or nobody who was signed in."""
        return self.filter(organizer=organizer)

    def through(self, app: App | int | None) -> Self:
        """Those through ``app``."""
        return self.filter(app=app)

    def with_state(self, state: str) -> Self:
        """Those in ``state``."""
        return self.filter(state=state)

    def not_taken(self) -> Self:
        """Those that failed, or of which nobody knows: those with a code.

        It is their state that is asked for. Beside a state, PostgreSQL would take a code for something that few have.
        """
        return self.filter(state__in=NOT_TAKEN)

    def with_code(self, code: str) -> Self:
        """Those that DingTalk (or we) answered with exactly this code."""
        return self.filter(error_code=code)

    def with_code_beginning(self, text: str) -> Self:
        """Those whose code begins with ``text``: ``http_`` finds them all."""
        return self.filter(error_code__istartswith=text).exclude(error_code="")

    def by_channels(self, channels: Sequence[str]) -> Self:
        """Those that were to reach their people by one of these."""
        return self.filter(channels__in=channels)

    def with_message(self, text: str) -> Self:
        """Those with ``text`` in DingTalk's message."""
        return self.filter(error_message__icontains=text).exclude(error_message="").exclude(error_code="")

    def with_request(self, request_id: str) -> Self:
        """Those that DingTalk knows by this id, or that a request with this id in our logs has ordered."""
        return self.filter(
            Q(request_id=request_id) & ~Q(request_id="") | Q(trace_id=request_id) & ~Q(trace_id="")
        )

    def codes(self) -> list[str]:
        """Every code that is on record, by jumping from one to the next along their index."""
        with connection.cursor() as cursor:
            cursor.execute(_CODES)
            return [code for (code,) in cursor.fetchall() if code is not None]

    def around(self, batch: Batch) -> Self:
        """All tries of ``batch``, of the batch that it is a half of and of its own halves, as they were made."""
        kin = Q(batch=batch) | Q(batch__half_of=batch)
        if batch.half_of_id is not None:
            kin |= Q(batch=batch.half_of_id)
        return self.filter(kin).in_order_made()

    def finish(  # noqa: PLR0913 - what an outcome consists of
        self,
        pk: int,
        *,
        state: AttemptState,
        people_state: InviteeState,
        finished_at: datetime,
        duration_ms: int | None = None,
        http_status: int | None = None,
        error_code: str = "",
        error_message: str = "",
        request_id: str = "",
        response_excerpt: str = "",
    ) -> bool:
        """Writes the outcome of a started attempt; False where it is finished already and so was left alone."""
        parameters: dict[str, str | int | None] = {
            "pk": pk,
            "started": AttemptState.STARTED.value,
            "state": state.value,
            "people_state": people_state.value,
            "finished_at": connection.ops.adapt_datetimefield_value(finished_at),
            "duration_ms": duration_ms,
            "http_status": http_status,
            "error_code": error_code,
            "error_message": error_message,
            "request_id": request_id,
            "response_excerpt": response_excerpt,
        }
        with connection.cursor() as cursor:
            cursor.execute(_FINISH, parameters)
            return bool(cursor.rowcount)


class Attempt(models.Model):
    """One ``POST …/users/invite``: which people, when, and what came back.

    ``number`` counts the tries of its batch from 1; ``duration_ms`` is from the claim to the answer;
    ``response_excerpt`` holds at most 2,000 characters of the answer, free of tokens.
    """

    invitation = models.ForeignKey(
        Invitation, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("invitation")
    )
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, related_name="attempts", verbose_name=_("batch")
    )
    number = models.PositiveSmallIntegerField(_("try"))
    state = models.CharField(_("outcome"), max_length=16, choices=AttemptState, default=AttemptState.STARTED)
    people = models.PositiveSmallIntegerField(_("people"))
    # DingTalk answers for a call as a whole, so an attempt leaves all of its people in one state.
    people_state = models.CharField(
        _("state of the people"), max_length=16, choices=InviteeState, default=InviteeState.SENDING
    )
    started_at = models.DateTimeField(_("started at"))
    deadline = models.DateTimeField(_("deadline"))
    finished_at = models.DateTimeField(_("finished at"), null=True)
    duration_ms = models.PositiveIntegerField(_("duration in ms"), null=True)
    http_status = models.PositiveSmallIntegerField(_("HTTP status"), null=True)
    error_code = models.CharField(_("error code"), max_length=128, blank=True)
    error_message = models.TextField(_("message"), blank=True)
    request_id = models.CharField(_("request id"), max_length=128, blank=True)
    response_excerpt = models.TextField(_("beginning of the answer"), blank=True)
    invitees = models.ManyToManyField(Invitee, through="AttemptInvitee", related_name="attempts")
    # What the history is searched by, as it was when the call was made; indexes below lead with each.
    conference = models.ForeignKey(
        Conference,
        on_delete=models.PROTECT,
        related_name="attempts",
        db_index=False,
        verbose_name=_("conference"),
    )
    app = models.ForeignKey(
        App, on_delete=models.PROTECT, related_name="attempts", db_index=False, verbose_name=_("DingTalk app")
    )
    # Whoever pressed, or set the time; nobody for the command line.
    organizer = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="attempts",
        db_index=False,
        verbose_name=_("organizer"),
    )
    channels = models.CharField(_("channels"), max_length=16, choices=Channels)
    # By the clock of the installation: the day with which it is sealed and counted.
    day = models.DateField(_("day"))
    # Of the request in which somebody pressed, as log lines carry it; "" where nobody did.
    trace_id = models.CharField(_("request in our logs"), max_length=64, blank=True)
    salt = models.BinaryField(max_length=SALT_BYTES, default=new_salt)
    # What sealed days know of message and answer where these were erased.
    texts_digest = models.BinaryField(max_length=32, null=True)

    objects = AttemptQuerySet.as_manager()
    # In rows of the history.
    first_people: list[Named]

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = (
            models.UniqueConstraint(fields=["batch", "number"], name="attempt_number_once_per_batch"),
            models.CheckConstraint(condition=Q(state__in=AttemptState.values), name="attempt_state_is_known"),
            models.CheckConstraint(
                condition=Q(people_state__in=InviteeState.values), name="attempt_people_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=AttemptState.STARTED, finished_at__isnull=True)
                | (~Q(state=AttemptState.STARTED) & Q(finished_at__isnull=False)),
                name="attempt_finished_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[AttemptState.STARTED, AttemptState.SUCCEEDED], error_code="")
                | (Q(state__in=[AttemptState.FAILED, AttemptState.UNKNOWN]) & ~Q(error_code="")),
                name="attempt_code_fits_state",
            ),
        )
        indexes = (
            models.Index(
                fields=["deadline"], condition=Q(state=AttemptState.STARTED), name="attempt_started"
            ),
            models.Index(fields=["day"], name="attempt_by_day"),
            # The history is read newest first, by whatever it is narrowed to.
            models.Index(fields=["-started_at", "-id"], name="attempt_newest"),
            models.Index(fields=["conference", "-started_at", "-id"], name="attempt_of_conference"),
            models.Index(fields=["organizer", "-started_at", "-id"], name="attempt_of_organizer"),
            models.Index(fields=["app", "-started_at", "-id"], name="attempt_of_app"),
            models.Index(fields=["channels", "-started_at", "-id"], name="attempt_by_channels"),
            # Nearly all succeed: those are found by their time.
            models.Index(
                fields=["state", "-started_at", "-id"],
                condition=~Q(state=AttemptState.SUCCEEDED),
                name="attempt_by_state",
            ),
            models.Index(
                fields=["error_code", "-started_at", "-id"],
                condition=~Q(error_code=""),
                name="attempt_by_code",
            ),
            # The few that were not taken, apart from the thousands of the same people that were.
            models.Index(fields=["id", "state"], condition=Q(state__in=NOT_TAKEN), name="attempt_not_taken"),
            *(
                models.Index(
                    fields=[whose, "-started_at", "-id", "state"],
                    condition=Q(state__in=NOT_TAKEN),
                    name=f"attempt_not_taken_{whose}",
                )
                for whose in ("organizer", "conference")
            ),
            *(
                models.Index(
                    fields=[whose, "error_code", "-started_at", "-id"],
                    condition=~Q(error_code=""),
                    name=f"attempt_code_{whose}",
                )
                for whose in ("organizer", "conference")
            ),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="attempt_by_request"),
            models.Index(fields=["trace_id"], condition=~Q(trace_id=""), name="attempt_by_trace"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"

    @property
    def is_under_way(self) -> bool:
        """Whether its answer is still awaited."""
        return self.state == AttemptState.STARTED

    @property
    def seconds(self) -> float | None:
        """How long it took, None while it is under way."""
        return None if self.duration_ms is None else self.duration_ms / 1000

    @property
    def people_not_named(self) -> int:
        """How many people are left where a row of the history names the first few."""
        return max(0, self.people - NAMES_IN_A_ROW)
