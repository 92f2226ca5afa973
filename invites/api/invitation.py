"""Invitations: calling people into a conference, and what became of everybody."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router
from pydantic import Field

from invites import inviting_at_once, limiting, permissions
from invites.api import cursors
from invites.api.answers import MADE, READ
from invites.api.authentication import needs
from invites.api.once import Asked, IdempotencyKey, do_once
from invites.api.people import Invite, PersonOut, gather, person_out
from invites.api.shape import USUAL, Cursor, In, Key, Limit, Out
from invites.models import Invitation
from invites.models.api_token import Scope
from invites.models.invitation import InvitationSource, InvitationState
from invites.models.invitee import InviteeState

router = Router(tags=["Invitations"], by_alias=True)


class CountsOut(Out):
    """How many people are in each state, and how many of all have joined."""

    pending: int
    sending: int
    invited: int
    failed: int
    unknown: int
    skipped: int
    joined: int


class InvitationOut(Out):
    """An invitation that was sent. ``unionId`` is its operator; ``sentBy`` is empty for the command line."""

    id: Key
    conference: Key
    conference_id: str
    state: InvitationState
    source: InvitationSource
    union_id: str
    sent_by: str
    sent_at: datetime | None
    finished_at: datetime | None
    repeats: Key | None
    request_id: Annotated[str, Field(description="Of the request that sent it, as in `X-Request-ID`.")]
    people: int
    counts: CountsOut


class InvitationsOut(Out):
    """A page of invitations, the newest first."""

    invitations: list[InvitationOut]
    next: str | None


class PeopleOut(Out):
    """A page of the people on an invitation, in order."""

    people: list[PersonOut]
    next: str | None


class InvitationFilters(In):
    """Which invitations."""

    conference: Annotated[Key | None, Field(description="Those into one conference.")] = None
    cursor: Cursor = ""
    limit: Limit = USUAL


class PeopleFilters(In):
    """Which people."""

    state: InviteeState | None = None
    cursor: Cursor = ""
    limit: Limit = USUAL


@router.post(
    "/conferences/{conference}/invitations",
    response={201: InvitationOut, **MADE},
    operation_id="invite",
    summary="Invite people into a conference",
)
@needs(Scope.INVITATIONS_SEND)
@permissions.allow(permissions.may_organize)
def invitation_create(
    request: HttpRequest, conference: Path[Key], body: Invite, key: IdempotencyKey
) -> HttpResponse:
    """Has people called into a running conference: once, however often it is asked for under the same key.

    The answer comes before anybody is called: read the invitation until its `state` is `finished`.
    """

    user = permissions.organizer(request.user)
    # Of what somebody may not see, nothing is noted.
    into = get_object_or_404(permissions.conferences(user).with_its_app(), pk=conference)

    def act() -> int:
        people = gather(body, user=user, app=into.app)
        return inviting_at_once.invite(
            conference=into, people=people, user=user, operator_union_id=body.union_id
        ).pk

    asked = Asked(request=request, key=key, body=body, show=lambda made: _told(request, made))
    return do_once(asked, act, counts_as=limiting.Kind.SENDING)


@router.get(
    "/invitations",
    response={200: InvitationsOut, **READ},
    operation_id="listInvitations",
    summary="List invitations",
)
@needs(Scope.INVITATIONS_READ)
def invitation_list(request: HttpRequest, filters: Query[InvitationFilters]) -> InvitationsOut:
    """The invitations that the token's user may read, those sent last first."""
    sent = permissions.invitations(request.user).sent_before(cursors.unwrap_key(filters.cursor))
    if filters.conference is not None:
        sent = sent.into_conference(filters.conference)
    keys = list(sent.values_list("pk", flat=True)[: filters.limit + 1])
    shown = keys[: filters.limit]
    # Counted for these only.
    rows = {row.pk: row for row in Invitation.objects.among(shown).with_counts().with_names()}
    return InvitationsOut(
        invitations=[_out(rows[pk]) for pk in shown],
        next=cursors.wrap(shown[-1] if len(keys) > filters.limit else None),
    )


@router.get(
    "/invitations/{invitation}",
    response={200: InvitationOut, **READ},
    operation_id="readInvitation",
    summary="Read an invitation",
)
@needs(Scope.INVITATIONS_READ)
def invitation_detail(request: HttpRequest, invitation: Path[Key]) -> InvitationOut:
    """How far one invitation has come."""
    return _told(request, invitation)


@router.get(
    "/invitations/{invitation}/people",
    response={200: PeopleOut, **READ},
    operation_id="listPeople",
    summary="List the people on an invitation",
)
@needs(Scope.INVITATIONS_READ)
def invitation_people(
    request: HttpRequest, invitation: Path[Key], filters: Query[PeopleFilters]
) -> PeopleOut:
    """What became of everybody on one invitation, and what the conference last reported of them."""
    sent = get_object_or_404(permissions.invitations(request.user), pk=invitation)
    people = sent.invitees.in_order().with_last_attempt().with_member()
    if filters.state is not None:
        people = people.with_state(filters.state)
    if (position := cursors.unwrap_key(filters.cursor)) is not None:
        people = people.after(position)
    rows = list(people[: filters.limit + 1])
    shown = rows[: filters.limit]
    show = permissions.may_see_phone_numbers(request.user)
    return PeopleOut(
        people=[person_out(person, show_phone_numbers=show) for person in shown],
        next=cursors.wrap(shown[-1].position if len(rows) > filters.limit else None),
    )


def _told(request: HttpRequest, pk: int) -> InvitationOut:
    readable = permissions.invitations(request.user).with_counts()
    return _out(get_object_or_404(readable, pk=pk))


def _out(invitation: Invitation) -> InvitationOut:
    """``invitation``, which comes with its counts, its conference and who sent it."""
    counts = {state: getattr(invitation, f"n_{state}") for state in InviteeState.values}
    return InvitationOut(
        id=invitation.pk,
        conference=invitation.conference_id,
        conference_id=invitation.conference.conference_id,
        state=InvitationState(invitation.state),
        source=InvitationSource(invitation.source),
        union_id=invitation.operator_union_id,
        sent_by=invitation.sent_by.username if invitation.sent_by else "",
        sent_at=invitation.sent_at,
        finished_at=invitation.finished_at,
        repeats=invitation.repeats_id,
        request_id=invitation.trace_id,
        people=invitation.people,
        counts=CountsOut(**counts, joined=invitation.n_joined),
    )
