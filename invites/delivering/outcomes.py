"""Decides what an answer, or the lack of one, means for an attempt, its people and what comes next. Pure."""

import random
from dataclasses import dataclass
from enum import Enum, auto

from invites.dingtalk import (
    About,
    Answer,
    DingTalkError,
    NotSent,
    OutcomeUnknown,
    StaleToken,
    Throttled,
    UnknownPerson,
    WrongParameters,
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
    # Somebody in it is unknown: find out who by asking the directory, or by trying the halves.
    LOOK_UP = auto()
    HALVE = auto()
    # It may have been too large: try the halves, and all that still wait in that size too.
    SHRINK = auto()
    STOP_INVITATION = auto()


_STILL_PENDING = frozenset({NextStep.REPEAT, NextStep.LOOK_UP, NextStep.HALVE, NextStep.SHRINK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is known of a batch when its attempt ends: ``tries`` counts that attempt, ``elapsed`` is in seconds.

    ``is_part`` says that its people were in a larger one before. Of its invitation, ``largest_taken`` is the largest
    number of people that DingTalk took in one call, ``times_refused`` how often it has given the same code to calls of
    other sizes, and to those for one person.
    """

    people: int
    tries: int
    elapsed: float
    token_was_stale: bool = False
    may_look_up: bool = False
    may_halve: bool = True
    is_part: bool = False
    largest_taken: int = 0
    times_refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What to write down, and what to do.

    ``pause`` is in seconds and only meant for REPEAT; ``rest`` says for how many seconds nobody should call through the
    same app. ``left`` is False where nothing has left this machine, and so no call was spent.
    """

    attempt: AttemptState
    invitee: InviteeState
    next_step: NextStep = NextStep.DONE
    pause: float = 0.0
    token_was_stale: bool = False
    rest: float = 0.0
    left: bool = True
    conference_over: bool = False
    about_person: bool = False
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
    answered_for = InviteeState.PENDING if next_step in _STILL_PENDING else InviteeState.FAILED
    return Outcome(
        attempt=AttemptState.UNKNOWN if unknown else AttemptState.FAILED,
        invitee=InviteeState.UNKNOWN if unknown else answered_for,
        next_step=next_step,
        pause=pause,
        token_was_stale=isinstance(error, StaleToken),
        rest=pause if isinstance(error, Throttled) else 0.0,
        left=error.left,
        conference_over=error.about == About.CONFERENCE,
        about_person=error.about == About.PERSON,
        http_status=error.http_status,
        code=error.code,
        message=error.message,
        request_id=error.request_id,
        excerpt=error.body,
    )


# The whole app, organisation or conference is refused: every other batch would be too.
_STOPS_EVERYTHING = frozenset({About.APP, About.CONFERENCE, About.ORGANISATION})
# So many sizes are tried while DingTalk takes none: from 100 people to 4.
_MOST_TIMES_REFUSED = 5
_LONGEST_GROWN_PAUSE = 60.0
_JITTER = 0.25


def _next_step(error: DingTalkError, *, tried: Tried, policy: RetryPolicy) -> tuple[NextStep, float]:
    in_time = tried.elapsed <= policy.max_elapsed
    match error:
        case UnknownPerson() if tried.people > 1 and tried.may_halve and in_time:
            return (NextStep.LOOK_UP if tried.may_look_up else NextStep.HALVE), 0.0
        case WrongParameters():
            return _next_step_of_wrong_parameters(tried, in_time=in_time), 0.0
        case StaleToken():
            return _next_step_of_stale_token(error, tried, policy=policy), 0.0
        case _ if error.about in _STOPS_EVERYTHING:
            return NextStep.STOP_INVITATION, 0.0
    # Also where this batch is given up: others of the same app are to hear of it.
    pause = _pause(error, tries=tried.tries)
    most_tries = min(policy.max_tries, policy.max_unsent) if isinstance(error, NotSent) else policy.max_tries
    is_bounded = tried.tries < most_tries and tried.elapsed + pause <= policy.max_elapsed
    may_repeat = error.worth_retrying and not error.may_have_rung and is_bounded
    return (NextStep.REPEAT if may_repeat else NextStep.DONE), pause


def _next_step_of_wrong_parameters(tried: Tried, *, in_time: bool) -> NextStep:
    """DingTalk does not say what is wrong: the number of people, one of them, or every call like this one."""
    if tried.largest_taken >= tried.people:
        # Neither the size, then, nor what all calls have in common.
        return NextStep.HALVE if tried.people > 1 and in_time else NextStep.DONE
    if tried.times_refused >= _MOST_TIMES_REFUSED or not in_time:
        return NextStep.STOP_INVITATION
    if tried.people > 1:
        return NextStep.SHRINK
    # Alone after others were tried with this person; they may do without.
    return NextStep.DONE if tried.is_part else NextStep.STOP_INVITATION


def _next_step_of_stale_token(error: StaleToken, tried: Tried, *, policy: RetryPolicy) -> NextStep:
    if not error.refreshable:
        # A token that was pasted by hand: every other call would carry it too.
        return NextStep.STOP_INVITATION
    is_bounded = tried.tries < policy.max_tries and tried.elapsed <= policy.max_elapsed
    return NextStep.REPEAT if is_bounded and not tried.token_was_stale else NextStep.DONE


def _pause(error: DingTalkError, *, tries: int) -> float:
    """Seconds until the next try: 1, 2, 4 … or what DingTalk asks for if that is more, and a little at random."""
    asked = error.rest if isinstance(error, Throttled) else 0.0
    grown = min(2.0 ** (tries - 1), _LONGEST_GROWN_PAUSE)
    return max(asked, grown) * (1 + random.uniform(0, _JITTER))  # noqa: S311 - spreads retries, guards nothing
