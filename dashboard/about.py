"""What runs here, for administrators: versions, database, background work. Must not tell any secret."""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from platform import python_version

import django
from django.conf import settings
from django.db import connection

from dashboard.about_events import AboutEvents, all_about_events
from invites.models import Worker


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
