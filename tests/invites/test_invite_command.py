"""``manage.py invite``, as a script would use it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from dashboard.environment import DingTalkEnvironment
from invites.connecting import ensure_apps
from invites.dingtalk.sandbox import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SandboxServer
from invites.models import App, Attempt, CachedToken, Conference, Contact, Invitation
from invites.models.attempt import AttemptState
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ContactFactory,
    ContactGroupFactory,
    InvitationFactory,
    MarkedContactFactory,
)

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


# A conference of no demonstration: those cannot be reached through a real app.
RUNNING_CONFERENCE = "00112233445566778899aabb"


@pytest.fixture
def environment_app(settings: Settings) -> Any:
    """The app of the environment; its DingTalk is a sandbox server that nothing knows to be one."""
    with SandboxServer() as server:
        server.add_conference(conference_id=RUNNING_CONFERENCE)
        settings.DINGTALK = DingTalkEnvironment(
            base_url=server.base_url, client_id=SANDBOX_CLIENT_ID, client_secret=SANDBOX_CLIENT_SECRET
        )
        yield server


class Result:
    """What the command printed, as JSON, and its exit status."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        try:
            call_command("invite", *arguments)
            self.status = 0
        except SystemExit as leaving:
            self.status = int(leaving.code or 0)
        except CommandError as error:
            self.status, self.error = error.returncode, str(error)
        out = capsys.readouterr().out
        self.report: dict[str, Any] = json.loads(out) if out else {}

    @property
    def attempts(self) -> list[dict[str, Any]]:
        return self.report["attempts"]  # type: ignore[no-any-return]


class TestInvites:
    def test_report_says_what_became_of_everybody(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        result = Result(
            capsys,
            RUNNING_CONFERENCE,
            "--operator",
            "op1",
            "--user",
            "abc:张三",
            "--phone",
            "13800138000:李四",
        )
        assert result.status == 0
        assert result.report == {
            "invitation": Invitation.objects.get().pk,
            "state": "finished",
            "attempts": [
                {
                    "outcome": "succeeded",
                    "http_status": 200,
                    "error_code": None,
                    "error_message": None,
                    "request_id": None,
                    "invitees": [
                        {"channel": "union_id", "value": "abc", "nick": "张三", "state": "invited"},
                        {"channel": "phone", "value": "+8613800138000", "nick": "李四", "state": "invited"},
                    ],
                }
            ],
        }
        assert [call.operation for call in environment_app.received] == ["token", "invite"]

    def test_organizer_is_the_command_line(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        invitation = Invitation.objects.get()
        assert (invitation.sent_by, invitation.source) == (None, "command_line")
        assert invitation.conference.owner is None

    def test_same_person_twice_counts_once_and_nick_keeps_its_colons(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        result = Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A: the first", "--user", "abc:B")
        assert [p["nick"] for p in result.attempts[0]["invitees"]] == ["A: the first"]

    def test_throttled_call_is_repeated_and_listed(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment_app.add_fault("throttled")
        result = Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        assert result.status == 0
        assert [a["outcome"] for a in result.attempts] == ["failed", "succeeded"]
        assert [a["invitees"][0]["state"] for a in result.attempts] == ["pending", "invited"]

    @pytest.mark.parametrize(
        ("fault", "outcome", "code"),
        [("code:paramsError", "failed", "paramsError"), ("drop", "unknown", "connectionLost")],
    )
    def test_status_is_1_when_anybody_is_not_invited(
        self,
        environment_app: SandboxServer,
        capsys: pytest.CaptureFixture[str],
        fault: str,
        outcome: str,
        code: str,
    ) -> None:
        environment_app.add_fault(fault)
        result = Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        assert result.status == 1
        [attempt] = result.attempts
        assert (attempt["outcome"], attempt["error_code"]) == (outcome, code)
        assert attempt["invitees"][0]["state"] == outcome

    def test_group_is_invited_and_folds_with_the_same_person_by_phone(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Result(capsys, RUNNING_CONFERENCE, "--user", "first:F")
        book = AddressBookFactory(app=App.objects.get(), name="Staff")
        both = ContactFactory(book=book, union_id="both", phone_number="+8613800138000", nick="Both")
        phone = ContactFactory(book=book, union_id="", phone_number="+8613900139000", nick="Phone")
        ContactGroupFactory(book=book, name="Board").contacts.set([both, phone])
        result = Result(
            capsys, RUNNING_CONFERENCE, "--phone", "138 0013 8000:Typed", "--group", "Staff/Board"
        )
        people = [(p["value"], p["nick"]) for p in result.attempts[0]["invitees"]]
        assert people == [("+8613800138000", "Typed"), ("+8613900139000", "Phone")]

    def test_two_ways_to_call_a_person_of_the_group_count_once(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Result(capsys, RUNNING_CONFERENCE, "--user", "first:F")
        book = AddressBookFactory(app=App.objects.get(), name="Staff")
        both = ContactFactory(book=book, union_id="both", phone_number="+8613800138000", nick="Both")
        ContactGroupFactory(book=book, name="Board").contacts.set([both])
        result = Result(
            capsys,
            RUNNING_CONFERENCE,
            *("--user", "both:By id", "--phone", "13800138000:By phone", "--group", "Staff/Board"),
        )
        assert [p["value"] for p in result.attempts[0]["invitees"]] == ["both"]

    def test_attempt_of_a_killed_command_is_closed_by_the_next(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        past = timezone.now() - timedelta(minutes=1)
        AttemptFactory(
            state=AttemptState.STARTED, started_at=past, deadline=past, finished_at=None, duration_ms=None
        )
        Result(capsys, RUNNING_CONFERENCE, "--user", "def:B")
        assert not Attempt.objects.filter(state=AttemptState.STARTED).exists()

    def test_draft_of_the_web_page_is_left_alone(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        InvitationFactory(conference=Conference.objects.get())
        assert Result(capsys, RUNNING_CONFERENCE, "--user", "def:B").status == 0


@pytest.fixture
def marked(environment_app: SandboxServer) -> Contact:
    """Somebody in a private book who is not to be invited, in a group of it."""
    (app,) = ensure_apps()
    book = AddressBookFactory(app=app, name="Team")
    contact = MarkedContactFactory(book=book, nick="Kim", union_id="abc", phone_number="+8613800138000")
    ContactGroupFactory(book=book, name="Sales").contacts.add(contact)
    return contact


class TestDespiteDoNotInvite:
    def test_person_is_called_and_it_is_recorded(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str], marked: Contact
    ) -> None:
        arguments = ("--user", "lee:Lee", "--group", "Team/Sales", "--despite-do-not-invite")
        result = Result(capsys, RUNNING_CONFERENCE, *arguments)
        assert result.status == 0
        reasons = dict(Invitation.objects.get().invitees.values_list("nick", "overridden_reason"))
        assert reasons == {"Lee": "", "Kim": "On leave"}

    def test_many_who_are_marked_are_named_in_part(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str], marked: Contact
    ) -> None:
        people = MarkedContactFactory.create_batch(12, book=marked.book)
        result = Result(
            capsys, RUNNING_CONFERENCE, *(f"--user={person.union_id}:{person.nick}" for person in people)
        )
        assert (result.status, "2 more" in result.error) == (2, True)


class TestRefuses:
    @pytest.mark.parametrize(
        "arguments",
        [
            [RUNNING_CONFERENCE],
            [RUNNING_CONFERENCE, "--user", "abc"],
            [RUNNING_CONFERENCE, "--user", "abc: "],
            [RUNNING_CONFERENCE, "--user", ":A"],
            [RUNNING_CONFERENCE, "--user", "a bc:A"],
            [RUNNING_CONFERENCE, "--user", "abc:A\nB"],
            [RUNNING_CONFERENCE, "--user", f"abc:{'x' * 101}"],
            [RUNNING_CONFERENCE, "--phone", "12:A"],
            [RUNNING_CONFERENCE, "--phone", "not a number:A"],
            [RUNNING_CONFERENCE, "--group", "No/Such"],
            [RUNNING_CONFERENCE, "--operator", "o p", "--user", "abc:A"],
            [RUNNING_CONFERENCE, "--app", "No such app", "--user", "abc:A"],
            [RUNNING_CONFERENCE, "--user", "sandbox-person-01:Demo"],
            ["5a9db0c000000000000000a1", "--user", "abc:A"],
            ["a/b", "--user", "abc:A"],
            ["..", "--user", "abc:A"],
            ["q?x=1", "--user", "abc:A"],
            ["h#frag", "--user", "abc:A"],
            ["   ", "--user", "abc:A"],
            ["a\x07b", "--user", "abc:A"],
            ["", "--user", "abc:A"],
            ["c" * 129, "--user", "abc:A"],
            # What Python makes of bytes that are no UTF-8.
            ["a\udcffb", "--user", "abc:A"],
            [RUNNING_CONFERENCE, "--user", "\udcff:A"],
            [RUNNING_CONFERENCE, "--user", "abc:\udcff"],
            [RUNNING_CONFERENCE, "--group", "\udcff/Group"],
            [RUNNING_CONFERENCE, "--app", "\udcff", "--user", "abc:A"],
            [RUNNING_CONFERENCE, "--operator", "sandbox-person-01", "--user", "abc:A"],
        ],
    )
    def test_unusable_input_sends_and_stores_nothing(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str], arguments: list[str]
    ) -> None:
        result = Result(capsys, *arguments)
        assert (result.status, result.report) == (2, {})
        assert result.error
        assert not Invitation.objects.exists()
        assert not Conference.objects.exists()
        assert not App.objects.exists()
        assert environment_app.received == []

    @pytest.mark.parametrize("person", ["--user=abc:Kim", "--phone=13800138000:Kim", "--group=Team/Sales"])
    def test_whoever_is_marked_do_not_invite_makes_it_unusable(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str], marked: Contact, person: str
    ) -> None:
        result = Result(capsys, RUNNING_CONFERENCE, "--user", "lee:Lee", person)
        assert result.status == 2
        assert "Kim (On leave)" in result.error
        assert "--despite-do-not-invite" in result.error
        assert not Attempt.objects.exists()
        assert not Invitation.objects.exists()

    def test_locked_conference_gets_nobody(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        Conference.objects.update(locked_at=timezone.now())
        result = Result(capsys, RUNNING_CONFERENCE, "--user", "def:B")
        assert result.status == 2
        assert "locked" in result.error
        assert len(environment_app.invitations) == 1

    def test_without_any_app_it_says_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        result = Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        assert result.status == 2
        assert "DINGTALK_" in result.error


class TestSecrets:
    def test_nothing_of_the_environment_reaches_the_database(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        with connection.cursor() as cursor:
            stored = []
            for table in connection.introspection.table_names():
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
                stored += [str(value) for row in cursor.fetchall() for value in row]
        token = CachedToken.objects.get().value
        for secret in (SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, environment_app.base_url, token):
            assert not [value for value in stored if secret in value]


def environment_below(folder: Path) -> dict[str, str]:
    """The environment of a program that has its database and everything else in ``folder``."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("DINGTALK", "DATA"))
    } | {
        "ENV_FILE": "",
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "DATABASE_URL": f"sqlite:///{folder}/fresh.sqlite3",
        "DATA_DIR": str(folder),
    }


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that has been migrated, and nothing else has been done to it."""
    folder = tmp_path_factory.mktemp("migrated")
    assert manage(environment_below(folder), "migrate", "-v0").returncode == 0
    return folder


@pytest.fixture
def program(migrated: Path, tmp_path: Path) -> Iterator[tuple[SandboxServer, dict[str, str]]]:
    """A sandbox that nothing knows to be one, and the environment of a program with a freshly migrated database."""
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    with SandboxServer() as server:
        server.add_conference(conference_id=RUNNING_CONFERENCE)
        yield (
            server,
            environment_below(tmp_path)
            | {"DINGTALK_BASE_URL": server.base_url, "DINGTALK_ACCESS_TOKEN": "sandbox-fixed-token"},
        )


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


class TestAsAProgram:
    def test_it_works_on_a_database_that_has_only_been_migrated(
        self, program: tuple[SandboxServer, dict[str, str]]
    ) -> None:
        _server, environment = program
        done = manage(environment, "invite", RUNNING_CONFERENCE, "--user", "abc:张三")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["attempts"][0]["invitees"][0]["nick"] == "张三"
        assert "sandbox-fixed-token" not in done.stdout + done.stderr
        refused = manage(environment, "invite", "..", "--user", "abc:A")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr

    def test_report_comes_out_whatever_the_terminal_can_show(
        self, program: tuple[SandboxServer, dict[str, str]]
    ) -> None:
        _server, environment = program
        plain = environment | {"PYTHONIOENCODING": "ascii"}
        done = manage(plain, "invite", RUNNING_CONFERENCE, "--user", "abc:张三")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["attempts"][0]["invitees"][0]["nick"] == "张三"

    @pytest.mark.parametrize("told_by", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_command_says_what_it_did(
        self, program: tuple[SandboxServer, dict[str, str]], told_by: signal.Signals
    ) -> None:
        server, environment = program
        server.add_fault("hang")
        process = subprocess.Popen(
            [sys.executable, "manage.py", "invite", RUNNING_CONFERENCE, "--user", "abc:A"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
        )
        deadline = time.monotonic() + 30
        while not server.invitations and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(told_by)
        out, _nothing = process.communicate(timeout=30)
        report = json.loads(out)
        assert (process.returncode, report["state"]) == (1, "finished")
        [attempt] = report["attempts"]
        assert (attempt["outcome"], attempt["invitees"][0]["state"]) == ("unknown", "unknown")


class TestHistory:
    def test_attempt_is_in_the_history(
        self, environment_app: SandboxServer, capsys: pytest.CaptureFixture[str]
    ) -> None:
        environment_app.add_fault("code:paramsError")
        Result(capsys, RUNNING_CONFERENCE, "--user", "abc:A")
        assert Attempt.objects.get().error_code == "paramsError"
