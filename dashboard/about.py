"""What runs here, for administrators: versions, database, background work, apps. Must not tell any secret."""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from platform import python_version

import django
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from dashboard.environment import INTERNATIONAL_HOST
from invites.models import App, Worker
from invites.models.app import AppKind

USERS_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutApp:
    """A DingTalk app as far as everybody may read it aloud. ``host`` is "" where the settings name none at present."""

    pk: int
    name: str
    kind: StrOrPromise
    host: str
    country: str
    batch_size: int
    enabled: bool
    is_sandbox: bool


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


def app(row: App) -> AboutApp:
    """What there is to know of an app without its credentials."""
    kind, host = _kind_and_host(row)
    return AboutApp(
        pk=row.pk,
        name=row.name,
        kind=kind,
        host=host,
        country=row.country,
        batch_size=row.batch_size,
        enabled=row.enabled,
        is_sandbox=row.is_sandbox,
    )


def installation() -> AboutInstallation:
    """The versions of what runs here, and how its workers are."""
    version = ".".join(map(str, connection.get_database_version()))
    return AboutInstallation(
        version=product_version(),
        python=python_version(),
        django=django.get_version(),
        database=f"{connection.display_name} {version}",
        tasks_backend=settings.TASKS["default"]["BACKEND"],
        workers=Worker.objects.alive().count(),
        worker_seen_at=Worker.objects.last_seen_at(),
        sandbox_url=settings.DINGTALK_SANDBOX_URL,
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
