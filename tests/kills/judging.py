"""Compares the sandbox's own journal with the database, person by person, after everything has come to rest."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from invites.delivering import PROCESS_DIED
from invites.dingtalk.calls import INVITE_USERS
from invites.models import Attempt, CallCount, Invitation, Invitee
from invites.models.attempt import AttemptState
from invites.models.invitation import OVER, UNSENT
from invites.models.invitee import InviteeState

NOT_KNOWN = "unknown-"
"""How the sandbox recognises a unionId that is nobody's."""

type People = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time in which the database was away, in seconds since 1970."""

    begin: float
    end: float


@dataclass(slots=True, kw_only=True)
class Post:
    """An invitation as the sandbox received it. ``status`` is None where its answer was not sent."""

    people: People
    answered_at: float
    status: int | None = None

    @property
    def may_have_rung(self) -> bool:
        """Whether phones may have rung, as far as whoever sent it could know."""
        return self.status is None or self.status in {200, 502}


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found. ``lost`` and ``doubled`` say who, in sentences."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invitations: int = 0
    people: int = 0
    posts: int = 0
    cut_off: int = 0
    unanswered: int = 0
    answered_meanwhile: int = 0
    unknown: int = 0


def judge(journal: Path, *, latency: float, away: Sequence[Span]) -> Verdict:
    """Holds every post in ``journal`` against every attempt, person and invitation of the database.

    The sandbox took ``latency`` seconds for each of its answers, and the database was ``away`` at times.
    """
    posts = _posts(journal, latency=latency)
    answered = [post.answered_at for post in posts.values()]
    attempts = list(Attempt.objects.with_people())
    unknown = [attempt for attempt in attempts if attempt.state == AttemptState.UNKNOWN]
    verdict = Verdict(
        invitations=Invitation.objects.sent().count(),
        people=Invitee.objects.exclude(invitation__state__in=UNSENT).count(),
        posts=len(posts),
        cut_off=sum(attempt.error_code == PROCESS_DIED for attempt in unknown),
        unanswered=sum(attempt.error_code != PROCESS_DIED for attempt in unknown),
        answered_meanwhile=sum(span.begin < moment < span.end for span in away for moment in answered),
        unknown=Invitee.objects.with_state(InviteeState.UNKNOWN).count(),
    )
    _judge_record(verdict, posts, attempts)
    _judge_people(verdict, posts)
    _judge_invitations(verdict)
    return verdict


def _posts(journal: Path, *, latency: float) -> dict[str, Post]:
    """Every invitation that was received, by its request id."""
    posts = {}
    for line in journal.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if entry["kind"] == "received" and entry["operation"] == "invite":
            people = tuple(sorted(person["value"] for person in entry["people"]))
            posts[entry["requestId"]] = Post(people=people, answered_at=entry["at"] + latency)
        elif entry["kind"] == "answered" and entry["requestId"] in posts:
            posts[entry["requestId"]].status = entry["status"]
    return posts


def _people_of(attempt: Attempt) -> People:
    return tuple(sorted(sent.invitee.value for sent in attempt.people_sent.all()))


def _judge_record(verdict: Verdict, posts: dict[str, Post], attempts: list[Attempt]) -> None:
    """Whether all that was received is on record, as it was answered, and counted."""
    received = Counter(post.people for post in posts.values())
    on_record = Counter(_people_of(attempt) for attempt in attempts)
    for people in received - on_record:
        verdict.lost.append(
            f"{received[people]} posts of {people} have {on_record[people]} attempts on record"
        )
    for attempt in attempts:
        if attempt.state == AttemptState.STARTED:
            verdict.lost.append(f"attempt {attempt.pk} has no outcome")
        elif attempt.request_id:
            post = posts.get(attempt.request_id)
            if post is None or (post.people, post.status) != (_people_of(attempt), attempt.http_status):
                verdict.lost.append(
                    f"attempt {attempt.pk} ({attempt.http_status}) is not what was received: {post}"
                )
    counted = sum(CallCount.objects.filter(operation=INVITE_USERS).values_list("calls", flat=True))
    if not len(posts) <= counted <= len(attempts):
        verdict.lost.append(
            f"{counted} calls are counted, of {len(posts)} received and {len(attempts)} on record"
        )


def _judge_people(verdict: Verdict, posts: dict[str, Post]) -> None:
    """Whether everybody rang as often as people asked, and is told of truly."""
    rung = Counter(value for post in posts.values() if post.may_have_rung for value in post.people)
    asked: Counter[str] = Counter()
    invited: Counter[str] = Counter()
    people = Invitee.objects.exclude(invitation__state__in=UNSENT)
    fields = ("value", "state", "invitation_id", "skipped_because", "last_attempt__error_code")
    for value, state, invitation, because, code in people.values_list(*fields):
        asked[value] += 1
        is_nobody = value.startswith(NOT_KNOWN)
        match state:
            case InviteeState.INVITED if not is_nobody:
                invited[value] += 1
            case InviteeState.UNKNOWN:
                pass
            case InviteeState.FAILED if is_nobody:
                pass
            case InviteeState.SKIPPED if because:
                pass
            case _:
                verdict.lost.append(f"{value} of invitation {invitation} is {state} ({code})")
    for value, times in rung.items():
        if times > asked[value]:
            verdict.doubled.append(f"{value} was called {times} times, and asked for {asked[value]} times")
    for value, times in invited.items():
        if times > rung[value]:
            verdict.lost.append(f"{value} counts as invited {times} times and was called {rung[value]} times")


def _judge_invitations(verdict: Verdict) -> None:
    """Whether each press made one invitation, and each of these is over."""
    for invitation in Invitation.objects.sent().exclude(state__in=OVER):
        verdict.lost.append(f"invitation {invitation.pk} is {invitation.state}")
    first = Invitee.objects.exclude(invitation__state__in=UNSENT).filter(invitation__repeats=None)
    listed = Counter(first.values_list("value", flat=True))
    verdict.doubled += [f"{value} is on {times} lists" for value, times in listed.items() if times > 1]
    repeated = Counter(Invitation.objects.exclude(repeats=None).values_list("repeats", flat=True))
    verdict.doubled += [
        f"invitation {pk} was repeated {times} times" for pk, times in repeated.items() if times > 1
    ]
    # What the attempts say for themselves, invitation by invitation.
    counted: Counter[tuple[int, int]] = Counter()
    may_have_rung = Attempt.objects.filter(state__in=[AttemptState.SUCCEEDED, AttemptState.UNKNOWN])
    for attempt in may_have_rung.with_people():
        counted.update((attempt.invitation_id, sent.invitee_id) for sent in attempt.people_sent.all())
    for (pk, person), times in counted.items():
        if times > 1:
            verdict.doubled.append(f"person {person} is in {times} calls of invitation {pk}")
