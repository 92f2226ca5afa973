"""Calls people into the quiet conference of the timed sandbox, and reads who is in it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from invites import observing
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.events import Channel, Person
from invites.dingtalk.sandbox.routes import Operation
from invites.models import Conference, Member, Observation
from tests.invites.conftest import QUIET_CONFERENCE


def ring(sandbox: SandboxServer, *people: str, nick: str = "") -> None:
    """Calls people without a request, as the sandbox does for itself; a plus sign makes a phone number."""
    called = [
        Person(
            channel=Channel.PHONE if value.startswith("+") else Channel.UNION_ID,
            value=value,
            nick=nick or f"N {value}",
        )
        for value in people
    ]
    assert sandbox._exchange.state.ring(QUIET_CONFERENCE, called)


def ask(conference: Conference) -> None:
    """As `invites.watching` does when somebody looks and a reading is due."""
    now = timezone.now()
    Observation.objects.begin(conference.pk)
    Observation.objects.of(conference.pk).update(
        watched_at=now, next_read_at=now, leased_until=now + timedelta(seconds=20)
    )


def read(conference: Conference) -> Observation:
    """One reading, whatever the pauses say, and what is noted of it."""
    ask(conference)
    observing.read(conference.pk)
    return Observation.objects.get(pk=conference.pk)


def asked(sandbox: SandboxServer, operation: Operation = Operation.MEMBERS) -> int:
    """How often an operation reached the sandbox."""
    return sum(received.operation is operation for received in sandbox.received)


def attendances(conference: Conference) -> dict[str, str]:
    """What is on record of each member, by unionId."""
    return dict(Member.objects.of(conference).values_list("union_id", "attendance"))


def seconds_until_next(observation: Observation) -> float:
    """How long the pause is that a reading left."""
    assert observation.next_read_at is not None
    return (observation.next_read_at - timezone.now()).total_seconds()


def about(*seconds: float) -> list[Any]:
    """What `seconds_until_next` says right after a reading, on a machine that may have much else to do."""
    return [pytest.approx(each - 0.6, abs=0.7) for each in seconds]
