"""Gives the client of a DingTalk app: the one place where credentials meet the library.

Must not call DingTalk itself.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.db import Error
from django.utils.translation import gettext_lazy as _

from invites.counting import counter
from invites.dingtalk import (
    ANYWHERE,
    INTERNATIONAL_HOST,
    DingTalkClient,
    FixedToken,
    InternalApp,
    MemoryTokenStore,
    Reach,
    ThirdPartyApp,
    TokenStore,
)
from invites.dingtalk.callback import CallbackCipher
from invites.dingtalk.hosts import reach_of
from invites.dingtalk.network import look_up
from invites.dingtalk.sandbox.people import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from invites.encryption import UndecryptableError
from invites.errors import AppUnavailable
from invites.models import App
from invites.models.app import OF_SETTINGS, AppKind, EventMode
from invites.promoting import promote_next_secret
from invites.token_store import DatabaseTokenStore, fingerprint

logger = logging.getLogger(__name__)

_LOOK_UP_SECONDS = 2.0
ENVIRONMENT_APP = "environment"
SANDBOX_APP = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    """All that a client of an app is made from."""

    base_url: str
    country: str
    reach: Reach
    old_base_url: str = ""
    fixed_token: str = field(default="", repr=False)
    credentials: InternalApp | ThirdPartyApp | None = field(default=None, repr=False)


def client_for(app: App) -> DingTalkClient:
    """The client of ``app``, one per process, with tokens shared by all processes.

    Raises AppUnavailable where the app is switched off or its credentials are not at hand.
    """
    if not app.enabled:
        raise AppUnavailable(_("This DingTalk app has been switched off by an administrator."))
    return client_to_test(app)


def client_to_test(app: App) -> DingTalkClient:
    """The client of ``app``, also of one that is switched off. Raises AppUnavailable as `client_for` does."""
    with _usable(app):
        return _client(app, _connection(app))


def client_asking_anew(app: App, *, base_url: str = "") -> DingTalkClient:
    """A client of ``app`` for whoever closes it, that knows no token yet and so shows what the credentials are worth;
    with ``base_url``, on another host. Raises AppUnavailable as `client_for` does.
    """
    with _usable(app):
        connection = _connection(app)
        if base_url:
            # What another host takes says nothing about this one's next secret.
            moved = replace(connection, base_url=base_url)
            return _new_client(app, moved, token_store=MemoryTokenStore(), promotes=False)
        return _new_client(app, connection, token_store=MemoryTokenStore())


def settings_marks(app: App) -> list[str]:
    """Keyed hashes of where ``app`` is called and as whom: as it stands, and as once its next secret has taken over.

    A suite ticket, which is a new one every few hours, is no part of them. What cannot be read has the mark "".
    """
    try:
        connection = _connection(app)
    except (AppUnavailable, UndecryptableError, ValueError):
        return [""]
    public, secret = _names_and_secret(connection)
    credentials = connection.credentials
    place = [app.kind, connection.base_url, connection.old_base_url, public, connection.fixed_token]
    if credentials is None:
        return [fingerprint(*place)]
    if isinstance(credentials, ThirdPartyApp):
        place.append(credentials.auth_corp_id)
    marks = [fingerprint(*place, secret, credentials.next_secret)]
    if credentials.next_secret:
        marks.append(fingerprint(*place, credentials.next_secret, ""))
    return marks


@contextmanager
def _usable(app: App) -> Iterator[None]:
    try:
        yield
    except (UndecryptableError, ValueError) as error:
        # Another encryption key, or a host or a country that is none: an administrator's to mend, and no way to call.
        logger.warning("DingTalk app %s cannot be used: %s", app.pk, error)
        raise AppUnavailable from error


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAccount:
    """With which credentials a Stream connection is opened, and where."""

    base_url: str
    client_id: str
    reach: Reach
    secrets: tuple[str, ...] = field(repr=False)


def stream_accounts() -> dict[StreamAccount, list[int]]:
    """What Stream connections are wanted at this moment, and the keys of the apps that each is for.

    DingTalk gives an event to one connection of the same credentials, so apps that share them share the connection.
    """
    accounts: dict[StreamAccount, list[int]] = {}
    for app in App.objects.usable().hearing_by(EventMode.STREAM).order_by("pk"):
        try:
            connection = _connection(app)
        except (AppUnavailable, UndecryptableError, ValueError) as error:
            _warn_once(app.pk, str(error))
            continue
        client_id, secret = _names_and_secret(connection)
        if client_id and secret and connection.credentials is not None:
            next_secret = connection.credentials.next_secret
            account = StreamAccount(
                base_url=connection.base_url,
                client_id=client_id,
                reach=connection.reach,
                secrets=(secret, next_secret) if next_secret else (secret,),
            )
            accounts.setdefault(account, []).append(app.pk)
    return accounts


@cache
def _warn_once(app_id: int, why: str) -> None:
    """It is found out every few seconds, and stays so until somebody mends it."""
    logger.warning("No events for DingTalk app %s: %s", app_id, why)


def callback_cipher(app: App) -> CallbackCipher:
    """What reads and answers the callbacks of ``app``.

    Raises AppUnavailable where it takes none, or lacks the token, the key or a client id that callbacks are for.
    """
    if not app.enabled or app.hears_by != EventMode.CALLBACK:
        raise AppUnavailable
    of_settings = app.kind in OF_SETTINGS
    try:
        client_id, _secret = _names_and_secret(_connection(app))
        return CallbackCipher(
            token=settings.DINGTALK_EVENT_TOKEN if of_settings else app.event_token,
            aes_key=settings.DINGTALK_EVENT_AES_KEY if of_settings else app.event_aes_key,
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


def _client(app: App, connection: _Connection) -> DingTalkClient:
    # Rows of the same credentials share their tokens but no client: the calls of each are counted apart.
    key = (app.pk, connection)
    with _clients_lock:
        # Taken out and put back, so that the one in front is the one that was not used for longest.
        client = _clients.pop(key, None) or _new_client(app, connection)
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
                reach=Reach.LOOPBACK,
                credentials=InternalApp(client_id=SANDBOX_CLIENT_ID, client_secret=SANDBOX_CLIENT_SECRET),
            )
        case _:
            return _Connection(
                base_url=_host(app),
                country=app.country,
                reach=reach_of_stored_hosts(),
                fixed_token=app.access_token if app.kind == AppKind.FIXED_TOKEN else "",
                credentials=_credentials(app),
            )


def _credentials(app: App) -> InternalApp | ThirdPartyApp | None:
    match app.kind:
        case AppKind.INTERNAL:
            return InternalApp(
                client_id=app.client_id, client_secret=app.client_secret, next_secret=app.next_client_secret
            )
        case AppKind.THIRD_PARTY:
            return ThirdPartyApp(
                suite_key=app.client_id,
                suite_secret=app.client_secret,
                auth_corp_id=app.auth_corp_id,
                suite_ticket=app.suite_ticket,
                next_secret=app.next_client_secret,
            )
        case _:
            return None


def _environment_connection(app: App) -> _Connection:
    described = settings.DINGTALK
    if described is None:
        raise AppUnavailable(_("The environment of this server describes no DingTalk app at present."))
    # Whoever writes the environment may mean this machine by it.
    connection = _Connection(
        base_url=described.base_url,
        old_base_url=described.old_base_url,
        country=app.country,
        reach=ANYWHERE if settings.DINGTALK_ALLOW_PRIVATE_HOSTS else Reach.PUBLIC | Reach.LOOPBACK,
    )
    if described.access_token:
        return replace(connection, fixed_token=described.access_token)
    credentials = InternalApp(client_id=described.client_id, client_secret=described.client_secret)
    return replace(connection, credentials=credentials)


def reach_of_stored_hosts() -> Reach:
    """How far a host may lead that an administrator has entered: to public addresses.

    Loopback is where people try a stand-in, so it is allowed beside the sandbox; everything else by the environment.
    """
    if settings.DINGTALK_ALLOW_PRIVATE_HOSTS:
        return ANYWHERE
    return Reach.PUBLIC | Reach.LOOPBACK if settings.DINGTALK_SANDBOX_URL else Reach.PUBLIC


def leads_too_far(base_url: str) -> bool:
    """Whether a host that an administrator enters leads to no address but such that would not be called.

    A name that cannot be found is no reason: a test of the app says so. May wait for the resolver for a moment.
    """
    allowed = reach_of_stored_hosts()
    addresses = look_up(urlsplit(base_url).hostname or "", timeout=_LOOK_UP_SECONDS)
    return bool(addresses) and not any(reach_of(address) in allowed for address in addresses)


def _host(app: App) -> str:
    return app.base_url or INTERNATIONAL_HOST


# Credentials that change, such as a suite ticket, leave a client behind each time.
MOST_CLIENTS = 64
_clients: dict[tuple[int, _Connection], DingTalkClient] = {}
_clients_lock = threading.Lock()


def _new_client(
    app: App, connection: _Connection, *, token_store: TokenStore | None = None, promotes: bool = True
) -> DingTalkClient:
    return DingTalkClient(
        base_url=connection.base_url,
        old_base_url=connection.old_base_url,
        tokens=connection.credentials or FixedToken(connection.fixed_token),
        token_store=token_store or _shared_tokens(connection),
        default_country=connection.country,
        on_call=counter(app.pk),
        on_next_secret=_promotion(app.pk, connection.credentials) if promotes else None,
        reach=connection.reach,
    )


def _shared_tokens(connection: _Connection) -> TokenStore | None:
    """Where the tokens of the credentials are. A next secret does not make others of them, nor does a suite ticket,
    which is a new one every few hours.
    """
    if connection.credentials is None:
        return None
    public, secret = _names_and_secret(connection)
    corp = connection.credentials.auth_corp_id if isinstance(connection.credentials, ThirdPartyApp) else ""
    return DatabaseTokenStore(fingerprint(connection.base_url, public, corp, secret))


def _promotion(app_id: int, credentials: InternalApp | ThirdPartyApp | None) -> Callable[[], None] | None:
    """What puts the next secret of ``credentials`` in the place of the one that DingTalk does not take any more."""
    if credentials is None or not credentials.next_secret:
        return None
    secret = credentials.next_secret

    def promote() -> None:
        try:
            if promote_next_secret(app_id, secret):
                logger.info("DingTalk app %s goes on with its next secret", app_id)
        except Error:
            # Somebody waits for the token itself, which is there; the next one that is fetched tries again.
            logger.warning("The next secret of DingTalk app %s could not be kept", app_id, exc_info=True)

    return promote
