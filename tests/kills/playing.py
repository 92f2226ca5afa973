"""Plays it all: people send, processes are killed, DingTalk has bad days; then everything comes to rest."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from threading import Event

from django.db import transaction
from django.utils import timezone

from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Attempt, Conference, Invitation, User
from invites.models.app import AppKind
from invites.models.attempt import AttemptState
from invites.models.conference import ConferenceStatus
from invites.models.user import Role
from tests.kills.judging import Span
from tests.kills.processes import Processes
from tests.kills.senders import Sender, patiently
from tests.services.postgres import PostgresServer

BATCH_SIZE = 4
CALLS_PER_SECOND = 200
REST_SECONDS = 60.0
START_SECONDS = 30.0
SAYS_EVERY = 100
# A kill waits for so many calls under way, at most so long.
CALLS_UNDER_WAY = 4
CALLS_SECONDS = 10.0


class Kind(StrEnum):
    """What is killed."""

    WORKER = "workers"
    WEB_PROCESS = "processes of the web server"
    WEB_SERVER = "whole web servers"
    DATABASE = "whole database servers"


# How often each is killed, of a hundred.
SHARES: Mapping[Kind, int] = {Kind.WORKER: 75, Kind.WEB_PROCESS: 12, Kind.WEB_SERVER: 8, Kind.DATABASE: 5}
AT_LEAST = 2

# What DingTalk does now and then, for how many calls, of a hundred blows each.
FAULTS: tuple[tuple[int, dict[str, object]], ...] = (
    (10, {"fault": "latency", "seconds": 0.6, "times": 4}),
    (5, {"fault": "drop"}),
    (3, {"fault": "drop_mid_body"}),
    (2, {"fault": "html_502"}),
    (2, {"fault": "reset", "effect": "before"}),
    (3, {"fault": "throttled", "retry_after": 1}),
)
TOKENS_EXPIRE = 5
# Two in a row are taken for a refusal that lasts.
TOKENS_LIVE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how hard. ``pause`` is the mean time between two blows in seconds, each of which kills one to three;
    ``away`` is for how long the database then is not there; ``only`` names what is killed where that is not everything.
    """

    kills: int
    seed: int
    pause: float
    away: float = 0.3
    only: Kind | None = None
    is_weather_fair: bool = False
    workers: int = 4
    calls_in_flight: int = 4
    senders: int = 4

    def most_cut_off(self, kills: Counter[Kind]) -> int:
        """How many calls can have been under way when something died that they need: a worker, or the database."""
        return (kills[Kind.WORKER] + kills[Kind.DATABASE] * self.workers) * self.calls_in_flight


@dataclass(slots=True, kw_only=True)
class Played:
    """What was done."""

    kills: Counter[Kind]
    presses: int
    seconds: float
    rested_after: float
    away: list[Span]
    mistakes: list[str]


def play(plan: Plan, *, sandbox: SandboxServer, postgres: PostgresServer | None, log: str) -> Played:
    """Plays ``plan`` on an empty database, SQLite where there is no ``postgres``, and lets everything come to rest."""
    app = App.objects.create(
        name="sandbox", kind=AppKind.SANDBOX, batch_size=BATCH_SIZE, calls_per_second=CALLS_PER_SECOND
    )
    user = User.objects.create_user("organizer", role=Role.ORGANIZER, union_id="operator-of-organizer")
    processes = Processes(workers=plan.workers, calls_in_flight=plan.calls_in_flight, log=log)
    with processes, ThreadPoolExecutor(plan.senders) as pool:
        senders = [
            Sender(
                number,
                user=user,
                conference=_conference(app, user, sandbox),
                address=processes.address,
                seed=plan.seed,
            )
            for number in range(plan.senders)
        ]
        is_over = Event()
        waiting = 2 * plan.workers * plan.calls_in_flight
        sending = [pool.submit(sender.send_until, is_over, waiting=waiting) for sender in senders]
        begin = time.monotonic()
        killer = _Killer(plan, processes, sandbox, postgres)
        try:
            kills = killer.kill_all()
        finally:
            is_over.set()
        for each in sending:
            each.result()
        all_sent = time.monotonic()
        _wait_for_rest()
        end = time.monotonic()
    return Played(
        kills=kills,
        presses=sum(sender.presses for sender in senders),
        seconds=end - begin,
        rested_after=end - all_sent,
        away=killer.away,
        mistakes=[mistake for sender in senders for mistake in sender.mistakes],
    )


class _Killer:
    def __init__(
        self, plan: Plan, processes: Processes, sandbox: SandboxServer, postgres: PostgresServer | None
    ) -> None:
        self._plan, self._processes, self._sandbox, self._postgres = plan, processes, sandbox, postgres
        self._rng = random.Random(plan.seed)
        self._tokens_live_until = time.monotonic()
        self.away: list[Span] = []
        self._strike: Mapping[Kind, Callable[[], None]] = {
            Kind.WORKER: lambda: processes.kill_worker(self._rng),
            Kind.WEB_PROCESS: lambda: processes.kill_web_process(self._rng),
            Kind.WEB_SERVER: processes.kill_web_server,
            Kind.DATABASE: self._take_database_away,
        }

    def kill_all(self) -> Counter[Kind]:
        done: Counter[Kind] = Counter()
        self._wait_for_the_first_answer()
        for blow in self._blows():
            time.sleep(self._rng.uniform(0.0, 2 * self._plan.pause))
            if not self._plan.is_weather_fair:
                self._spoil_the_weather()
            self._wait_for_calls(at_most=CALLS_SECONDS)
            for kind in blow:
                self._strike[kind]()
                done[kind] += 1
            if done.total() // SAYS_EVERY > (done.total() - len(blow)) // SAYS_EVERY:
                print(f"{done.total()} killed", flush=True)
        return done

    def _blows(self) -> Iterator[list[Kind]]:
        """Who dies, in which order, and who at the same time."""
        kinds = self._kinds()
        while kinds:
            size = self._rng.choice((1, 1, 1, 2, 3))
            blow, kinds = kinds[:size], kinds[size:]
            yield blow

    def _kinds(self) -> list[Kind]:
        shares = {kind: share for kind, share in SHARES.items() if self._plan.only in {None, kind}}
        kinds = [kind for kind in shares for _ in range(AT_LEAST)][: self._plan.kills]
        rest = self._plan.kills - len(kinds)
        kinds += self._rng.choices(list(shares), weights=list(shares.values()), k=rest)
        self._rng.shuffle(kinds)
        return kinds

    def _take_database_away(self) -> None:
        begin = time.time()
        if self._postgres is None:
            begin = self._keep_others_from_writing()
        else:
            self._postgres.kill()
            time.sleep(self._plan.away)
            self._postgres.start()
        self.away.append(Span(begin=begin, end=time.time()))

    def _keep_others_from_writing(self) -> float:
        """Since when: SQLite has no server, and what comes nearest is somebody who does not finish writing."""
        deadline = time.monotonic() + CALLS_SECONDS
        while True:
            with transaction.atomic():
                # Whoever waits for the one lock there is may get it when the calls are over.
                if self._calls_under_way() or time.monotonic() > deadline:
                    begin = time.time()
                    time.sleep(self._plan.away)
                    return begin
            time.sleep(0.05)

    def _wait_for_the_first_answer(self) -> None:
        """From then on there is an access token: before, calls that have begun wait for one, and nothing has left."""
        deadline = time.monotonic() + START_SECONDS
        answered = Attempt.objects.filter(state=AttemptState.SUCCEEDED)
        while not patiently(answered.exists) and time.monotonic() < deadline:
            time.sleep(0.02)

    def _wait_for_calls(self, *, at_most: float) -> None:
        """Until several calls are under way: that is the moment that matters; or ``at_most`` so many seconds."""
        deadline = time.monotonic() + at_most
        while patiently(self._calls_under_way) < CALLS_UNDER_WAY and time.monotonic() < deadline:
            time.sleep(0.02)

    def _calls_under_way(self) -> int:
        """Those that have just begun: older ones may be those of the dead."""
        moment = timezone.now() - timedelta(milliseconds=self._sandbox.latency_ms)
        return Attempt.objects.filter(state=AttemptState.STARTED, started_at__gte=moment).count()

    def _spoil_the_weather(self) -> None:
        for share, fault in FAULTS:
            if self._rng.random() * 100 < share:
                settings = dict(fault)
                self._sandbox.add_fault(str(settings.pop("fault")), **settings)
        if self._rng.random() * 100 < TOKENS_EXPIRE and time.monotonic() > self._tokens_live_until:
            self._sandbox.expire_tokens()
            self._tokens_live_until = time.monotonic() + TOKENS_LIVE_SECONDS


def _conference(app: App, user: User, sandbox: SandboxServer) -> Conference:
    conference = sandbox.add_conference()
    return Conference.objects.create(
        app=app, owner=user, conference_id=conference.conference_id, status=ConferenceStatus.OPEN
    )


def _wait_for_rest() -> None:
    """Until every invitation is over, or so long that whatever is not over never will be."""
    deadline = time.monotonic() + REST_SECONDS
    while patiently(Invitation.objects.under_way().exists) and time.monotonic() < deadline:
        time.sleep(0.1)
