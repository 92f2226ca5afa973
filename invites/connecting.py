"""Gives the client of a DingTalk app: the one place where credentials meet the library.

Must not call DingTalk itself.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from invites.counting import counter
from invites.dingtalk import (
    INTERNATIONAL_HOST,
    DingTalkClient,
    FixedToken,
    InternalApp,
    ThirdPartyApp,
)
from invites.dingtalk.callback import CallbackCipher
from invites.dingtalk.sandbox.people import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from invites.encryption import UndecryptableError
from invites.errors import AppUnavailable
from invites.models import App
from invites.models.app import AppKind, EventMode
from invites.token_store import DatabaseTokenStore, fingerprint

logger = logging.getLogger(__name__)

ENVIRONMENT_APP = "environment"
SANDBOX_APP = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    """All that a client of an app is made from."""

    base_url: str
    country: str
    old_base_url: str = ""
    fixed_token: str = field(default="", repr=False)
    credentials: InternalApp | ThirdPartyApp | None = field(default=None, repr=False)


def client_for(app: App) -> DingTalkClient:
    """The client of ``app``, one per process, with tokens shared by all processes.

    Raises AppUnavailable where the app is switched off or its credentials are not at hand.
    """
    if not app.enabled:
        raise AppUnavailable(_("This DingTalk app has been switched off by an administrator."))
    try:
        return _client(app.pk, _connection(app))
    except (UndecryptableError, ValueError) as error:
        # Another encryption key, or a host or a country that is none: an administrator's to mend, and no way to call.
        logger.warning("DingTalk app %s cannot be used: %s", app.pk, error)
        raise AppUnavailable from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAccount:
    """With which credentials a Stream connection is opened, and where."""

    base_url: str
    client_id: str
    client_secret: str = field(repr=False)


def stream_accounts() -> dict[StreamAccount, list[int]]:
    """What Stream connections are wanted at this moment, and the keys of the apps that each is for.

    DingTalk gives an event to one connection of the same credentials, so apps that share them share the connection.
    """
    accounts: dict[StreamAccount, list[int]] = {}
    for app in App.objects.usable().hearing_by(EventMode.STREAM).order_by("pk"):
        try:
            connection = _connection(app)
        except (AppUnavailable, UndecryptableError, ValueError) as error:
            logger.warning("No events for DingTalk app %s: %s", app.pk, error)
            continue
        client_id, secret = _names_and_secret(connection)
        if client_id and secret:
            account = StreamAccount(base_url=connection.base_url, client_id=client_id, client_secret=secret)
            accounts.setdefault(account, []).append(app.pk)
    return accounts


def callback_cipher(app: App) -> CallbackCipher:
    """What reads and answers the callbacks of ``app``.

    Raises AppUnavailable where it takes none, or lacks the token, the key or a client id that callbacks are for.
    """
    if not app.enabled or app.hears_by != EventMode.CALLBACK:
        raise AppUnavailable
    try:
        client_id, _secret = _names_and_secret(_connection(app))
        return CallbackCipher(
            token=app.event_token,
            aes_key=app.event_aes_key,
            receivers=[client_id, app.auth_corp_id, app.client_id],
        )
    except (UndecryptableError, ValueError) as error:
        raise AppUnavailable from error


def _names_and_secret(connection: _Connection) -> tuple[str, str]:
    """The public name and the secret of an app's credentials; both are empty for a fixed token."""
    match connection.credentials:
        case InternalApp(client_id=client_id, client_secret=secret):
            return client_id, secret
        case ThirdPartyApp(suite_key=suite_key, suite_secret=secret):
            return suite_key, secret
    return "", ""


def _client(app_id: int, connection: _Connection) -> DingTalkClient:
    # Rows of the same credentials share their tokens but no client: the calls of each are counted apart.
    key = (app_id, connection)
    with _clients_lock:
        # Taken out and put back, so that the one in front is the one that was not used for longest.
        client = _clients.pop(key, None) or _new_client(connection, on_call=counter(app_id))
        _clients[key] = client
        idle = _clients.pop(next(iter(_clients))) if len(_clients) > MOST_CLIENTS else None
    if idle is not None:
        idle.close()
    return client


def close_clients() -> None:
    """Closes every connection of this process to DingTalk; whoever calls next opens a new one."""
    with _clients_lock:
        clients = list(_clients.values())
        _clients.clear()
    for client in clients:
        client.close()


def ensure_apps() -> list[App]:
    """Makes the rows for what the settings describe, the environment's app and the sandbox; returns the usable apps.

    The rows hold a name and a kind, never a credential. Safe to call at every start.
    """
    if settings.DINGTALK is not None:
        App.objects.get_or_create(kind=AppKind.ENVIRONMENT, defaults={"name": _free_name(ENVIRONMENT_APP)})
    if settings.DINGTALK_SANDBOX_URL:
        App.objects.get_or_create(kind=AppKind.SANDBOX, defaults={"name": _free_name(SANDBOX_APP)})
    return list(App.objects.usable())


def _free_name(wanted: str) -> str:
    """``wanted``, or with a number behind it where an administrator's app has that name already."""
    taken = set(App.objects.filter(name__startswith=wanted).values_list("name", flat=True))
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


def _connection(app: App) -> _Connection:
    match app.kind:
        case AppKind.ENVIRONMENT:
            return _environment_connection(app)
        case AppKind.SANDBOX:
            if not settings.DINGTALK_SANDBOX_URL:
                raise AppUnavailable(_("The sandbox is not running."))
            return _Connection(
                base_url=settings.DINGTALK_SANDBOX_URL,
                country=app.country,
                credentials=InternalApp(client_id=SANDBOX_CLIENT_ID, client_secret=SANDBOX_CLIENT_SECRET),
            )
        case AppKind.INTERNAL:
            credentials = InternalApp(client_id=app.client_id, client_secret=app.client_secret)
            return _Connection(base_url=_host(app), country=app.country, credentials=credentials)
        case AppKind.THIRD_PARTY:
            suite = ThirdPartyApp(
                suite_key=app.client_id,
                suite_secret=app.client_secret,
                auth_corp_id=app.auth_corp_id,
                suite_ticket=app.suite_ticket,
            )
            return _Connection(base_url=_host(app), country=app.country, credentials=suite)
        case _:
            return _Connection(base_url=_host(app), country=app.country, fixed_token=app.access_token)


def _environment_connection(app: App) -> _Connection:
    described = settings.DINGTALK
    if described is None:
        raise AppUnavailable(_("The environment of this server describes no DingTalk app at present."))
    if described.access_token:
        return _Connection(
            base_url=described.base_url,
            old_base_url=described.old_base_url,
            country=app.country,
            fixed_token=described.access_token,
        )
    return _Connection(
        base_url=described.base_url,
        old_base_url=described.old_base_url,
        country=app.country,
        credentials=InternalApp(client_id=described.client_id, client_secret=described.client_secret),
    )


def _host(app: App) -> str:
    return app.base_url or INTERNATIONAL_HOST


# Credentials that change, such as a suite ticket, leave a client behind each time.
MOST_CLIENTS = 64
_clients: dict[tuple[int, _Connection], DingTalkClient] = {}
_clients_lock = threading.Lock()


def _new_client(connection: _Connection, *, on_call: Callable[[str], None]) -> DingTalkClient:
    if connection.credentials is None:
        return DingTalkClient(
            base_url=connection.base_url,
            old_base_url=connection.old_base_url,
            tokens=FixedToken(connection.fixed_token),
            default_country=connection.country,
            on_call=on_call,
        )
    credentials = connection.credentials
    # A new suite ticket, which comes every few hours, is no reason to fetch another token.
    public, secret = _names_and_secret(connection)
    corp = "" if isinstance(credentials, InternalApp) else credentials.auth_corp_id
    store = DatabaseTokenStore(fingerprint(connection.base_url, public, corp, secret))
    return DingTalkClient(
        base_url=connection.base_url,
        old_base_url=connection.old_base_url,
        tokens=credentials,
        token_store=store,
        default_country=connection.country,
        on_call=on_call,
    )
