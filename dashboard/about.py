"""What runs here, for administrators: versions, database, background work, apps. Must not tell any secret."""

import tomllib
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from platform import python_version

import django
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from dashboard.about_events import AboutEvents, all_about_events
from dashboard.environment import INTERNATIONAL_HOST
from invites.models import App, CallCount, Worker
from invites.models.app import AppKind
from invites.models.spending import Spending, quota_month


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutApp:
    """A DingTalk app as far as everybody may read it aloud. ``host`` is "" where the settings name none at present.

    ``charged`` and ``exempt`` are its calls of the ``month``, by operation: those taken from the quota and the others.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutInstallation:
    """What was installed and whether it works. ``worker_seen_at`` is None where no worker has ever reported."""

    version: str
    python: str
    django: str
    database: str
    tasks_backend: str
    workers: int
    worker_seen_at: datetime | None
    sandbox_url: str
    events: tuple[AboutEvents, ...]


def apps() -> list[AboutApp]:
    """What there is to know of all apps without their credentials, and what each has called this month."""
    month = quota_month()
    counts = defaultdict(list)
    for count in CallCount.objects.in_month(month).most_first():
        counts[count.app_id].append(count)
    return [_app(row, month, counts[row.pk]) for row in App.objects.in_order()]


def _app(row: App, month: date, counts: list[CallCount]) -> AboutApp:
    kind, host = _kind_and_host(row)
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
    )


def installation() -> AboutInstallation:
    """The versions of what runs here, and how its workers are."""
    version = ".".join(map(str, connection.get_database_version()))
    return AboutInstallation(
        version=product_version(),
        python=python_version(),
        django=django.get_version(),
        database=f"{connection.display_name} {version}",
        tasks_backend=str(settings.TASKS["default"]["BACKEND"]),
        workers=Worker.objects.alive().count(),
        worker_seen_at=Worker.objects.last_seen_at(),
        sandbox_url=settings.DINGTALK_SANDBOX_URL,
        events=tuple(all_about_events()),
    )


@cache
def product_version() -> str:
    """The version of this product, as `pyproject.toml` has it."""
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


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
