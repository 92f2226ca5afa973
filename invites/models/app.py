"""DingTalk apps: the credentials with which the API is called, and what they may do and hear."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.encryption import EncryptedTextField, UndecryptableError
from invites.models.on_record import OnRecord


class AppKind(models.TextChoices):
    """Where an app's access token comes from."""

    ENVIRONMENT = "environment", _("From the environment")
    SANDBOX = "sandbox", _("Sandbox")
    INTERNAL = "internal", _("Internal app")
    THIRD_PARTY = "third_party", _("Third-party enterprise app")
    FIXED_TOKEN = "fixed_token", _("Fixed token")


class EventMode(models.TextChoices):
    """How an app hears of what happens in DingTalk."""

    NONE = "none", _("Not at all: meetings are read while somebody looks")
    STREAM = "stream", _("Through the Stream connection")
    CALLBACK = "callback", _("Through an HTTP callback")


# The apps that the settings describe.
OF_SETTINGS = (AppKind.ENVIRONMENT, AppKind.SANDBOX)
# Those whose credentials are kept here and hold a secret that can be changed while they call.
WITH_SECRET = (AppKind.INTERNAL, AppKind.THIRD_PARTY)
# Events count as coming for so long after the process that holds the connection was last heard of, which says so every
# ten seconds; through a callback, which nobody holds, after the last event. Later than that meetings are read again.
STREAM_FRESH = timedelta(seconds=40)
CALLBACK_FRESH = timedelta(minutes=2)
NOTED_EVERY = timedelta(seconds=10)
# A connection that has been gone for longer is somebody's to look after.
SILENT_AFTER = timedelta(minutes=2)
# What the standard edition of DingTalk grants: calls a second for each app and operation, calls a month.
CALLS_PER_SECOND = 20
MOST_CALLS_PER_SECOND = 500
MONTHLY_QUOTA = 5000
# A directory that refused to tell who somebody is is not asked again for so long.
LOOKUP_REFUSED_FOR = timedelta(days=1)
# What DingTalk has refused, and what is tried again once somebody saves the app.
REFUSALS = ("largest_batch", "lookup_refused_at")
# The fields that are encrypted, and that no page may show.
SECRETS = (
    *("client_secret", "next_client_secret", "suite_ticket", "access_token"),
    *("event_token", "event_aes_key"),
)


class AppQuerySet(models.QuerySet["App"]):
    """Queries over apps."""

    def usable(self) -> Self:
        """Those that are switched on and, where the settings hold the credentials, have any at present."""
        missing = []
        if settings.DINGTALK is None:
            missing.append(AppKind.ENVIRONMENT)
        if not settings.DINGTALK_SANDBOX_URL:
            missing.append(AppKind.SANDBOX)
        return self.filter(enabled=True).exclude(kind__in=missing)

    def who_may_sign_people_in(self, *, chosen: int | None) -> Self:
        """Those through which people may sign in, and the ``chosen`` one also where it has been switched off since:
        the others have no client id and secret of their own.
        """
        fit = [AppKind.ENVIRONMENT, AppKind.SANDBOX, AppKind.INTERNAL]
        return self.usable().filter(kind__in=fit) | self.filter(pk__in=[] if chosen is None else [chosen])

    def real(self) -> Self:
        """All but the sandbox: through these real people are called."""
        return self.exclude(kind=AppKind.SANDBOX)

    def not_resting(self) -> Self:
        """Those that need not leave DingTalk alone at present."""
        return self.exclude(rests_until__gt=timezone.now())

    def resting(self) -> Self:
        """Those that leave DingTalk alone for a while, because it asked for that."""
        return self.filter(rests_until__gt=timezone.now())

    def lock_that_of(self, invitation_id: int) -> "App":
        """The app of an invitation, locked until the transaction ends.

        Whoever changes many batches at once takes this lock first, so that two of them never wait for each other.
        """
        of_invitation = self.filter(conferences__invitations=invitation_id)
        return of_invitation.select_for_update(no_key=True, of=("self",)).get()

    def rests_until(self, pk: int) -> datetime | None:
        """Until when nothing may be sent through one app, if it has to rest."""
        return self.values_list("rests_until", flat=True).get(pk=pk)

    def let_rest(self, pk: int, *, until: datetime) -> None:
        """Nothing is sent through one app before ``until``, nor before what was said earlier if that is later."""
        not_later = Q(rests_until__isnull=True) | Q(rests_until__lt=until)
        self.filter(not_later, pk=pk).update(rests_until=until)

    def note_largest_batch(self, pk: int, *, people: int) -> None:
        """DingTalk has refused more people in one call of one app, and taken so many."""
        self.filter(pk=pk, batch_size__gt=people).update(largest_batch=people)

    def note_lookup_refused(self, pk: int) -> None:
        """The directory does not tell one app who somebody is."""
        self.filter(pk=pk).update(lookup_refused_at=timezone.now())

    def note_event(self, pk: int) -> None:
        """An event of one app came just now. Written every few seconds at most: others work with the row, too."""
        now = timezone.now()
        self.filter(pk=pk).exclude(event_seen_at__gt=now - NOTED_EVERY).update(event_seen_at=now)

    def note_stream(self, keys: Collection[int]) -> None:
        """The Stream connection of these apps stands at this moment."""
        self.filter(pk__in=keys).update(stream_seen_at=timezone.now())

    def note_ticket(self, pk: int, ticket: str, *, born_at: datetime) -> bool:
        """Keeps the suite ticket that DingTalk has issued for one app; False where it has a later one."""
        rows = self.filter(pk=pk).exclude(suite_ticket_at__gt=born_at)
        return bool(rows.update(suite_ticket=ticket, suite_ticket_at=born_at))

    def hearing_by(self, mode: EventMode) -> Self:
        """Those that hear of what happens in this way: as the settings say where they describe the app."""
        of_settings = Q(kind__in=OF_SETTINGS)
        wanted = ~of_settings & Q(event_mode=mode)
        return self.filter(wanted | of_settings if mode == settings.DINGTALK_EVENTS else wanted)

    def names(self) -> dict[int, str]:
        """What each is called."""
        return dict(self.values_list("pk", "name"))

    def without_secrets(self) -> Self:
        """Without what would have to be decrypted, where nobody is called."""
        return self.defer(*SECRETS)

    def with_quota_alone(self) -> Self:
        """What each is called, whether it is the sandbox, and its quota: nothing else of it, for every page asks."""
        return self.only("name", "kind", "monthly_quota")

    def with_last_answer(self, newest: "models.QuerySet[Any]") -> Self:
        """With ``answered_at`` and ``answer_code`` of the last answer to each, the first of ``newest`` for one app."""
        return self.annotate(
            answered_at=models.Subquery(newest.values("started_at")[:1]),
            answer_code=models.Subquery(newest.values("error_code")[:1]),
        )

    def with_secret_to_change(self) -> Self:
        """Those with a secret that can be changed while they call."""
        return self.filter(kind__in=WITH_SECRET)

    def tested(self) -> Self:
        """Those that somebody has tested."""
        return self.filter(check_made__isnull=False)

    def with_check(self) -> Self:
        """With what the last test of each has shown."""
        return self.select_related("check_made__checked_by")

    def in_order(self) -> Self:
        """By name."""
        return self.order_by("name")

    def with_calls_spent(self, month: date) -> Self:
        """With ``calls_spent``: how many calls each has taken from the quota of ``month``."""
        taken = Q(call_counts__month=month, call_counts__is_exempt=False)
        return self.annotate(calls_spent=Coalesce(Sum("call_counts__calls", filter=taken), 0))

    def stored_secrets(self, pk: int) -> set[str]:
        """Which of the secrets of one app (none yet: ``pk`` is None) have a value, told without opening any."""
        stored = self.filter(pk=pk).values(*SECRETS).first() or {}
        return {name for name, closed in stored.items() if closed}


class App(OnRecord):
    """A DingTalk app.

    The rows of kinds ``environment`` and ``sandbox`` carry no credentials and no host: both are read from the
    settings at every start, so that neither can ever be pointed elsewhere from inside the database.
    """

    name = models.CharField(_("name"), max_length=80, unique=True)
    kind = models.CharField(_("kind"), max_length=16, choices=AppKind)
    base_url = models.URLField(_("host"), blank=True)
    client_id = models.CharField(_("client id or suite key"), max_length=128, blank=True)
    client_secret = EncryptedTextField(_("client secret or suite secret"), blank=True)
    auth_corp_id = models.CharField(_("authorised corp id"), max_length=128, blank=True)
    suite_ticket = EncryptedTextField(_("suite ticket"), blank=True)
    access_token = EncryptedTextField(_("fixed token"), blank=True)
    # Already entered, and used as soon as DingTalk does not take the other one any more.
    next_client_secret = EncryptedTextField(_("next secret"), blank=True, db_default="")
    suite_ticket_at = models.DateTimeField(null=True, editable=False)
    event_mode = models.CharField(
        _("events"), max_length=16, choices=EventMode, default=EventMode.NONE, db_default=EventMode.NONE
    )
    event_token = EncryptedTextField(_("token of the callback"), blank=True, db_default="")
    event_aes_key = EncryptedTextField(_("AES key of the callback"), blank=True, db_default="")
    # The process that holds the Stream connection says so every few seconds; an event says so too.
    stream_seen_at = models.DateTimeField(null=True, editable=False)
    event_seen_at = models.DateTimeField(null=True, editable=False)
    default_country = models.CharField(_("default country"), max_length=2, default="CN")
    batch_size = models.PositiveSmallIntegerField(_("people per call"), default=100)
    halve_refused_batches = models.BooleanField(
        _("find unknown people by halving"),
        default=True,
        help_text=_("When DingTalk does not know somebody in a batch, invite the others in smaller batches."),
    )
    looks_up_unknown_people = models.BooleanField(
        _("look up unknown people"),
        default=True,
        help_text=_("Ask DingTalk's directory, which costs none of the quota, who in a batch is unknown."),
    )
    # The directory refused to tell: it is not asked again for a while.
    lookup_refused_at = models.DateTimeField(null=True, editable=False)
    # DingTalk refused more people than this in one call, and took as many.
    largest_batch = models.PositiveSmallIntegerField(null=True, editable=False)
    calls_per_second = models.PositiveSmallIntegerField(
        _("calls per second"),
        default=CALLS_PER_SECOND,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_CALLS_PER_SECOND)],
        help_text=_("DingTalk allows 20 a second for each operation in the standard edition."),
    )
    monthly_quota = models.PositiveIntegerField(
        _("calls per month"),
        default=MONTHLY_QUOTA,
        help_text=_(
            "What DingTalk grants the organisation: 5,000 in the standard edition, for all its apps together. Calls of "
            "its other apps count too and are not seen here. 0 means no limit."
        ),
    )
    quiet_from = models.TimeField(
        _("quiet from"), null=True, blank=True, help_text=_("Nobody is rung again by itself from then on …")
    )
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True, help_text=_("… until then."))
    enabled = models.BooleanField(_("enabled"), default=True)
    # DingTalk has shut this server's address out until then; what is sent meanwhile waits.
    rests_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AppQuerySet.as_manager()
    # Of a row that comes with it.
    calls_spent: int
    answered_at: datetime | None
    answer_code: str | None

    class Meta:
        ordering = ("name",)
        verbose_name = _("DingTalk app")
        verbose_name_plural = _("DingTalk apps")
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=AppKind.values), name="app_kind_is_known"),
            models.CheckConstraint(condition=~Q(name=""), name="app_has_name"),
            models.CheckConstraint(
                condition=Q(event_mode__in=EventMode.values), name="app_event_mode_is_known"
            ),
            models.CheckConstraint(condition=Q(batch_size__range=(1, 500)), name="app_batch_size_1_to_500"),
            models.CheckConstraint(
                condition=Q(calls_per_second__range=(1, MOST_CALLS_PER_SECOND)),
                name="app_calls_per_second_fit",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="app_quiet_hours_have_both_ends",
                violation_error_message=_("Quiet hours need a beginning and an end."),
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(kind__in=[AppKind.ENVIRONMENT, AppKind.SANDBOX]),
                name="app_environment_and_sandbox_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=[AppKind.ENVIRONMENT, AppKind.SANDBOX])
                | Q(
                    base_url="",
                    client_id="",
                    client_secret="",
                    auth_corp_id="",
                    suite_ticket="",
                    access_token="",
                ),
                name="app_of_settings_holds_no_credentials",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def may_look_up(self) -> bool:
        """Whether the directory can be asked who is unknown: not where it has refused to tell lately."""
        return self.looks_up_unknown_people and not self.lookup_is_refused

    @property
    def lookup_is_refused(self) -> bool:
        """Whether the directory has refused to tell who is unknown, not long ago."""
        refused_at = self.lookup_refused_at
        return refused_at is not None and timezone.now() - refused_at <= LOOKUP_REFUSED_FOR

    @property
    def lost_secrets(self) -> list[str]:
        """What the stored secrets are called that no configured key opens."""
        return [str(self._meta.get_field(name).verbose_name) for name in self.lost_secret_fields]  # type: ignore[union-attr]

    @property
    def lost_secret_fields(self) -> list[str]:
        """In which fields they stand."""
        lost = []
        for name in SECRETS:
            try:
                getattr(self, name)
            except UndecryptableError:
                lost.append(name)
        return lost

    def switch(self, *, on: bool) -> None:
        """Lets calls through the app, or none any more."""
        self.enabled = on
        self.save(update_fields=["enabled"])

    def forget_next_secret(self) -> None:
        """Drops the next secret, whether or not a key opens it."""
        self.next_client_secret = ""
        self.save(update_fields=["next_client_secret"])

    def forget_refusals(self) -> None:
        """Drops what DingTalk has refused, to be saved by the caller, so that it is tried again."""
        self.largest_batch = self.lookup_refused_at = None

    @property
    def people_per_call(self) -> int:
        """How many people go into one call: as configured, or fewer where DingTalk has refused so many."""
        return min(self.batch_size, self.largest_batch or self.batch_size)

    @property
    def country(self) -> str:
        """The country, two capital letters, in which this app's phone numbers are written without a country code."""
        if self.kind in OF_SETTINGS:
            return str(settings.DINGTALK_DEFAULT_COUNTRY)
        return self.default_country

    @property
    def hears_by(self) -> EventMode:
        """How events come: as the settings say where they describe the app."""
        return EventMode(settings.DINGTALK_EVENTS if self.kind in OF_SETTINGS else self.event_mode)

    @property
    def hears_now(self) -> bool:
        """Whether what happens in DingTalk is told to us at this moment, so that it need not be asked for."""
        match self.hears_by:
            case EventMode.STREAM:
                return self.stream_seen_at is not None and timezone.now() - self.stream_seen_at < STREAM_FRESH
            case EventMode.CALLBACK:
                return self.event_seen_at is not None and timezone.now() - self.event_seen_at < CALLBACK_FRESH
        return False

    @property
    def is_silent(self) -> bool:
        """Whether its Stream connection has not stood for a while though it should.

        What the settings describe counts only where it has ever stood: nobody has asked for it by name.
        """
        if self.hears_by != EventMode.STREAM:
            return False
        since = self.stream_seen_at
        if since is None:
            if self.kind in OF_SETTINGS:
                return False
            since = self.created_at
        return timezone.now() - since > SILENT_AFTER

    def end_of_quiet_hours(self, moment: datetime) -> datetime | None:
        """When the quiet hours end in which ``moment`` lies, by the clock of this server; None outside of them.

        They may go over midnight. Their beginning belongs to them, their end does not.
        """
        if self.quiet_from is None or self.quiet_until is None or self.quiet_from == self.quiet_until:
            return None
        local = moment.astimezone(timezone.get_default_timezone())
        now, begins, ends = local.time(), self.quiet_from, self.quiet_until
        over_midnight = ends < begins
        if not (now >= begins or now < ends if over_midnight else begins <= now < ends):
            return None
        day = local.date() + timedelta(days=over_midnight and now >= begins)
        return datetime.combine(day, ends, tzinfo=local.tzinfo)

    @property
    def is_sandbox(self) -> bool:
        """Whether calls through this app reach the sandbox, where nobody real is called."""
        return self.kind == AppKind.SANDBOX
