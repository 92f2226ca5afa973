"""`manage.py prepare`: what it brings up to date, what it says, and that a second time it has nothing to do."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from dashboard.environment import DingTalkEnvironment
from invites.models import App, User
from invites.models.app import AppKind
from invites.models.user import Role
from tests.factories import UserFactory

SANDBOX_URL = "http://127.0.0.1:9"
REAL_APP = DingTalkEnvironment(base_url="https://api.dingtalk.io", access_token="token")


def prepare() -> str:
    """Prepares, and returns what was said."""
    said = StringIO()
    call_command("prepare", stdout=said)
    return said.getvalue()


@pytest.fixture(autouse=True)
def no_static_files(settings: Settings) -> None:
    """They are the business of one class only."""
    settings.DEBUG = True


@pytest.mark.django_db
class TestApps:
    """The rows for what the environment describes, and who may sign in beside them."""

    def test_sandbox_comes_with_a_demonstration_once(self, settings: Settings) -> None:
        settings.DINGTALK_SANDBOX_URL = SANDBOX_URL
        assert prepare() == "Demo data has been loaded.\n"
        assert App.objects.get().kind == AppKind.SANDBOX
        users = User.objects.count()
        assert prepare() == ""
        assert User.objects.count() == users

    def test_real_app_comes_with_nothing_but_its_row(self, settings: Settings) -> None:
        settings.DINGTALK = REAL_APP
        assert "There is no administrator yet" in prepare()
        app = App.objects.get()
        assert app.kind == AppKind.ENVIRONMENT
        assert (app.access_token, app.client_id, app.base_url) == ("", "", "")
        assert not User.objects.exists()

    def test_real_app_after_a_demonstration_shuts_its_users_out(self, settings: Settings) -> None:
        settings.DINGTALK_SANDBOX_URL = SANDBOX_URL
        prepare()
        settings.DINGTALK, settings.DINGTALK_SANDBOX_URL = REAL_APP, ""
        said = prepare()
        assert "demo users can no longer sign in" in said
        assert "There is no administrator yet" in said
        assert not User.objects.filter(is_active=True).exists()

    def test_nobody_is_asked_where_an_administrator_is(self, settings: Settings) -> None:
        settings.DINGTALK = REAL_APP
        UserFactory(role=Role.ADMINISTRATOR)
        assert prepare() == ""

    def test_demonstration_never_joins_people_who_are_there(self, settings: Settings) -> None:
        UserFactory(role=Role.ADMINISTRATOR)
        settings.DINGTALK_SANDBOX_URL = SANDBOX_URL
        assert prepare() == ""
        assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestDatabase:
    """Steps that are missing."""

    def test_missing_step_is_taken_and_said(self) -> None:
        UserFactory(role=Role.ADMINISTRATOR)
        call_command("migrate", "sessions", "zero", verbosity=0)
        assert "django_session" not in connection.introspection.table_names()
        assert "Preparing the database …" in prepare()
        assert "django_session" in connection.introspection.table_names()
        assert prepare() == ""


@pytest.mark.django_db
class TestStaticFiles:
    """They are collected when one of them has changed, and not otherwise."""

    def test_they_are_collected_once_and_again_after_a_change(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        UserFactory(role=Role.ADMINISTRATOR)
        source = tmp_path / "source"
        source.mkdir()
        (source / "app.css").write_text("a {}", encoding="ascii")
        settings.DEBUG = False
        settings.STATIC_ROOT = str(tmp_path / "static")
        settings.STATICFILES_DIRS = [source]
        settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
        settings.STORAGES = settings.STORAGES | {
            "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
        }

        def collected() -> list[str]:
            return sorted(path.name for path in (tmp_path / "static").glob("app.*.css"))

        assert prepare() == "Preparing the static files …\n"
        first = collected()
        assert len(first) == 1
        assert prepare() == ""
        (source / "app.css").write_text("a { color: red }", encoding="ascii")
        assert prepare() == "Preparing the static files …\n"
        assert len(collected()) == 1
        assert collected() != first
