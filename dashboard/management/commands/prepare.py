"""Brings everything that is stored up to date with the code and the environment. Safe to repeat at every start."""

import hashlib
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from invites import demo
from invites.connecting import ensure_apps
from invites.models import User
from invites.models.user import Role


class Command(BaseCommand):
    """``python manage.py prepare``: database, static files, apps, and who signs in first."""

    help = "Migrates, collects static files, registers the apps of the environment, sees that somebody can sign in."

    def handle(self, *args: Any, **options: Any) -> None:
        """Does what is missing and says so; where nothing is, it is quick and silent."""
        try:
            self._migrate()
        except OperationalError as error:
            raise CommandError(f"The database does not answer: {error}") from error
        if not settings.DEBUG:
            self._collect_static()
        ensure_apps()
        if withdrawn := demo.withdraw():
            self.stdout.write(f"DingTalk credentials are set: {withdrawn} demo users can no longer sign in.")
        if demo.load():
            self.stdout.write("Demo data has been loaded.")
        elif not User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exists():
            self._ask_for_administrator()

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        steps = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if steps:
            self.stdout.write("Preparing the database …")
            self.stdout.flush()
            call_command("migrate", interactive=False, verbosity=0)

    def _collect_static(self) -> None:
        """Hashes and compresses the static files, which takes seconds, only where one of them has changed."""
        marks = sorted(
            f"{path} {Path(storage.path(path)).stat().st_size} {Path(storage.path(path)).stat().st_mtime_ns}"
            for finder in get_finders()
            for path, storage in finder.list([])
        )
        fingerprint = hashlib.sha256("\n".join(marks).encode()).hexdigest()
        stamp = Path(settings.STATIC_ROOT).with_name("static.fingerprint")
        manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
        if manifest.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == fingerprint:
            return
        self.stdout.write("Preparing the static files …")
        self.stdout.flush()
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(fingerprint, encoding="ascii")

    def _ask_for_administrator(self) -> None:
        self.stdout.write("There is no administrator yet, so nobody can sign in.")
        if sys.stdin.isatty():
            self.stdout.write("Who is the first one?")
            call_command("createsuperuser")
            return
        self.stdout.write("Type this in a terminal to create one:")
        python = sys.executable.removeprefix(f"{Path.cwd()}/")
        self.stdout.write(f"  {python} manage.py createsuperuser")
