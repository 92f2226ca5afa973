"""What there is to know of DingTalk apps, for administrators. Must not tell any secret."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from dashboard.environment import INTERNATIONAL_HOST
from invites import diagnosing
from invites.models import App, AppCheck, CallCount
from invites.models.app import AppKind, AppQuerySet
from invites.models.spending import Spending, quota_month


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutApp:
    """A DingTalk app as far as everybody may read it aloud. ``host`` is "" where the settings name none at present.

    ``charged`` and ``exempt`` are its calls of the ``month``, by operation: those taken from the quota and the others.
    A test of it has so many ``steps``; ``check`` is the last one, outdated where it was of other settings.
    """

    pk: int
    name: str
    kind: StrOrPromise
    host: str
    country: str
    people_per_call: int
    enabled: bool
    is_sandbox: bool
    lookup_refused_at: datetime | None
    month: date
    spending: Spending
    charged: tuple[CallCount, ...]
    exempt: tuple[CallCount, ...]
    check: AppCheck | None
    check_is_outdated: bool
    steps: int
    lost_secrets: tuple[str, ...]

    @property
    def problems(self) -> int:
        """How many steps of the last test have found something."""
        return sum(bool(line["code"]) for line in self.check.lines) if self.check else 0


def about_apps(apps: AppQuerySet) -> list[AboutApp]:
    """What there is to know of ``apps`` without their credentials, and what each has called this month."""
    month = quota_month()
    counts = defaultdict(list)
    for count in CallCount.objects.in_month(month).most_first():
        counts[count.app_id].append(count)
    return [_app(row, month, counts[row.pk]) for row in apps.in_order().with_check()]


def about_app(app: App) -> AboutApp:
    """The same of one ``app``, which comes with its check."""
    month = quota_month()
    return _app(app, month, list(CallCount.objects.of(app, month=month).most_first()))


def _app(row: App, month: date, counts: list[CallCount]) -> AboutApp:
    kind, host = _kind_and_host(row)
    check: AppCheck | None = getattr(row, "check_made", None)
    charged = tuple(count for count in counts if not count.is_exempt)
    return AboutApp(
        pk=row.pk,
        name=row.name,
        kind=kind,
        host=host,
        country=row.country,
        people_per_call=row.people_per_call,
        enabled=row.enabled,
        is_sandbox=row.is_sandbox,
        lookup_refused_at=row.lookup_refused_at if row.lookup_is_refused else None,
        month=month,
        spending=Spending(app=row, quota=row.monthly_quota, spent=sum(count.calls for count in charged)),
        charged=charged,
        exempt=tuple(count for count in counts if count.is_exempt),
        check=check,
        check_is_outdated=check is not None and diagnosing.is_outdated(row, check),
        steps=len(diagnosing.operations_of(row)),
        lost_secrets=tuple(row.lost_secrets),
    )


def _kind_and_host(row: App) -> tuple[StrOrPromise, str]:
    if row.kind == AppKind.SANDBOX:
        return _("Sandbox: nobody real is called"), settings.DINGTALK_SANDBOX_URL
    if row.kind != AppKind.ENVIRONMENT:
        return AppKind(row.kind).label, row.base_url or INTERNATIONAL_HOST
    described = settings.DINGTALK
    if described is None:
        return _("From the environment: not described there at present"), ""
    if described.access_token:
        return _("From the environment: fixed token"), described.base_url
    return _("From the environment: internal app"), described.base_url
