"""What calls to DingTalk are spent on, and how they are spaced."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.app import App

# The organisation's month is DingTalk's.
QUOTA_ZONE = ZoneInfo("Asia/Shanghai")

# From this share of the month's calls on, people are warned.
NEARLY_USED_UP = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """How many calls of a month's ``quota`` an app has ``spent``; a quota of 0 is no limit."""

    app: App
    quota: int
    spent: int

    @property
    def warns_from(self) -> int:
        """From how many calls on the quota counts as nearly used up."""
        return int(self.quota * NEARLY_USED_UP)

    @property
    def left(self) -> int:
        """How many calls are left."""
        return max(0, self.quota - self.spent)

    @property
    def is_nearly_used_up(self) -> bool:
        """Whether people should know that few calls are left, or none."""
        return bool(self.quota) and self.spent >= self.warns_from

    @property
    def is_used_up(self) -> bool:
        """Whether no call is left."""
        return bool(self.quota) and self.spent >= self.quota


def quota_month(at: datetime | None = None) -> date:
    """The first day of the month whose quota a call at ``at`` (now by default) is taken from."""
    return (at or timezone.now()).astimezone(QUOTA_ZONE).date().replace(day=1)


def spending_of(app: App) -> Spending:
    """What one app has spent of this month's quota."""
    spent = CallCount.objects.of(app).spent() if app.monthly_quota else 0
    return Spending(app=app, quota=app.monthly_quota, spent=spent)


def spending_of_apps() -> list[Spending]:
    """What the usable apps have spent of this month's quota each, in one query."""
    apps = App.objects.usable().with_calls_spent(quota_month()).with_quota_alone().in_order()
    return [Spending(app=app, quota=app.monthly_quota, spent=app.calls_spent) for app in apps]


class CallCountQuerySet(models.QuerySet["CallCount"]):
    """Queries over counts of calls."""

    def of(self, app: App, *, month: date | None = None) -> Self:
        """Those of ``app`` in one month, this one by default."""
        return self.filter(app=app, month=month or quota_month())

    def in_month(self, month: date) -> Self:
        """Those of one month."""
        return self.filter(month=month)

    def totals(self) -> list[tuple[str, str, bool, int]]:
        """All calls that were ever counted: the name of the app, the operation, whether it is exempt, how many."""
        rows = self.order_by().values_list("app__name", "operation", "is_exempt")
        return list(rows.annotate(n=Sum("calls")))

    def most_first(self) -> Self:
        """The operations that were called most often first."""
        return self.order_by("-calls", "operation")

    def spent(self) -> int:
        """How many calls of these are taken from the quota."""
        return self.filter(is_exempt=False).aggregate(calls=Sum("calls"))["calls"] or 0


class CallCount(models.Model):
    """How many calls of one operation an app made in a month.

    ``operation`` is the API's name for it. Calls for tokens, sign-in and contacts are exempt from the quota (section 7
    of the API contract).
    """

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="call_counts")
    operation = models.CharField(_("operation"), max_length=64)
    month = models.DateField(_("month"))
    is_exempt = models.BooleanField(_("exempt"), default=False)
    calls = models.PositiveIntegerField(_("calls"), default=0)

    objects = CallCountQuerySet.as_manager()

    class Meta:
        verbose_name = _("count of calls")
        verbose_name_plural = _("counts of calls")
        constraints = (
            models.UniqueConstraint(fields=["app", "operation", "month"], name="call_count_once_a_month"),
        )

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.operation}: {self.calls}"


class PaceQuerySet(models.QuerySet["Pace"]):
    """Queries over what is counted."""

    def hold(self, key: str) -> "Pace":
        """The one with ``key``, made where there is none; nobody else changes it until the transaction ends."""
        held = None
        while held is None:
            # Of one that is there somebody else may take leave before it is ours.
            self.bulk_create([Pace(key=key)], ignore_conflicts=True)
            held = self.select_for_update().filter(key=key).first()
        return held

    def begun_before(self, moment: float, *, prefix: str) -> list[str]:
        """The keys that begin so, of those whose state begins with ``moment`` or an earlier one."""
        return list(self.filter(key__startswith=prefix, state__0__lte=moment).values_list("key", flat=True))


class Pace(models.Model):
    """How far ahead the calls of one kind are booked, in the form that the limiter's algorithm keeps it; and for
    `signing_in.failing` what it has counted.
    """

    key = models.CharField(max_length=64, primary_key=True)
    state = models.JSONField(default=list)

    objects = PaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.key
