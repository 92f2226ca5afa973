"""Attempts: every call to DingTalk on record, found by the filters of the history."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, QueryDict
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router
from pydantic import Field

from invites import permissions, searching
from invites.api import cursors
from invites.api.answers import READ
from invites.api.authentication import needs
from invites.api.people import reached
from invites.api.refusals import Unusable
from invites.api.shape import LARGEST_KEY, USUAL, Cursor, In, Key, Limit, Line, Moment, Out
from invites.forms.attempt import AttemptFilterForm
from invites.models import Attempt
from invites.models.api_token import Scope
from invites.models.attempt import AttemptState, Channels
from invites.models.invitee import Channel, InviteeState
from invites.retelling import retell

router = Router(tags=["History"], by_alias=True)

_OUR_OWN = frozenset({"cursor", "limit"})


class AttemptOut(Out):
    """One call to DingTalk. ``requestId`` is DingTalk's, ``traceId`` that of the request that ordered it here."""

    id: Key
    invitation: Key
    conference: Key
    conference_id: str
    app_id: Key
    organizer: str
    channels: Channels
    people: int
    number: Annotated[int, Field(description="Which try of its people it is.")]
    outcome: AttemptState
    people_state: InviteeState
    http_status: int | None
    code: str
    request_id: str
    trace_id: str
    started_at: datetime
    finished_at: datetime | None
    duration_ms: int | None


class AttemptsOut(Out):
    """A page of attempts, the newest first.

    ``searchedUntil`` is how far back was looked where that did not fill the page: more may be behind ``next``.
    """

    attempts: list[AttemptOut]
    next: str | None
    searched_until: datetime | None


class CalledOut(Out):
    """Somebody in a call. Numbers are masked for whoever may not see them."""

    nick: str
    union_id: str
    phone_number: str


class AttemptDetailOut(AttemptOut):
    """One call, with its people and DingTalk's own message."""

    message: str
    invitees: list[CalledOut]


class AttemptFilters(In):
    """Which attempts, as the page of the history has it."""

    q: Annotated[Line, Field(max_length=100, description="Person, conference, organizer, code, request.")] = (
        ""
    )
    person: Annotated[Line, Field(max_length=100)] = ""
    conference: Key | None = None
    organizer: Annotated[
        int | None, Field(ge=0, le=LARGEST_KEY, description="0 is the command line, which is nobody.")
    ] = None
    app: Key | None = None
    outcome: AttemptState | None = None
    channel: Channel | None = None
    code: Annotated[Line, Field(max_length=128, description="Any code, or how it begins.")] = ""
    text: Annotated[Line, Field(max_length=200, description="Part of DingTalk's message.")] = ""
    request: Annotated[Line, Field(max_length=128, description="DingTalk's request id, or ours.")] = ""
    since: Moment | None = None
    until: Annotated[Moment | None, Field(description="Until the end of that minute.")] = None
    cursor: Cursor = ""
    limit: Limit = USUAL

    def form(self, request: HttpRequest) -> AttemptFilterForm:
        """The filters of the page, which are valid. Raises Unusable."""
        data = QueryDict(mutable=True)
        given = self.model_dump(mode="json", exclude=set(_OUR_OWN), exclude_none=True)
        data.update({name: str(value) for name, value in given.items()})
        form = AttemptFilterForm(data=data, user=request.user)
        if not form.is_valid():
            raise Unusable.of_form(form)
        return form


@router.get(
    "/attempts", response={200: AttemptsOut, **READ}, operation_id="listAttempts", summary="List attempts"
)
@needs(Scope.INVITATIONS_READ)
def attempt_list(request: HttpRequest, filters: Query[AttemptFilters]) -> AttemptsOut:
    """The attempts that the token's user may read, the newest first."""
    page = searching.find_older(
        filters.form(request).criteria,
        request.user,
        before=cursors.unwrap_key(filters.cursor),
        size=filters.limit,
        rows=Attempt.objects.listed,
    )
    return AttemptsOut(
        attempts=[AttemptOut(**_facts(attempt)) for attempt in page.rows],
        next=cursors.wrap(page.older),
        searched_until=page.searched_until,
    )


@router.get(
    "/attempts/{attempt}",
    response={200: AttemptDetailOut, **READ},
    operation_id="readAttempt",
    summary="Read an attempt",
)
@needs(Scope.INVITATIONS_READ)
def attempt_detail(request: HttpRequest, attempt: Path[Key]) -> AttemptDetailOut:
    """One attempt, with everybody who was in the call."""
    found = get_object_or_404(permissions.attempts(request.user).for_detail(), pk=attempt)
    show = permissions.may_see_phone_numbers(request.user)
    invitees = []
    for sending in found.people_sent.all():
        union_id, number = reached(sending.invitee, show_phone_numbers=show)
        invitees.append(CalledOut(nick=sending.invitee.nick, union_id=union_id, phone_number=number))
    told = retell(found, show_phone_numbers=show)
    return AttemptDetailOut(**_facts(found), message=told.message, invitees=invitees)


def _facts(attempt: Attempt) -> dict[str, Any]:
    """What every answer tells of an attempt, which comes with its conference and organizer."""
    return {
        "id": attempt.pk,
        "invitation": attempt.invitation_id,
        "conference": attempt.conference_id,
        "conference_id": attempt.conference.conference_id,
        "app_id": attempt.app_id,
        "organizer": attempt.organizer.username if attempt.organizer else "",
        "channels": attempt.channels,
        "people": attempt.people,
        "number": attempt.number,
        "outcome": attempt.state,
        "people_state": attempt.people_state,
        "http_status": attempt.http_status,
        "code": attempt.error_code,
        "request_id": attempt.request_id,
        "trace_id": attempt.trace_id,
        "started_at": attempt.started_at,
        "finished_at": attempt.finished_at,
        "duration_ms": attempt.duration_ms,
    }
