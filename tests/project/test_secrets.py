"""A full run leaves none of its secrets anywhere: not in the database, a log line, a page, an export or an error."""

import base64
import io
import logging
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import time_machine
from allauth.mfa import app_settings as factors
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.conf import settings as django_settings
from django.db import connection
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from dashboard import logs
from invites import delivering, tokens
from invites.connecting import close_clients
from invites.dingtalk.sandbox import SandboxServer
from invites.models import ApiToken, App, Attempt, AuditEntry, CachedToken, Conference, User
from invites.models.api_token import Scope
from invites.models.app import AppKind, EventMode
from invites.models.attempt import AttemptState
from invites.models.user import Role
from tests.dashboard.test_policies import plain_addresses
from tests.factories import (
    AddressBookFactory,
    ConferenceFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    UserFactory,
)

PASSWORD, WRONG_PASSWORD = "Correct-Horse-7531-Battery", "Wrong-Donkey-8642-Staple"
CLIENT_SECRET, OTHER_SECRET = "clientSecretOfTheRun4711AbCdEf", "secretThatDingTalkRefuses0815"
SUITE_SECRET, SUITE_TICKET = "suiteSecretOfTheRun99GhIjKl", "suiteTicketOfTheRun77MnOpQr"
NEXT_SECRET, EVENT_TOKEN = "nextSecretOfTheRun55StUvWx", "callbackTokenOfTheRun33"
EVENT_AES_KEY = "aesKeyOfTheRun0123456789abcdefghijklmnopqrs"
METRICS_TOKEN, FORGED_TOKEN = "metricsTokenOfTheRun1234", "ci_" + "f0" * 32
HISTORY_KEY = "historyKeyOfTheRun0123456789abcdef"
FIELD_KEY = Fernet.generate_key().decode()
NUMBER = "+8613912345678"
RUNNING_CONFERENCE = "5a9db0c000000000000000a1"
# Where somebody sees what is theirs alone, for as long as they set it up.
SHOWN_BY_DESIGN = {"/settings/security/codes/", "/settings/security/codes/new/", "/settings/security/app/"}

APPS = "/settings/apps/"
APP = {
    "edition": "custom",
    "client_id": "client-of-the-run",
    "event_mode": "none",
    "default_country": "CN",
    "batch_size": "100",
    "calls_per_second": "20",
    "monthly_quota": "5000",
}

type Secrets = dict[str, str]


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS, settings.HISTORY_KEYS = [FIELD_KEY], [HISTORY_KEY]
    settings.METRICS_TOKEN = METRICS_TOKEN


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[SandboxServer]:
    with SandboxServer(pace=0.01, client_id="client-of-the-run", client_secret=CLIENT_SECRET) as server:
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server
    close_clients()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anybody logs, in both formats, and far more than LOG_LEVEL=DEBUG lets through."""
    found = io.StringIO()
    handlers = [logging.StreamHandler(found) for _format in ("console", "json")]
    handlers[0].setFormatter(logs.formatter(log_format="console"))
    handlers[1].setFormatter(logs.formatter(log_format="json"))
    names = ("", "httpx", "httpcore", "django", "django.request", "allauth", "ninja", "django_structlog")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    yield found
    for handler in handlers:
        logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def apps(client: Client, sandbox: SandboxServer) -> tuple[App, App]:
    """One that works, one whose secret is refused, and one of every other secret there is; the first two, which an
    administrator enters and tests.
    """
    good, bad = (
        entered(client, sandbox, name=name, new_client_secret=secret)
        for name, secret in (("Good", CLIENT_SECRET), ("Bad", OTHER_SECRET))
    )
    assert client.post(f"{APPS}{good.pk}/secret/", {"next_secret": NEXT_SECRET}).status_code == 302
    App.objects.create(
        name="Suite",
        kind=AppKind.THIRD_PARTY,
        base_url=sandbox.base_url,
        client_id="suite-of-the-run",
        client_secret=SUITE_SECRET,
        auth_corp_id="dingcorp",
        suite_ticket=SUITE_TICKET,
        event_mode=EventMode.CALLBACK,
        event_token=EVENT_TOKEN,
        event_aes_key=EVENT_AES_KEY,
    )
    return good, bad


def entered(client: Client, sandbox: SandboxServer, **fields: str) -> App:
    """An app that is added on its page, and tested there."""
    added = client.post(f"{APPS}new/?kind=internal", APP | {"base_url": sandbox.base_url} | fields)
    assert added.status_code == 302
    app = App.objects.get(name=fields["name"])
    assert client.post(f"{APPS}{app.pk}/test/").status_code == 302
    return app


def sign_in(user: User, secrets: Secrets) -> Client:
    """With a wrong password first, then the right one, then with what an authenticator app shows."""
    client = Client()
    client.raise_request_exception = False
    client.post("/sign-in/", {"login": user.username, "password": WRONG_PASSWORD})
    assert client.post("/sign-in/", {"login": user.username, "password": PASSWORD}).status_code == 302
    secret = set_up_app(client)
    client.post("/settings/security/codes/new/")
    codes = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    secrets |= {f"recovery code {n}": code for n, code in enumerate(RecoveryCodes(codes).get_unused_codes())}
    secrets["secret of the authenticator app"] = secret
    secrets["session"] = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    return client


def set_up_app(client: Client) -> str:
    """The secret of an authenticator app whose code is entered in the very moment in which it is shown."""
    with time_machine.travel(timezone.now(), tick=False):
        secret: str = client.get("/settings/security/app/").context["form"].secret
        code = format_hotp_value(hotp_value(secret, int(time.time()) // factors.TOTP_PERIOD))
        assert client.post("/settings/security/app/", {"code": code}).status_code == 302
    return secret


def call(client: Client, user: User, app: App) -> Conference:
    """Invites two people by a press, and has a worker's task call them."""
    conference: Conference = ConferenceFactory(app=app, owner=user, conference_id=RUNNING_CONFERENCE)
    draft = InvitationFactory(conference=conference)
    InviteeFactory(invitation=draft, value="abc")
    InviteeFactory(invitation=draft, channel="phone", value=NUMBER, position=1)
    press = {"draft": str(draft.pk), "revision": str(draft.revision), "confirmed": "yes"}
    assert client.post(f"/conferences/{conference.pk}/draft/send/", press).status_code == 302
    delivering.deliver(invitation_id=draft.pk, policy=delivering.COMMAND_LINE)
    return conference


def body_of(response: HttpResponseBase) -> str:
    content = response.getvalue() if isinstance(response, StreamingHttpResponse) else response.content  # type: ignore[attr-defined]
    return bytes(content).decode(errors="replace")


def seen(client: Client, conferences: list[Conference], program: dict[str, str]) -> dict[str, str]:
    """What every page, file and error shows, by its address."""
    book = AddressBookFactory(owner=conferences[0].owner)
    ContactFactory(book=book, phone_number=NUMBER)
    order = {"rows_are": "people", "file_format": "csv", "time_zone": "UTC"}
    export = client.post("/history/exports/", order).headers["Location"]
    there = [
        *(f"/conferences/{conference.pk}/" for conference in conferences),
        *(f"/invitations/{conference.invitations.get().pk}/" for conference in conferences),
        *(f"/history/{pk}/" for pk in Attempt.objects.values_list("pk", flat=True)),
        *(f"/history/changes/{pk}/" for pk in AuditEntry.objects.values_list("pk", flat=True)),
        *(f"{APPS}{pk}/{part}" for pk in App.objects.values_list("pk", flat=True) for part in ("", "edit/")),
        *(f"{APPS}{conference.app_id}/secret/" for conference in conferences),
        *(f"/admin/invites/app/{pk}/change/" for pk in App.objects.values_list("pk", flat=True)),
        f"/settings/users/{conferences[0].owner_id}/",
        f"/books/{book.pk}/export/?format=csv",
        export,
        f"{export}file/",
    ]
    addresses = [
        *(address for address in plain_addresses() if address not in SHOWN_BY_DESIGN),
        "/no/such/page/",
    ]
    answers = {address: client.get(address) for address in [*there, *addresses]}
    assert [address for address in there if answers[address].status_code != 200] == []
    found = {address: body_of(answer) for address, answer in answers.items()}
    # What somebody has put into an address by mistake stands in no line; the page leads back to where they are.
    client.get("/no/such/page/", {"access_token": CLIENT_SECRET, "q": NUMBER})
    found["400"] = body_of(client.get("/", headers={"host": "elsewhere.example"}))
    found["409"] = body_of(client.post(f"/conferences/{conferences[0].pk}/draft/send/"))
    found["422"] = body_of(
        client.post(f"{APPS}new/?kind=internal", APP | {"new_client_secret": CLIENT_SECRET})
    )
    callback = f"/dingtalk/events/{App.objects.get(name='Suite').pk}/"
    found["callback"] = body_of(Client().post(callback, "{}", content_type="application/json"))
    found["metrics"] = body_of(client.get("/metrics", headers={"authorization": f"Bearer {METRICS_TOKEN}"}))
    assert "invites_people_total" in found["metrics"]
    for title, token in program.items():
        answer = Client().get("/api/v1/conferences", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == (200 if title == "token of the API" else 401)
        found[f"API, {title}"] = body_of(answer)
    return found


def stored() -> bytes:
    """Everything in the database: each row of each table, and on SQLite the very bytes of its files."""
    rows: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the database's own names
            rows += [str(row) for row in cursor.fetchall()]
    assert len(rows) > 100
    found = "\n".join(rows).encode()
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        found += b"".join(
            Path(f"{name}{end}").read_bytes() for end in ("", "-wal") if Path(f"{name}{end}").exists()
        )
    return found


def forms_of(secret: str) -> set[bytes]:
    """How a secret may be written down without anybody noticing."""
    raw = secret.encode()
    written = {raw, base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")}
    return written | {quote(secret, safe="").encode(), raw.hex().encode(), raw[::-1]}


def leaks(secrets: Secrets, places: dict[str, bytes]) -> list[str]:
    return [
        f"{title} in {place}"
        for place, content in places.items()
        for title, secret in secrets.items()
        if any(form in content for form in forms_of(secret))
    ]


@pytest.mark.django_db(transaction=True)
def test_no_secret_of_a_full_run_is_anywhere(sandbox: SandboxServer, log: io.StringIO) -> None:
    user: User = UserFactory(username="owner", role=Role.ADMINISTRATOR, is_superuser=True, is_staff=True)
    user.set_password(PASSWORD)
    user.save()
    secrets: Secrets = {
        name.lower(): value
        for name, value in globals().items()
        if re.fullmatch(r"[A-Z_]*(SECRET|TICKET|TOKEN|KEY|PASSWORD)", name) and isinstance(value, str)
    }
    assert len(secrets) >= 12
    secrets["key of the settings"] = django_settings.SECRET_KEY
    client = sign_in(user, secrets)
    good, bad = apps(client, sandbox)
    conferences = [call(client, user, good), call(client, user, bad)]
    assert set(Attempt.objects.values_list("state", flat=True)) == {
        AttemptState.SUCCEEDED,
        AttemptState.FAILED,
    }
    [cached] = [row.value for row in CachedToken.objects.all() if row.value]
    secrets["access token"] = cached
    app_token = ApiToken(user=user, name="Robot", scopes=[Scope.CONFERENCES_READ])
    secrets["token of the API"] = tokens.make(app_token, days=1).text
    App.objects.note_ticket(good.pk, SUITE_TICKET, born_at=timezone.now() - timedelta(minutes=1))
    program = {name: secrets[name] for name in ("token of the API", "forged_token")}
    pages = seen(client, conferences, program)
    secrets["secret behind tokens of forms"] = client.cookies[django_settings.CSRF_COOKIE_NAME].value

    said = log.getvalue()
    assert "request_finished" in said
    places = {address: body.encode() for address, body in pages.items()}
    assert leaks(secrets, places | {"the log": said.encode(), "the database": stored()}) == []
    # Whoever reads a log learns nobody's number, either.
    assert NUMBER[1:] not in said
    assert NUMBER[3:] not in said
