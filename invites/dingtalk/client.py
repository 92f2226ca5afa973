"""Calls DingTalk: one method per operation, values in, a value out or a DingTalkError raised.

Must not repeat an invitation: each call of `invite_users` is at most one request, and whoever calls
decides about another. It stores nothing but tokens, in the store that it is given.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx

from invites.dingtalk import answers, calls, codes, judging
from invites.dingtalk.answers import parsed
from invites.dingtalk.calls import Call, LockAction
from invites.dingtalk.directory import Directory
from invites.dingtalk.directory_calls import old_base_url as derived_old_base_url
from invites.dingtalk.errors import (
    DingTalkError,
    NotAuthorised,
    NotSent,
    StaleToken,
)
from invites.dingtalk.hosts import ANYWHERE, Reach
from invites.dingtalk.judging import Reading
from invites.dingtalk.probing import Probes
from invites.dingtalk.sign_in import SignIn
from invites.dingtalk.tokens import (
    InternalApp,
    MemoryTokenStore,
    SharedTokens,
    ThirdPartyApp,
    TokenSource,
    TokenStore,
    token_error,
)
from invites.dingtalk.transport import DEADLINE, SECRET_QUERY, DeadlineTransport
from invites.dingtalk.types import (
    AccessToken,
    Answer,
    ConferenceInfo,
    ContactUser,
    CreatedConference,
    Invitee,
    MembersPage,
    PhoneInvitee,
    Timeouts,
)

INTERNATIONAL_HOST = "https://api.dingtalk.io"
CHINESE_HOST = "https://api.dingtalk.com"
USER_AGENT = "dingtalk-conference-invites"
TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105 - the name of a header

# When fetching the token has left less than this, and less than a tenth of the attempt's time, the attempt
# would most likely end as unknown, while one that is not sent can be repeated safely.
_LEAST_TIME = 1.0
# Time-outs that were cut to the deadline end a little before it on the clock.
_DEADLINE_SLACK = 0.01

logger = logging.getLogger(__name__)


class DingTalkClient:
    """A client of one app on one host. Several threads may share it; close it, or use it in `with`.

    `tokens` is the credentials of an app, whose tokens then are kept in `token_store` (the memory of this
    process by default), or any TokenSource such as FixedToken. Methods take a `deadline` on the clock of
    `time.monotonic`, by default `timeouts.total` from now, that covers the token as well.

    `old_base_url` is where the older interface is, if not where DingTalk has it for `base_url`.

    `on_call` is told the operation of each request right before it leaves, those for tokens included. It must
    not raise. `on_next_secret` is called, and must not raise either, when DingTalk has refused the secret of the
    credentials and taken the next one.

    Nothing connects to an address beyond `reach`, whatever name leads there; a `transport` sees to that itself.
    """

    def __init__(  # noqa: PLR0913 - all by name, and all but the tokens with a default
        self,
        *,
        base_url: str = INTERNATIONAL_HOST,
        old_base_url: str = "",
        tokens: InternalApp | ThirdPartyApp | TokenSource,
        token_store: TokenStore | None = None,
        default_country: str = "CN",
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        transport: httpx.BaseTransport | None = None,
        user_agent: str = USER_AGENT,
        on_call: Callable[[str], None] | None = None,
        on_next_secret: Callable[[], None] | None = None,
        reach: Reach = ANYWHERE,
    ) -> None:
        calls.calling_code(default_country)
        self._base_url = _checked_base_url(base_url)
        self._old_base_url = _checked_base_url(old_base_url or derived_old_base_url(self._base_url))
        self._default_country = default_country
        self._timeouts = timeouts
        self._on_call, self._on_next_secret = on_call, on_next_secret
        self._clock_offset: timedelta | None = None
        self._app = tokens if isinstance(tokens, InternalApp) else None
        self._tokens = self._token_source(tokens, token_store)
        self._http = httpx.Client(
            transport=transport or DeadlineTransport(reach=reach),
            headers={"user-agent": user_agent, "accept": "application/json", "accept-encoding": "identity"},
            timeout=httpx.Timeout(
                connect=timeouts.connect, read=timeouts.read, write=timeouts.read, pool=timeouts.connect
            ),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            event_hooks={"response": [_forget_location]},
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def directory(self) -> Directory:
        """The company's directory, asked through this client."""
        return Directory(ask=self._ask, country=self._default_country)

    @property
    def sign_in(self) -> SignIn | None:
        """Signing people in, through this client; None for an app that has no credentials of its own."""
        if self._app is None:
            return None
        return SignIn(app=self._app, base_url=self._base_url, exchange=self._exchange, until=self._until)

    @property
    def probes(self) -> Probes:
        """Harmless questions that show what the app may do, asked through this client."""
        return Probes(ask=self._ask)

    @property
    def clock_offset(self) -> timedelta | None:
        """How far the clock of the other side was ahead of this machine's at its last answer, to a second or two.

        None where nothing has told the time yet.
        """
        return self._clock_offset

    def close(self) -> None:
        """Closes all connections."""
        self._http.close()

    @property
    def refreshable(self) -> bool:
        """Whether a fresh token can be had after a stale one, so that a second attempt makes sense."""
        return self._tokens.refreshable

    def look_for_new_token(self) -> None:
        """Lets the next call use the token that the store has then, not one remembered from before.

        For a call that was refused for its token elsewhere: a second stale one would be taken for a lasting refusal.
        """
        self._tokens.look_again()

    def get_token_ready(self, *, deadline: float | None = None) -> None:
        """Fetches an access token if none is at hand, so that a call does not have to wait for one when its turn comes.

        One that cannot be had is that call's affair: nothing is raised.
        """
        with suppress(DingTalkError):
            self.get_token(deadline=deadline)

    def get_token(self, *, deadline: float | None = None) -> None:
        """As `get_token_ready`, for whoever wants to know why none can be had. Raises DingTalkError."""
        self._tokens.get(deadline=self._until(deadline))

    def invite_users(
        self,
        *,
        conference_id: str,
        union_id: str | None,
        invitees: Sequence[Invitee] = (),
        phone_invitees: Sequence[PhoneInvitee] = (),
        deadline: float | None = None,
    ) -> Answer:
        """Rings people into a running conference, in the name of `union_id`. One request, never repeated.

        On a StaleToken the token is already out of use: a second call gets another, if `refreshable`.
        Raises ValueError, with nothing sent, for a call that is wrong by construction.
        """
        call = calls.invite_request(
            conference_id=conference_id,
            union_id=union_id,
            invitees=invitees,
            phone_invitees=phone_invitees,
            default_country=self._default_country,
        )
        reading = self._attempt(call, self._until(deadline))
        parsed(reading, answers.succeeded)
        return _answer(reading)

    def create_conference(
        self,
        *,
        user_id: str,
        conf_title: str,
        invite_user_ids: Sequence[str] = (),
        invite_caller: bool | None = None,
        deadline: float | None = None,
    ) -> CreatedConference:
        """Starts a conference of `user_id` (a unionId, like all the ids here) and calls `invite_user_ids`.

        DingTalk cuts the title after 50 characters and refuses more than 256.
        """
        call = calls.create_request(
            user_id=user_id,
            conf_title=conf_title,
            invite_user_ids=invite_user_ids,
            invite_caller=invite_caller,
        )
        return parsed(self._ask(call, deadline), answers.created_conference)

    def close_conference(self, *, conference_id: str, union_id: str, deadline: float | None = None) -> Answer:
        """Ends a conference for everybody."""
        call = calls.close_request(conference_id=conference_id, union_id=union_id)
        reading = self._ask(call, deadline)
        parsed(reading, answers.closed)
        return _answer(reading)

    def lock_conference(
        self, *, conference_id: str, action: LockAction, deadline: float | None = None
    ) -> Answer:
        """Lets nobody else into a conference (`lock`), or lets people in again (`unlock`).

        No operation tells whether a conference is locked.
        """
        reading = self._ask(calls.lock_request(conference_id=conference_id, action=action), deadline)
        parsed(reading, answers.succeeded)
        return _answer(reading)

    def query_conference_info(self, *, conference_id: str, deadline: float | None = None) -> ConferenceInfo:
        """The facts of one conference."""
        reading = self._ask(calls.info_request(conference_id=conference_id), deadline)
        return parsed(reading, lambda fields: answers.conference_info(fields, conference_id=conference_id))

    def query_conference_members(
        self,
        *,
        conference_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        deadline: float | None = None,
    ) -> MembersPage:
        """One page of the people in a conference and of those called into it."""
        call = calls.members_request(
            conference_id=conference_id, max_results=max_results, next_token=next_token
        )
        return parsed(self._ask(call, deadline), answers.members_page)

    def query_user_ongoing_conferences(self, *, union_id: str, deadline: float | None = None) -> list[str]:
        """The ids of the conferences in which a person is now."""
        return parsed(self._ask(calls.ongoing_request(union_id=union_id), deadline), answers.ongoing_ids)

    def query_conference_info_by_room_code(
        self, *, room_code: str, deadline: float | None = None
    ) -> list[ConferenceInfo]:
        """The conferences behind a meeting number: the first page of them, in DingTalk's order."""
        return parsed(
            self._ask(calls.room_code_request(room_code=room_code), deadline), answers.conference_list
        )

    def get_user(self, *, union_id: str, deadline: float | None = None) -> ContactUser:
        """What the organisation's contacts say about one person.

        Raises UnknownPerson for somebody whom they do not know. The reference asks for the token of a person, so that
        an app with its own may be refused (NotAuthorised).
        """
        return parsed(self._ask(calls.user_request(union_id=union_id), deadline), answers.contact_user)

    def get_users(
        self, *, union_ids: Iterable[str], deadline: float | None = None, at_once: int
    ) -> Iterator[tuple[str, ContactUser | DingTalkError]]:
        """What `get_user` says about each of several people, in their order, with ``at_once`` requests under way.

        Each is asked about at most once, when ``union_ids`` gives it. Errors are given and not raised. All but the
        requests themselves happens in the thread of the caller: the ids, the token, the hook. Raises ValueError for a
        unionId that cannot stand in a path.
        """
        until = self._until(deadline)
        # The first one alone: what is refused there is refused to all.
        most = 1
        under_way: deque[tuple[str, Future[ContactUser]]] = deque()
        with ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="get-users") as pool:
            for union_id in union_ids:
                try:
                    send = self._prepared_get_user(union_id, until)
                except DingTalkError as error:
                    yield union_id, error
                    continue
                under_way.append((union_id, pool.submit(send)))
                if len(under_way) >= most:
                    yield _outcome(*under_way.popleft())
                    most = at_once
            while under_way:
                yield _outcome(*under_way.popleft())

    def _prepared_get_user(self, union_id: str, until: float) -> Callable[[], ContactUser]:
        token = self._tokens.get(deadline=until)
        _check_time(until)
        request = self._prepared(calls.user_request(union_id=union_id), until, token)

        def send() -> ContactUser:
            reading = self._sent(request, calls.GET_USER, deadline=until, secrets=_secrets(token, ()))
            judging.judge(reading)
            return parsed(reading, answers.contact_user)

        return send

    def _ask(self, call: Call, deadline: float | None) -> Reading:
        """An attempt, and after a stale token one more: DingTalk has done nothing then."""
        until = self._until(deadline)
        try:
            return self._attempt(call, until)
        except StaleToken:
            if not self.refreshable:
                raise
        return self._attempt(call, until)

    def _attempt(self, call: Call, deadline: float) -> Reading:
        """One request with a token, judged. Raises DingTalkError."""
        least = min(_LEAST_TIME, (deadline - time.monotonic()) / 10)
        token = self._tokens.get(deadline=deadline)
        _check_time(deadline, least)
        reading = self._exchange(call, deadline=deadline, token=token)
        try:
            judging.judge(reading)
        except StaleToken as stale:
            self._tokens.discard(token.value)
            stale.refreshable = stale.worth_retrying = self.refreshable
            raise
        return reading

    def _exchange(
        self, call: Call, *, deadline: float, token: AccessToken | None = None, secrets: Sequence[str] = ()
    ) -> Reading:
        """Sends one request and reads its answer. Raises NotSent or OutcomeUnknown."""
        request = self._prepared(call, deadline, token)
        return self._sent(request, call.operation, deadline=deadline, secrets=_secrets(token, secrets))

    def _prepared(self, call: Call, deadline: float, token: AccessToken | None) -> httpx.Request:
        """The request of a call that is going to be made."""
        request = self._request(call, deadline, token)
        if self._on_call is not None:
            self._on_call(call.operation)
        return request

    def _sent(
        self, request: httpx.Request, operation: str, *, deadline: float, secrets: Sequence[str]
    ) -> Reading:
        begun = time.monotonic()
        try:
            response = self._http.send(request)
        except httpx.RequestError as failure:
            late = time.monotonic() >= deadline - _DEADLINE_SLACK
            lost = judging.lost(failure, late=late, scrubbed=judging.Scrubber(secrets))
        else:
            reading = judging.read(response, secrets=secrets)
            if reading.sent_at is not None:
                self._clock_offset = reading.sent_at - datetime.now(UTC)
            _log(operation, begun, str(reading.http_status), reading.code, reading.request_id)
            return reading
        # Raised here and not above, so that it is not chained to an exception that holds the request.
        _log(operation, begun, type(lost).__name__, lost.code, "")
        raise lost

    def _request(self, call: Call, deadline: float, token: AccessToken | None) -> httpx.Request:
        headers = {} if call.body is None else {"content-type": "application/json; charset=utf-8"}
        extensions: dict[str, Any] = {DEADLINE: deadline}
        if token is not None and call.is_old_style:
            # The older interface wants it in the query. The HTTP library, which logs addresses, does not learn it.
            extensions[SECRET_QUERY] = urlencode({"access_token": token.value}).encode()
        elif token is not None:
            headers[TOKEN_HEADER] = token.value
        return self._http.build_request(
            call.method,
            f"{self._old_base_url if call.is_old_style else self._base_url}{call.target}",
            headers=headers,
            content=call.content(),
            extensions=extensions,
        )

    def _fetch_token(self, app: InternalApp | ThirdPartyApp, deadline: float) -> AccessToken:
        """A token for the app's secret, or for its next one where DingTalk does not take the other any more."""
        try:
            return self._fetch_token_of(app, deadline)
        except NotAuthorised as refused:
            successor = app.successor
            if successor is None or refused.code not in codes.WRONG_SECRET:
                raise
        token = self._fetch_token_of(successor, deadline)
        if self._on_next_secret is not None:
            self._on_next_secret()
        return token

    def _fetch_token_of(self, app: InternalApp | ThirdPartyApp, deadline: float) -> AccessToken:
        asked_at = datetime.now(UTC)
        try:
            _check_time(deadline)
            reading = self._exchange(app.request(), deadline=deadline, secrets=app.secrets)
            judging.judge(reading)
            return parsed(reading, lambda fields: answers.access_token(fields, asked_at=asked_at))
        except DingTalkError as failure:
            error = token_error(failure)
        raise error

    def _token_source(
        self, tokens: InternalApp | ThirdPartyApp | TokenSource, store: TokenStore | None
    ) -> TokenSource:
        if not isinstance(tokens, InternalApp | ThirdPartyApp):
            return tokens
        return SharedTokens(
            store=store or MemoryTokenStore(), fetch=lambda deadline: self._fetch_token(tokens, deadline)
        )

    def _until(self, deadline: float | None) -> float:
        return time.monotonic() + self._timeouts.total if deadline is None else deadline


def _checked_base_url(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise ValueError("the address of DingTalk is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError("the address of DingTalk must be http(s)://host, without user, query or fragment")
    return base_url.rstrip("/")


def _forget_location(response: httpx.Response) -> None:
    """Keeps httpx from preparing a request to wherever a redirect points, which it does even unasked."""
    response.headers.pop("location", None)


def _check_time(deadline: float, least: float = 0.0) -> None:
    if deadline - time.monotonic() <= max(least, 0.0):
        raise NotSent(
            message="The time for this attempt was used up before it was sent.", code=codes.NO_TIME_LEFT
        )


def _secrets(token: AccessToken | None, others: Sequence[str]) -> tuple[str, ...]:
    # In a query it may stand with escapes.
    return (*others, token.value, quote(token.value, safe="")) if token else tuple(others)


def _answer(reading: Reading) -> Answer:
    return Answer(http_status=reading.http_status, request_id=reading.request_id, body=reading.excerpt)


def _outcome(union_id: str, asked: Future[ContactUser]) -> tuple[str, ContactUser | DingTalkError]:
    try:
        return union_id, asked.result()
    except DingTalkError as error:
        return union_id, error


def _log(operation: str, begun: float, outcome: str, code: str, request_id: str) -> None:
    """One line a request, without the people in it."""
    milliseconds = (time.monotonic() - begun) * 1000
    logger.info(
        "%s: %s %s in %.0f ms (request %s)",
        operation,
        outcome,
        code or "-",
        milliseconds,
        request_id or "-",
    )
