"""Decides what an answer, or the lack of one, means for an attempt, its people and what comes next. Pure."""

import random
from dataclasses import dataclass
from enum import Enum, auto

from invites.dingtalk import (
    About,
    AddressShutOut,
    Answer,
    DingTalkError,
    NotSent,
    OutcomeUnknown,
    StaleToken,
    Throttled,
    UnknownPerson,
)
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState

PROCESS_DIED = "processDied"
"""Our own code of an attempt whose process ended before it could write what came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient a sender is with one batch.

    A repetition begins at most ``max_elapsed`` seconds after the first try, and there are at most ``max_tries``
    tries in all, of which at most ``max_unsent`` may have failed to reach DingTalk.
    """

    max_tries: int
    max_unsent: int
    max_elapsed: float


WORKER = RetryPolicy(max_tries=10, max_unsent=5, max_elapsed=900.0)
# The last attempt may take 15 s, so that a batch is over within 50 s of its first try.
COMMAND_LINE = RetryPolicy(max_tries=6, max_unsent=4, max_elapsed=35.0)


class NextStep(Enum):
    """What happens to a batch after an attempt."""

    DONE = auto()
    REPEAT = auto()
    HALVE = auto()
    STOP_INVITATION = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is known of a batch when its attempt ends: ``tries`` counts that attempt, ``elapsed`` is in seconds."""

    people: int
    tries: int
    elapsed: float
    token_was_stale: bool
    may_halve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What to write down, and what to do. ``pause`` is in seconds and only meant for REPEAT."""

    attempt: AttemptState
    invitee: InviteeState
    next_step: NextStep = NextStep.DONE
    pause: float = 0.0
    token_was_stale: bool = False
    shut_out: bool = False
    conference_over: bool = False
    http_status: int | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    excerpt: str = ""


def outcome_of_answer(answer: Answer) -> Outcome:
    """DingTalk took the whole call."""
    return Outcome(
        attempt=AttemptState.SUCCEEDED,
        invitee=InviteeState.INVITED,
        http_status=answer.http_status,
        request_id=answer.request_id,
        excerpt=answer.body,
    )


def outcome_of_process_death() -> Outcome:
    """Nobody is left who could say what came back."""
    return Outcome(attempt=AttemptState.UNKNOWN, invitee=InviteeState.UNKNOWN, code=PROCESS_DIED)


def outcome_of_error(error: DingTalkError, *, tried: Tried, policy: RetryPolicy) -> Outcome:
    """What a failed call means, by the table "What an outcome means" of the design."""
    unknown = isinstance(error, OutcomeUnknown)
    next_step, pause = _next_step(error, tried=tried, policy=policy)
    still_pending = next_step in {NextStep.REPEAT, NextStep.HALVE}
    answered_for = InviteeState.PENDING if still_pending else InviteeState.FAILED
    return Outcome(
        attempt=AttemptState.UNKNOWN if unknown else AttemptState.FAILED,
        invitee=InviteeState.UNKNOWN if unknown else answered_for,
        next_step=next_step,
        pause=pause,
        token_was_stale=isinstance(error, StaleToken),
        shut_out=isinstance(error, AddressShutOut),
        conference_over=error.about == About.CONFERENCE,
        http_status=error.http_status,
        code=error.code,
        message=error.message,
        request_id=error.request_id,
        excerpt=error.body,
    )


# The whole app, organisation or conference is refused: every other batch would be too.
_STOPS_EVERYTHING = frozenset({About.APP, About.CONFERENCE, About.ORGANISATION})
_LONGEST_GROWN_PAUSE = 60.0
_JITTER = 0.25


def _next_step(error: DingTalkError, *, tried: Tried, policy: RetryPolicy) -> tuple[NextStep, float]:
    in_time = tried.elapsed <= policy.max_elapsed
    if isinstance(error, UnknownPerson) and tried.people > 1 and tried.may_halve and in_time:
        return NextStep.HALVE, 0.0
    if error.about in _STOPS_EVERYTHING:
        return NextStep.STOP_INVITATION, 0.0
    if not error.worth_retrying or error.may_have_rung or tried.tries >= policy.max_tries or not in_time:
        return NextStep.DONE, 0.0
    if isinstance(error, StaleToken):
        return (NextStep.DONE if tried.token_was_stale else NextStep.REPEAT), 0.0
    if isinstance(error, NotSent) and tried.tries >= policy.max_unsent:
        return NextStep.DONE, 0.0
    pause = _pause(error, tries=tried.tries)
    return (NextStep.REPEAT if tried.elapsed + pause <= policy.max_elapsed else NextStep.DONE), pause


def _pause(error: DingTalkError, *, tries: int) -> float:
    """Seconds until the next try: 1, 2, 4 … or what DingTalk asks for if that is more, and a little at random."""
    asked = error.rest if isinstance(error, Throttled) else 0.0
    grown = min(2.0 ** (tries - 1), _LONGEST_GROWN_PAUSE)
    return max(asked, grown) * (1 + random.uniform(0, _JITTER))  # noqa: S311 - spreads retries, guards nothing
