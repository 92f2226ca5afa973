"""What an answer means for people and what comes next, without a database or a network."""

from typing import Any

import pytest

from invites.delivering.outcomes import (
    COMMAND_LINE,
    WORKER,
    NextStep,
    Outcome,
    Tried,
    outcome_of_answer,
    outcome_of_error,
)
from invites.dingtalk import (
    AddressShutOut,
    Answer,
    Broken,
    ConferenceOver,
    DingTalkError,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    StaleToken,
    Throttled,
    TokenUnavailable,
    UnknownPerson,
    UnreadableAnswer,
    WrongParameters,
)
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState


def tried(*, stale: bool = False, **facts: Any) -> Tried:
    return Tried(**({"people": 5, "tries": 1, "elapsed": 0.0, "token_was_stale": stale} | facts))


def judged(error: DingTalkError, what: Tried | None = None) -> Outcome:
    return outcome_of_error(error, tried=what or tried(), policy=WORKER)


FAILED, UNKNOWN = AttemptState.FAILED, AttemptState.UNKNOWN


class TestMeaning:
    def test_success_invites_everybody(self) -> None:
        outcome = outcome_of_answer(Answer(http_status=200, request_id="r1", body="{}"))
        assert (outcome.attempt, outcome.invitee) == (AttemptState.SUCCEEDED, InviteeState.INVITED)
        assert outcome.next_step is NextStep.DONE

    @pytest.mark.parametrize(
        ("error", "attempt", "invitee", "next_step"),
        [
            (Refused, FAILED, InviteeState.FAILED, NextStep.DONE),
            (Broken, FAILED, InviteeState.FAILED, NextStep.DONE),
            (OutcomeUnknown, UNKNOWN, InviteeState.UNKNOWN, NextStep.DONE),
            (UnreadableAnswer, UNKNOWN, InviteeState.UNKNOWN, NextStep.DONE),
            (NotSent, FAILED, InviteeState.PENDING, NextStep.REPEAT),
            (TokenUnavailable, FAILED, InviteeState.PENDING, NextStep.REPEAT),
            (Throttled, FAILED, InviteeState.PENDING, NextStep.REPEAT),
            (AddressShutOut, FAILED, InviteeState.PENDING, NextStep.REPEAT),
            (StaleToken, FAILED, InviteeState.PENDING, NextStep.REPEAT),
            (UnknownPerson, FAILED, InviteeState.PENDING, NextStep.HALVE),
            (WrongParameters, FAILED, InviteeState.PENDING, NextStep.SHRINK),
            (NotAuthorised, FAILED, InviteeState.FAILED, NextStep.STOP_INVITATION),
            (ConferenceOver, FAILED, InviteeState.FAILED, NextStep.STOP_INVITATION),
            (QuotaExhausted, FAILED, InviteeState.FAILED, NextStep.STOP_INVITATION),
        ],
    )
    def test_each_kind_of_error_has_its_consequence(
        self, error: type[DingTalkError], attempt: AttemptState, invitee: InviteeState, next_step: NextStep
    ) -> None:
        outcome = judged(error(message="why", code="someCode", request_id="r1", http_status=400))
        assert (outcome.attempt, outcome.invitee, outcome.next_step) == (attempt, invitee, next_step)
        assert (outcome.code, outcome.message, outcome.request_id) == ("someCode", "why", "r1")

    def test_nothing_that_may_have_rung_is_ever_repeated_or_halved(self) -> None:
        for error in (OutcomeUnknown, UnreadableAnswer, Broken):
            assert judged(error(message="", code="c")).next_step is NextStep.DONE


class TestRetrying:
    def test_stale_token_is_refreshed_once_only(self) -> None:
        assert judged(StaleToken(message="", code="c"), tried(stale=True)).invitee == InviteeState.FAILED

    def test_fixed_token_is_not_tried_again_by_this_batch_nor_by_any_other(self) -> None:
        error = StaleToken(message="", code="c", refreshable=False)
        assert judged(error).next_step is NextStep.STOP_INVITATION

    def test_unsent_call_is_given_up_after_a_few_tries(self) -> None:
        error = NotSent(message="", code="notConnected")
        assert judged(error, tried(tries=WORKER.max_unsent)).invitee == InviteeState.FAILED

    def test_pauses_grow(self) -> None:
        error = Throttled(message="", code="c")
        pauses = [judged(error, tried(tries=tries)).pause for tries in (1, 2, 3, 4)]
        for pause, least in zip(pauses, (1, 2, 4, 8), strict=True):
            assert least <= pause <= least * 1.25

    def test_retry_after_is_obeyed(self) -> None:
        assert judged(Throttled(message="", code="c", retry_after=17)).pause >= 17

    def test_throttled_beyond_the_patience_of_the_command_line_fails_at_once(self) -> None:
        error = Throttled(message="", code="c", rest=60)
        outcome = outcome_of_error(error, tried=tried(), policy=COMMAND_LINE)
        assert (outcome.next_step, outcome.invitee) == (NextStep.DONE, InviteeState.FAILED)

    def test_number_of_tries_is_bounded(self) -> None:
        error = Throttled(message="", code="c")
        assert judged(error, tried(tries=WORKER.max_tries)).next_step is NextStep.DONE

    def test_shut_out_rests_five_minutes(self) -> None:
        outcome = judged(AddressShutOut(message="", code="addressShutOut", rest=300))
        assert outcome.pause >= 300
        assert outcome.rest == outcome.pause

    def test_throttling_lets_the_whole_app_rest_also_where_this_batch_is_given_up(self) -> None:
        error = Throttled(message="", code="c", retry_after=7)
        assert judged(error).rest >= 7
        assert judged(error, tried(tries=WORKER.max_tries)).rest >= 7

    def test_nothing_but_throttling_lets_the_app_rest(self) -> None:
        for error in (NotSent, Broken, OutcomeUnknown, StaleToken, UnknownPerson):
            assert judged(error(message="", code="c")).rest == 0

    def test_only_what_left_is_a_call_that_was_spent(self) -> None:
        unsent: tuple[type[DingTalkError], ...] = (NotSent, TokenUnavailable)
        left: tuple[type[DingTalkError], ...] = (Throttled, OutcomeUnknown, UnknownPerson, Broken)
        assert not any(judged(error(message="", code="c")).left for error in unsent)
        assert all(judged(error(message="", code="c")).left for error in left)


class TestWrongParameters:
    """DingTalk does not say whether it is the size, one person, or every call like it."""

    error = WrongParameters(message="", code="paramsError")

    def test_smaller_batches_are_tried_a_few_times(self) -> None:
        for times in range(5):
            assert judged(self.error, tried(people=50, times_refused=times)).next_step is NextStep.SHRINK

    def test_then_the_whole_invitation_stops(self) -> None:
        outcome = judged(self.error, tried(people=13, times_refused=5, is_part=True))
        assert (outcome.next_step, outcome.invitee) == (NextStep.STOP_INVITATION, InviteeState.FAILED)

    def test_where_as_many_were_taken_before_it_is_about_somebody_in_it(self) -> None:
        for times in (0, 9):
            what = tried(people=20, largest_taken=20, times_refused=times)
            assert judged(self.error, what).next_step is NextStep.HALVE

    def test_one_person_who_is_all_that_a_call_carries_stops_it_too(self) -> None:
        assert judged(self.error, tried(people=1)).next_step is NextStep.STOP_INVITATION

    def test_one_person_left_of_a_larger_batch_stands_alone(self) -> None:
        for what in (tried(people=1, is_part=True), tried(people=1, largest_taken=7, times_refused=9)):
            outcome = judged(self.error, what)
            assert (outcome.next_step, outcome.invitee) == (NextStep.DONE, InviteeState.FAILED)


class TestHalving:
    def test_the_directory_is_asked_first_where_it_may_be(self) -> None:
        outcome = judged(UnknownPerson(message="", code="unknownUserError"), tried(may_look_up=True))
        assert (outcome.next_step, outcome.invitee) == (NextStep.LOOK_UP, InviteeState.PENDING)

    def test_person_alone_is_the_culprit(self) -> None:
        outcome = judged(UnknownPerson(message="", code="unknownUserError"), tried(people=1))
        assert (outcome.next_step, outcome.invitee) == (NextStep.DONE, InviteeState.FAILED)

    def test_app_may_forbid_it(self) -> None:
        outcome = judged(UnknownPerson(message="", code="unknownUserError"), tried(may_halve=False))
        assert (outcome.next_step, outcome.invitee) == (NextStep.DONE, InviteeState.FAILED)
