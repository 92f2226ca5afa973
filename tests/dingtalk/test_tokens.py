"""Where access tokens come from, how long they are used, and that one caller at a time fetches."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from invites.dingtalk import (
    AccessToken,
    AddressShutOut,
    DingTalkError,
    FixedToken,
    InternalApp,
    MemoryTokenStore,
    NotAuthorised,
    QuotaExhausted,
    ThirdPartyApp,
    Throttled,
    Timeouts,
    TokenUnavailable,
)
from invites.dingtalk.tokens import SharedTokens
from tests.dingtalk.calling import client_answering, invite

START = datetime(2026, 1, 1, tzinfo=UTC)
INTERNAL = InternalApp(client_id="key", client_secret="secret-of-app")
THIRD_PARTY = ThirdPartyApp(
    suite_key="suite", suite_secret="secret-of-suite", auth_corp_id="corp", suite_ticket="ticket-of-suite"
)


@dataclass(slots=True)
class Time:
    """A clock that only moves when somebody sleeps or a test turns it."""

    seconds: float = 0.0
    naps: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds
        self.on_sleep()


class TokenOffice:
    """Gives out numbered tokens of two hours."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.fetched = 0
        self.failure: DingTalkError | None = None

    def fetch(self, deadline: float) -> AccessToken:
        del deadline
        self.fetched += 1
        if self.failure is not None:
            raise self.failure
        return token(f"token-{self.fetched}", self.time, lives=7200)


def token(value: str, time: Time, *, lives: float) -> AccessToken:
    return AccessToken(value=value, expires_at=time.now() + timedelta(seconds=lives))


@dataclass(slots=True)
class Desk:
    """Shared tokens over a store, an office and a clock."""

    time: Time
    store: MemoryTokenStore
    office: TokenOffice
    tokens: SharedTokens

    def value(self, *, within: float = 15) -> str:
        return self.tokens.get(deadline=self.time.seconds + within).value


@pytest.fixture
def desk() -> Desk:
    time = Time()
    store = MemoryTokenStore(clock=time.clock)
    office = TokenOffice(time)
    tokens = SharedTokens(store=store, fetch=office.fetch, now=time.now, clock=time.clock, sleep=time.sleep)
    return Desk(time=time, store=store, office=office, tokens=tokens)


def held_by_another(store: MemoryTokenStore, *, seconds: float) -> None:
    """Another thread takes the lease."""
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(store.acquire_lease, seconds).result()


class TestLifetime:
    def test_first_call_fetches_and_the_second_does_not(self, desk: Desk) -> None:
        assert [desk.value(), desk.value()] == ["token-1", "token-1"]
        assert desk.office.fetched == 1

    def test_token_is_used_until_five_minutes_before_its_end(self, desk: Desk) -> None:
        desk.value()
        desk.time.seconds = 7200 - 300
        assert desk.value() == "token-1"

        desk.time.seconds += 1
        assert desk.value() == "token-2"

    def test_token_that_lives_shorter_than_five_minutes_serves_whoever_fetched_it(self, desk: Desk) -> None:
        desk.store.save(token("short", desk.time, lives=10))

        assert desk.value() == "token-1"

    def test_lease_is_given_back_after_fetching(self, desk: Desk) -> None:
        desk.value()

        assert desk.store.acquire_lease(1)

    def test_lease_is_given_back_after_a_failure(self, desk: Desk) -> None:
        desk.office.failure = TokenUnavailable(message="no", code="tokenUnavailable")
        with pytest.raises(TokenUnavailable):
            desk.value()

        assert desk.store.acquire_lease(1)

    def test_nearly_expired_token_outlives_a_failed_fetch(self, desk: Desk) -> None:
        desk.store.save(token("old", desk.time, lives=120))
        desk.office.failure = TokenUnavailable(message="no", code="tokenUnavailable")

        assert (desk.value(), desk.office.fetched) == ("old", 1)

    def test_refused_credentials_are_told_although_an_old_token_lives(self, desk: Desk) -> None:
        desk.store.save(token("old", desk.time, lives=120))
        desk.office.failure = NotAuthorised(message="no", code="invalidClientIdOrSecret")

        with pytest.raises(NotAuthorised):
            desk.value()


class TestLease:
    def test_nearly_expired_token_is_used_while_another_fetches(self, desk: Desk) -> None:
        desk.store.save(token("old", desk.time, lives=120))
        held_by_another(desk.store, seconds=20)

        assert (desk.value(), desk.office.fetched, desk.time.naps) == ("old", 0, [])

    def test_others_wait_for_the_token_that_one_fetches(self, desk: Desk) -> None:
        held_by_another(desk.store, seconds=20)

        def arrive() -> None:
            if len(desk.time.naps) == 3:
                desk.store.save(token("theirs", desk.time, lives=7200))

        desk.time.on_sleep = arrive

        assert (desk.value(), desk.office.fetched, len(desk.time.naps)) == ("theirs", 0, 3)

    def test_waiting_ends_at_the_deadline(self, desk: Desk) -> None:
        held_by_another(desk.store, seconds=60)

        with pytest.raises(TokenUnavailable) as caught:
            desk.value(within=2)

        assert caught.value.code == "tokenUnavailable"
        assert desk.time.seconds == pytest.approx(2)
        assert desk.office.fetched == 0

    def test_pauses_are_short(self, desk: Desk) -> None:
        held_by_another(desk.store, seconds=60)
        with pytest.raises(TokenUnavailable):
            desk.value(within=5)

        assert min(desk.time.naps) > 0
        assert max(desk.time.naps) <= 0.25

    def test_lease_of_a_process_that_died_ends_by_itself(self, desk: Desk) -> None:
        held_by_another(desk.store, seconds=3)

        assert desk.value() == "token-1"
        assert desk.time.seconds >= 3

    def test_token_saved_between_the_look_and_the_lease_is_used(self, desk: Desk) -> None:
        class Late(MemoryTokenStore):
            def acquire_lease(self, seconds: float) -> bool:
                self.save(token("just-saved", desk.time, lives=7200))
                return super().acquire_lease(seconds)

        tokens = SharedTokens(
            store=Late(clock=desk.time.clock),
            fetch=desk.office.fetch,
            now=desk.time.now,
            clock=desk.time.clock,
            sleep=desk.time.sleep,
        )

        assert (tokens.get(deadline=15).value, desk.office.fetched) == ("just-saved", 0)

    def test_twenty_threads_fetch_one_token(self) -> None:
        fetching = threading.Lock()
        fetched: list[float] = []

        def fetch(deadline: float) -> AccessToken:
            assert fetching.acquire(blocking=False), "two threads fetch at once"
            fetched.append(deadline)
            time.sleep(0.05)
            fetching.release()
            return AccessToken(value="one", expires_at=datetime.now(UTC) + timedelta(hours=2))

        tokens = SharedTokens(store=MemoryTokenStore(), fetch=fetch)
        together = threading.Barrier(20)

        def get(_: int) -> str:
            together.wait()
            return tokens.get(deadline=time.monotonic() + 10).value

        with ThreadPoolExecutor(20) as pool:
            values = list(pool.map(get, range(20)))

        assert (set(values), len(fetched)) == ({"one"}, 1)


class TestDiscard:
    def test_stale_token_is_replaced(self, desk: Desk) -> None:
        desk.tokens.discard(desk.value())

        assert desk.value() == "token-2"

    def test_newer_token_of_another_process_stays(self, desk: Desk) -> None:
        stale = desk.value()
        desk.store.save(token("newer", desk.time, lives=7200))

        desk.tokens.discard(stale)

        assert desk.value() == "newer"

    def test_many_threads_with_one_stale_token_fetch_one_new(self) -> None:
        lock = threading.Lock()
        fetched: list[str] = []

        def office(request: httpx.Request) -> httpx.Response:
            with lock:
                if request.url.path.endswith("accessToken"):
                    fetched.append(f"token-{len(fetched) + 1}")
                    return httpx.Response(200, json={"accessToken": fetched[-1], "expireIn": 7200})
            if request.headers["x-acs-dingtalk-access-token"] == "token-1":
                return httpx.Response(401, json={"code": "InvalidAuthentication"})
            return httpx.Response(200, json={"confInfo": {}})

        with client_answering(office, tokens=INTERNAL) as client, ThreadPoolExecutor(10) as pool:
            asked = [
                pool.submit(client.query_conference_info, conference_id=str(number)) for number in range(30)
            ]
            assert [one.result().conference_id for one in asked] == [str(number) for number in range(30)]

        assert fetched == ["token-1", "token-2"]


class TestMemoryStore:
    def test_lease_is_for_one(self) -> None:
        store = MemoryTokenStore()

        assert [store.acquire_lease(5), store.acquire_lease(5)] == [True, False]

    def test_lease_that_another_thread_holds_is_not_given_back(self) -> None:
        store = MemoryTokenStore()
        held_by_another(store, seconds=5)

        store.release_lease()

        assert not store.acquire_lease(5)

    def test_discard_of_another_token_does_nothing(self) -> None:
        store, clock = MemoryTokenStore(), Time()
        kept = token("kept", clock, lives=1)
        store.save(kept)

        store.discard("other")

        assert store.load() == kept


class TestAccessToken:
    @pytest.mark.parametrize("value", ["", "with blank", "line\nbreak", "tab\t", "ключ", "\x7f"])
    def test_value_that_is_no_header_is_refused_without_being_quoted(self, value: str) -> None:
        with pytest.raises(ValueError, match="visible ASCII") as caught:
            FixedToken(value)

        assert not value or value not in str(caught.value)

    def test_expiry_needs_a_time_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            AccessToken(value="t", expires_at=datetime(2026, 1, 1))  # noqa: DTZ001 - what is tested

    def test_fixed_token_survives_being_called_stale(self) -> None:
        fixed = FixedToken("pasted")
        fixed.discard("pasted")

        assert fixed.get(deadline=0).value == "pasted"


class TestFetching:
    def body_of(self, app: InternalApp | ThirdPartyApp) -> tuple[str, bytes, bool]:
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            return httpx.Response(200, json={"accessToken": "t", "expireIn": 7200, "success": True})

        with client_answering(answer, tokens=app) as client:
            invite(client)
        first = seen[0]
        return first.url.path, first.content, "x-acs-dingtalk-access-token" in first.headers

    def test_internal_app_sends_its_key_and_secret(self) -> None:
        assert self.body_of(INTERNAL) == (
            "/v1.0/oauth2/accessToken",
            b'{"appKey":"key","appSecret":"secret-of-app"}',
            False,
        )

    def test_third_party_app_sends_its_ticket(self) -> None:
        assert self.body_of(THIRD_PARTY) == (
            "/v1.0/oauth2/corpAccessToken",
            (
                b'{"authCorpId":"corp","suiteKey":"suite","suiteSecret":"secret-of-suite",'
                b'"suiteTicket":"ticket-of-suite"}'
            ),
            False,
        )

    @pytest.mark.parametrize(
        ("lifetime", "expected"), [(7200, 7200), (1, 1), (10**12, 86400), (10**400, 86400)]
    )
    def test_token_lives_as_long_as_it_says_but_no_longer_than_a_day(
        self, lifetime: int, expected: float
    ) -> None:
        store = MemoryTokenStore()

        def answer(_: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"accessToken": "t", "expireIn": lifetime, "success": True})

        with client_answering(answer, tokens=INTERNAL, token_store=store) as client:
            invite(client)
        kept = store.load()

        assert kept is not None
        left = (kept.expires_at - datetime.now(UTC)).total_seconds()
        assert left == pytest.approx(expected, abs=5)
        assert left <= expected


def failure_of(answer: httpx.Response | httpx.RequestError) -> DingTalkError:
    """What an invitation fails with when the token call gets `answer`; it must not be sent itself."""
    paths: list[str] = []

    def office(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if isinstance(answer, httpx.RequestError):
            raise answer
        return answer

    with (
        client_answering(office, tokens=THIRD_PARTY, timeouts=Timeouts(total=5)) as client,
        pytest.raises(DingTalkError) as caught,
    ):
        invite(client)
    assert paths == ["/v1.0/oauth2/corpAccessToken"]
    return caught.value


class TestFailedFetch:
    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (httpx.ConnectError("refused"), TokenUnavailable, "tokenUnavailable"),
            (httpx.ConnectTimeout("late"), TokenUnavailable, "tokenUnavailable"),
            (httpx.ReadTimeout("late"), TokenUnavailable, "tokenUnavailable"),
            (httpx.RemoteProtocolError("cut"), TokenUnavailable, "tokenUnavailable"),
            (httpx.Response(302), TokenUnavailable, "tokenUnavailable"),
            (httpx.Response(204), TokenUnavailable, "tokenUnavailable"),
            (httpx.Response(200, json={}), TokenUnavailable, "tokenUnavailable"),
            (httpx.Response(200, html="<p>"), TokenUnavailable, "tokenUnavailable"),
            (httpx.Response(200, json={"accessToken": "t"}), TokenUnavailable, "tokenUnavailable"),
            (
                httpx.Response(200, json={"accessToken": "t", "expireIn": 0}),
                TokenUnavailable,
                "tokenUnavailable",
            ),
            (
                httpx.Response(200, json={"accessToken": "a b", "expireIn": 7200}),
                TokenUnavailable,
                "tokenUnavailable",
            ),
            (
                httpx.Response(200, json={"accessToken": ["t"], "expireIn": 7200}),
                TokenUnavailable,
                "tokenUnavailable",
            ),
            (httpx.Response(502, html="<p>"), TokenUnavailable, "tokenUnavailable"),
            (httpx.Response(500, json={"code": "systemError"}), TokenUnavailable, "systemError"),
            (
                httpx.Response(400, json={"code": "invalidClientIdOrSecret"}),
                NotAuthorised,
                "invalidClientIdOrSecret",
            ),
            (httpx.Response(400, json={"code": "invalidSuiteTicket"}), NotAuthorised, "invalidSuiteTicket"),
            (httpx.Response(400, json={"code": "unheardOf"}), NotAuthorised, "unheardOf"),
            (httpx.Response(401), NotAuthorised, "http_401"),
            (httpx.Response(404, html="<p>"), NotAuthorised, "http_404"),
            (
                httpx.Response(401, json={"code": "InvalidAuthentication"}),
                NotAuthorised,
                "InvalidAuthentication",
            ),
            (httpx.Response(429), Throttled, "http_429"),
            (httpx.Response(403, html="<p>punish"), AddressShutOut, "addressShutOut"),
            (
                httpx.Response(403, json={"code": "Forbidden.AccessDenied.ApiCountLimitForOrg"}),
                QuotaExhausted,
                "Forbidden.AccessDenied.ApiCountLimitForOrg",
            ),
        ],
    )
    def test_failure_has_its_class_and_nobody_rang(
        self, answer: Any, kind: type[DingTalkError], code: str
    ) -> None:
        error = failure_of(answer)

        assert (type(error), error.code, error.may_have_rung) == (kind, code, False)

    def test_message_says_what_happened(self) -> None:
        error = failure_of(httpx.Response(400, json={"code": "invalidSuiteTicket", "message": "old ticket"}))

        assert error.message == "No access token: invalidSuiteTicket: old ticket"

    @pytest.mark.parametrize("status", [200, 400, 429, 500])
    def test_neither_secrets_nor_tokens_are_told(self, status: int) -> None:
        echo = {"access_token": "fresh-token", "message": "secret-of-suite and ticket-of-suite", "code": "c"}
        error = failure_of(httpx.Response(status, json=echo))

        told = f"{error!r} {error} {error.__dict__} {error.__context__} {error.__cause__}"
        for secret in ("fresh-token", "secret-of-suite", "ticket-of-suite"):
            assert secret not in told
        assert error.body == ""
