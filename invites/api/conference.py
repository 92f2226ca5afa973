"""Conferences: listing, reading, creating them in DingTalk, registering them by id; and the apps they go through."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Path, Query, Router
from pydantic import Field

from invites import conferring, deduplicating, permissions
from invites.api import cursors
from invites.api.answers import MADE, READ
from invites.api.authentication import needs
from invites.api.once import Asked, IdempotencyKey, ask_once
from invites.api.refusals import Unusable
from invites.api.shape import USUAL, Cursor, In, Key, Limit, Line, Out
from invites.errors import CreationUnderWay, RequestUnderWay
from invites.forms.conference import ConferenceFilterForm
from invites.forms.conference_new import CreateConferenceForm, RegisterConferenceForm, ThroughApp
from invites.models import Conference, IdempotentRequest
from invites.models.api_token import Scope
from invites.models.conference import ConferenceStatus

router = Router(tags=["Conferences"], by_alias=True)


class AppOut(Out):
    """A DingTalk app through which conferences can be created and people invited."""

    id: Key
    name: str
    is_sandbox: bool


class AppsOut(Out):
    """All apps that can be used at present."""

    apps: list[AppOut]


class ConferenceOut(Out):
    """A conference as it was last read from DingTalk."""

    id: Key
    app_id: Key
    conference_id: str
    title: str
    room_code: str
    external_link_url: str
    status: ConferenceStatus
    status_read_at: datetime | None
    locked_at: datetime | None
    created_at: datetime


class ConferencesOut(Out):
    """A page of conferences: those that have not ended first, then the newest."""

    conferences: list[ConferenceOut]
    next: str | None


class ConferenceFilters(In):
    """Which conferences."""

    q: Annotated[Line, Field(max_length=100, description="Part of title, meeting number or id.")] = ""
    status: ConferenceStatus | None = None
    cursor: Cursor = ""
    limit: Limit = USUAL


class CreateConference(In):
    """A new meeting in DingTalk, which begins at once."""

    title: Annotated[Line, Field(min_length=1, max_length=50, examples=["Weekly review"])]
    union_id: Annotated[
        Line, Field(max_length=128, description="Whose meeting it is; left out, that of the token's user.")
    ] = ""
    invite_caller: Annotated[bool, Field(description="Whether DingTalk calls them, too.")] = False
    app_id: Annotated[Key | None, Field(description="Needed where there are several apps.")] = None


class RegisterConference(In):
    """A conference that exists in DingTalk."""

    conference_id: Annotated[Line, Field(min_length=1, max_length=128, examples=["6139d5f5c4a2b0d1"])]
    title: Annotated[
        Line, Field(max_length=50, description="Left out, it is the one that DingTalk knows.")
    ] = ""
    app_id: Annotated[Key | None, Field(description="Needed where there are several apps.")] = None


@router.get("/apps", response={200: AppsOut, **READ}, operation_id="listApps", summary="List apps")
@needs(Scope.CONFERENCES_READ)
@permissions.allow(permissions.may_organize)
def app_list(request: HttpRequest) -> AppsOut:
    """The DingTalk apps through which the token's user may invite."""
    return AppsOut(apps=[AppOut.model_validate(app) for app in permissions.usable_apps(request.user)])


@router.get(
    "/conferences",
    response={200: ConferencesOut, **READ},
    operation_id="listConferences",
    summary="List conferences",
)
@needs(Scope.CONFERENCES_READ)
@permissions.allow(permissions.may_organize)
def conference_list(request: HttpRequest, filters: Query[ConferenceFilters]) -> ConferencesOut:
    """The conferences that the token's user may see and invite into."""
    data = QueryDict(mutable=True)
    data.update({"q": filters.q, "state": filters.status or "", "after": cursors.unwrap(filters.cursor)})
    form = ConferenceFilterForm(data)
    if not form.is_valid():
        raise Unusable.at("cursor", _("This is no cursor of ours."))
    page = form.page(permissions.conferences(request.user), size=filters.limit)
    rows = [ConferenceOut.model_validate(conference) for conference in page.rows]
    return ConferencesOut(conferences=rows, next=cursors.wrap(page.after))


@router.post(
    "/conferences",
    response={201: ConferenceOut, **MADE},
    operation_id="createConference",
    summary="Create a conference",
)
@needs(Scope.CONFERENCES_WRITE)
@permissions.allow(permissions.may_organize)
def conference_create(request: HttpRequest, body: CreateConference, key: IdempotencyKey) -> HttpResponse:
    """Starts a meeting in DingTalk: one, however often it is asked for under the same key.

    409 `conferenceTaken` where it is somebody else's by now.
    """

    def act(claimed: IdempotentRequest) -> tuple[int, HTTPStatus]:
        user = permissions.organizer(request.user)
        own_key = deduplicating.key_of(claimed)
        typed = {
            "title": body.title,
            "union_id": body.union_id or user.union_id,
            "invite_caller": body.invite_caller,
            "key": own_key,
            "app": body.app_id,
        }
        form = _valid(CreateConferenceForm(typed, user=user), app=body.app_id)
        try:
            made = conferring.create(
                user=user,
                app=form.chosen_app,
                key=own_key,
                title=form.cleaned_data["title"],
                union_id=form.cleaned_data["union_id"],
                invite_caller=body.invite_caller,
                is_own=not body.union_id,
            )
        except CreationUnderWay as error:
            raise RequestUnderWay from error
        return made.pk, HTTPStatus.CREATED

    return ask_once(_asked(request, body, key), act)


@router.post(
    "/conferences/register",
    response={(200, 201): ConferenceOut, **MADE},
    operation_id="registerConference",
    summary="Register a conference by its conferenceId",
)
@needs(Scope.CONFERENCES_WRITE)
@permissions.allow(permissions.may_organize)
def conference_register(request: HttpRequest, body: RegisterConference, key: IdempotencyKey) -> HttpResponse:
    """Makes a conference that exists in DingTalk one of the token's user. 200 where it was that already.

    409 `conferenceTaken` where it is somebody else's.
    """

    def act(_claimed: IdempotentRequest) -> tuple[int, HTTPStatus]:
        user = permissions.organizer(request.user)
        typed = {"conference_id": body.conference_id, "title": body.title, "app": body.app_id}
        form = _valid(RegisterConferenceForm(typed, user=user), app=body.app_id)
        done = conferring.register(
            user=user,
            app=form.chosen_app,
            conference_id=form.cleaned_data["conference_id"],
            title=form.cleaned_data["title"],
        )
        return done.conference.pk, HTTPStatus.CREATED if done.is_new else HTTPStatus.OK

    return ask_once(_asked(request, body, key), act)


@router.get(
    "/conferences/{conference}",
    response={200: ConferenceOut, **READ},
    operation_id="readConference",
    summary="Read a conference",
)
@needs(Scope.CONFERENCES_READ)
@permissions.allow(permissions.may_organize)
def conference_detail(request: HttpRequest, conference: Path[Key]) -> ConferenceOut:
    """One conference, by the id that it has here."""
    return _told(request, conference)


def _asked(request: HttpRequest, body: In, key: str) -> Asked:
    return Asked(request=request, key=key, body=body, show=lambda made: _made(request, made))


def _made(request: HttpRequest, pk: int) -> ConferenceOut:
    """The conference that was brought in, now or before. Raises ConferenceTaken where it is somebody else's by now."""
    conference = get_object_or_404(Conference, pk=pk)
    conferring.refuse_taken(conference, user=permissions.organizer(request.user))
    return ConferenceOut.model_validate(conference)


def _told(request: HttpRequest, pk: int) -> ConferenceOut:
    return ConferenceOut.model_validate(get_object_or_404(permissions.conferences(request.user), pk=pk))


def _valid[F: ThroughApp](form: F, *, app: int | None) -> F:
    """``form``, which is valid. Raises Unusable where it is not, or where another app is meant than the only one."""
    if not form.is_valid():
        raise Unusable.of_form(form)
    if app is not None and form.chosen_app.pk != app:
        raise Unusable.at("appId", _("There is no such app, or it cannot be used at present."))
    return form
