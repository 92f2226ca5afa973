"""What adding one person to a long draft costs the server, and taking over the people of a large invitation."""

import time

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invites import clock, composing
from invites.dingtalk.sandbox import SandboxServer
from invites.models import Conference, Invitation, Invitee, User
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel
from tests.benchmarks.figures import Figure, milliseconds

LONG = 200
ROUNDS = 100
LARGE = 10_000


def measure(_sandbox: SandboxServer) -> list[Figure]:
    """Adds people to a draft of 200 through the page's own address; counts queries beside a draft of 10."""
    user, conference = User.objects.first(), Conference.objects.first()
    if user is None or conference is None:
        raise AssertionError("an earlier benchmark makes them")
    client = Client(headers={"HX-Request": "true", "HX-Target": "composer"})
    client.force_login(user)
    draft = Invitation.objects.create(conference=conference)
    _fill(draft, 10)
    short = _queries(client, conference, "short")
    _fill(draft, LONG)
    long = _queries(client, conference, "long")
    took = []
    for number in range(ROUNDS):
        begun = time.perf_counter()
        _add(client, conference, f"adding{number}")
        took.append(time.perf_counter() - begun)
        Invitee.objects.get(invitation=draft, value=f"adding{number}").delete()
    draft.invitees.all().delete()
    draft.delete()
    median, high = milliseconds(took)
    return [
        Figure(
            name=f"adding one person to a draft of {LONG}, median",
            value=median,
            at_most=30,
            unit="ms",
            detail=f"(95th percentile {high:.1f} ms)",
        ),
        Figure(
            name=f"queries of it, beside a draft of 10 ({short})", value=long, at_most=short, unit="queries"
        ),
        _taking_over(user, conference),
    ]


def _taking_over(user: User, conference: Conference) -> Figure:
    """Fills the composer with an earlier invitation's people, beside pasting the same people."""
    earlier = Invitation.objects.create(conference=conference)
    _fill(earlier, LARGE)
    text = "\n".join(f"{person.nick}, {person.value}" for person in earlier.invitees.in_order())
    with transaction.atomic():
        earlier.state = InvitationState.FINISHED
        earlier.sent_at = earlier.finished_at = timezone.now()
        earlier.day = clock.day_of(earlier.sent_at)
        earlier.save()
        draft = composing.open_draft(conference=conference)
        begun = time.perf_counter()
        composing.add_text(draft=draft, text=text, user=user)
        paste = time.perf_counter() - begun
        composing.clear(draft=draft, user=user)
        begun = time.perf_counter()
        composing.add_invitation(draft=draft, invitation=earlier, user=user)
        took = time.perf_counter() - begun
        transaction.set_rollback(True)
    earlier.invitees.all().delete()
    earlier.delete()
    return Figure(
        name=f"taking over {LARGE:,} people, beside pasting them ({paste:.1f} s)",
        value=took,
        at_most=paste,
        unit="s",
    )


def _fill(draft: Invitation, count: int) -> None:
    have = draft.invitees.count()
    Invitee.objects.bulk_create(
        Invitee(invitation=draft, position=n, channel=Channel.UNION_ID, value=f"filled{n}", nick=f"N {n}")
        for n in range(have, count)
    )


def _queries(client: Client, conference: Conference, value: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        _add(client, conference, f"query-{value}-1")
    return len(queries)


def _add(client: Client, conference: Conference, value: str) -> None:
    answer = client.post(f"/conferences/{conference.pk}/draft/add/", {"text": f"Somebody, {value}"})
    if answer.status_code not in {200, 302}:
        raise AssertionError(f"adding answered {answer.status_code}")
