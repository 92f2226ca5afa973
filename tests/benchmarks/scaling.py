"""Many people: how near the bound that DingTalk sets, what one more person costs, what one more worker gives."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from invites.connecting import close_clients
from invites.delivering import WORKER, deliver
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Attempt, Conference, Invitation, Invitee, Pace, User, Worker
from invites.models.attempt import AttemptState
from invites.models.invitee import Channel
from invites.sending import send
from tests.benchmarks.figures import Figure
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]
LATENCY_MS = 200.0

STRESS_PEOPLE = 10_000
STRESS_BATCH = 20
STRESS_RATE = 50
STRESS_WORKERS = 4
CALLS_IN_FLIGHT = 4

SIZES = (1_000, 10_000, 100_000)
SIZES_BATCH = 100

SHARED_CALLS = 240


def measure(sandbox: SandboxServer) -> list[Figure]:
    """Invitations of thousands, over worker processes of their own."""
    return [*_stress(), *_cost_of_a_person(), *_second_worker()]


def _stress() -> list[Figure]:
    """10,000 people in 500 calls, against the least time that limit, latency and calls in flight allow."""
    calls = STRESS_PEOPLE // STRESS_BATCH
    by_rate = (calls - 1) / STRESS_RATE + LATENCY_MS / 1000
    by_latency = calls / (STRESS_WORKERS * CALLS_IN_FLIGHT) * LATENCY_MS / 1000
    bound = max(by_rate, by_latency)
    with _sandbox(rate=STRESS_RATE) as sandbox, _workers(sandbox, STRESS_WORKERS):
        conference = _conference(batch_size=STRESS_BATCH, calls_per_second=STRESS_RATE)
        took = _until_finished(_sent(conference, STRESS_PEOPLE))
    throttled = Attempt.objects.filter(state=AttemptState.FAILED).count()
    return [
        Figure(
            name="10,000 people in 500 calls / the bound",
            value=took / bound,
            at_most=1.15,
            unit="×",
            detail=f"({took:.1f} s; bound {bound:.1f} s by {STRESS_RATE} calls a second, {by_latency:.1f} s by "
            f"{STRESS_WORKERS} workers × {CALLS_IN_FLIGHT} calls of {LATENCY_MS:.0f} ms; {throttled} throttled)",
        )
    ]


def _cost_of_a_person() -> list[Figure]:
    """What sending and delivering cost this process, a person, for ever longer lists."""
    costs = []
    with _sandbox(latency_ms=0) as sandbox:
        settings.DINGTALK_SANDBOX_URL = sandbox
        for people in SIZES:
            conference = _conference(batch_size=SIZES_BATCH, calls_per_second=500)
            _cost(_drafted(conference, 200))
            costs.append(_cost(_drafted(conference, people)))
            _clear()
        close_clients()
    seconds = [cost.seconds / people * 1e6 for cost, people in zip(costs, SIZES, strict=True)]
    queries = [cost.queries / people for cost, people in zip(costs, SIZES, strict=True)]
    sizes = ", ".join(f"{people:,}" for people in SIZES)
    return [
        Figure(
            name="CPU a person, dearest / cheapest list",
            value=max(seconds) / min(seconds),
            at_most=1.2,
            unit="×",
            detail=f"({', '.join(f'{each:.0f}' for each in seconds)} µs for {sizes} people)",
        ),
        Figure(
            name="queries a person, dearest / cheapest list",
            value=max(queries) / min(queries),
            at_most=1.2,
            unit="×",
            detail=f"({', '.join(f'{each:.3f}' for each in queries)} for {sizes} people)",
        ),
    ]


def _second_worker() -> list[Figure]:
    """The same list with one worker and with two, where nothing but DingTalk's latency holds them up."""
    times = []
    for workers in (1, 2):
        with _sandbox() as sandbox, _workers(sandbox, workers):
            conference = _conference(batch_size=1, calls_per_second=500)
            times.append(_until_finished(_sent(conference, SHARED_CALLS)))
        _clear()
    one, two = times
    return [
        Figure(
            name="half the time that two workers take / the time of one",
            value=two / one * 2 / 2,
            at_most=1 / 1.9,
            unit="×",
            detail=f"({one:.1f} s with one, {two:.1f} s with two: {one / two:.2f} × the work)",
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    seconds: float
    queries: int


def _cost(draft: Invitation) -> _Cost:
    """CPU seconds of this process and queries for sending ``draft`` and delivering all of it."""
    queries = 0

    def count(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(sql, parameters, many, context)

    before = resource.getrusage(resource.RUSAGE_SELF)
    with connection.execute_wrapper(count):
        invitation = send(invitation=draft, revision=0, user=_user())
        while deliver(invitation_id=invitation.pk, policy=WORKER) is not None:
            pass
    after = resource.getrusage(resource.RUSAGE_SELF)
    return _Cost(seconds=after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, queries=queries)


@contextmanager
def _sandbox(*, latency_ms: float = LATENCY_MS, rate: int | None = None) -> Iterator[str]:
    """A sandbox in a process of its own, so that its work is nobody else's; the address."""
    options = ["--port", "0", "--latency", str(latency_ms), *(["--rate", str(rate)] if rate else [])]
    process = subprocess.Popen(
        [sys.executable, "manage.py", "dingtalk_sandbox", *options],
        cwd=ROOT,
        env=environment_of(connection),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdout is None:
            raise AssertionError("it has an output")
        address = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        yield address.rstrip("/.,")
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _workers(sandbox: str, number: int) -> Iterator[None]:
    """``number`` worker processes that are up, and seen to."""
    environment = environment_of(connection) | {"DINGTALK_SANDBOX_URL": sandbox, "LOG_LEVEL": "WARNING"}
    command = [sys.executable, "manage.py", "worker", "--calls-in-flight", str(CALLS_IN_FLIGHT)]
    processes = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(number)]
    try:
        deadline = time.monotonic() + 60
        while Worker.objects.alive().count() < number:
            if time.monotonic() > deadline:
                raise AssertionError("the workers did not start")
            time.sleep(0.1)
        time.sleep(1)
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _conference(*, batch_size: int, calls_per_second: int) -> Conference:
    App.objects.update(batch_size=batch_size, calls_per_second=calls_per_second, rests_until=None)
    Pace.objects.all().delete()
    conference = Conference.objects.first()
    if conference is None:
        raise AssertionError("an earlier benchmark makes one")
    return conference


def _user() -> User:
    return User.objects.all()[0]


def _drafted(conference: Conference, people: int) -> Invitation:
    draft = Invitation.objects.create(conference=conference)
    Invitee.objects.bulk_create(
        (
            Invitee(
                invitation=draft,
                position=n,
                channel=Channel.UNION_ID,
                value=f"p{draft.pk}x{n}0",
                nick=f"N {n}",
            )
            for n in range(people)
        ),
        batch_size=5000,
    )
    return draft


def _sent(conference: Conference, people: int) -> Invitation:
    return send(invitation=_drafted(conference, people), revision=0, user=_user())


def _until_finished(invitation: Invitation) -> float:
    """Seconds from the press to the last record."""
    deadline = time.monotonic() + 300
    while True:
        invitation.refresh_from_db()
        if invitation.finished_at and invitation.sent_at:
            return (invitation.finished_at - invitation.sent_at).total_seconds()
        if time.monotonic() > deadline:
            raise AssertionError(f"not finished at {timezone.now():%H:%M:%S}")
        time.sleep(0.1)


def _clear() -> None:
    """Makes the tables as small as they were, so that the next list is not measured among the rows of this one."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE invites_invitation, django_tasks_database_dbtaskresult CASCADE")
        cursor.execute("ANALYZE")
