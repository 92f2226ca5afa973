"""How long an idle worker takes from the press to the first byte at DingTalk, and what idling costs it."""

import os
import subprocess
import sys
import time
from pathlib import Path

from django.db import connection
from django.test import Client

from invites.dingtalk.sandbox import SandboxServer
from invites.models import Conference, Invitation, Invitee, User, Worker
from invites.models.invitee import Channel
from tests.benchmarks.figures import Figure, milliseconds
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]
PRESSES = 60
IDLE_SECONDS = 20.0
# What a worker does once at its start is not what idling costs.
SETTLING_SECONDS = 8.0


def measure(sandbox: SandboxServer) -> list[Figure]:
    """Presses Invite through the web page's own address while one worker process idles."""
    user, conference = User.objects.first(), Conference.objects.first()
    if user is None or conference is None:
        raise AssertionError("an earlier benchmark makes them")
    client = Client()
    client.force_login(user)
    worker = _start_worker(sandbox)
    try:
        time.sleep(SETTLING_SECONDS)
        before = _cpu_seconds(worker.pid)
        time.sleep(IDLE_SECONDS)
        idle = 100 * (_cpu_seconds(worker.pid) - before) / IDLE_SECONDS
        delays = [_press(client, conference, sandbox, number) for number in range(PRESSES)]
    finally:
        worker.terminate()
        worker.wait()
    median, high = milliseconds(delays)
    return [
        Figure(
            name="press to first byte, 95th percentile",
            value=high,
            at_most=500,
            unit="ms",
            detail=f"(median {median:.0f} ms, {PRESSES} presses)",
        ),
        Figure(
            name="idle worker",
            value=idle,
            at_most=2,
            unit="% of a core",
            detail=f"(over {IDLE_SECONDS:.0f} s)",
        ),
    ]


def _start_worker(sandbox: SandboxServer) -> subprocess.Popen[bytes]:
    environment = environment_of(connection) | {"DINGTALK_SANDBOX_URL": sandbox.base_url}
    worker = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment)
    deadline = time.monotonic() + 30
    while not Worker.objects.alive().exists():
        if time.monotonic() > deadline or worker.poll() is not None:
            raise AssertionError("the worker did not start")
        time.sleep(0.1)
    return worker


def _press(client: Client, conference: Conference, sandbox: SandboxServer, number: int) -> float:
    draft = Invitation.objects.create(conference=conference)
    Invitee.objects.create(
        invitation=draft, position=0, channel=Channel.UNION_ID, value=f"press{number}", nick="Pressed"
    )
    # An idle worker, not one that has just finished: it sleeps at a random point of its interval.
    time.sleep(0.3 + (number % 10) * 0.02)
    begun = time.time()
    answer = client.post(f"/conferences/{conference.pk}/draft/send/", {"revision": draft.revision})
    if answer.status_code != 302:
        raise AssertionError(f"Invite answered {answer.status_code}")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for post in reversed(sandbox.invitations):
            if post.people[0].value == f"press{number}":
                return post.at - begun
        time.sleep(0.005)
    raise AssertionError("nothing arrived at the sandbox")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
