"""Whom a program wants to be called, and what became of them, in the words of DingTalk's own invite operation."""

from collections.abc import Iterator
from typing import Annotated

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from pydantic import Field

from invites import composing, permissions, phone_numbers
from invites.api.contact import Nick, PhoneNumber, UnionId
from invites.api.refusals import Unusable, Wrong, wrongs_of
from invites.api.shape import In, Key, Out
from invites.composing import Entry, Person
from invites.models import App, Contact, Invitee, User
from invites.models.contact import validate_union_id
from invites.models.invitee import Channel, InviteeState

MOST_PEOPLE = 5000
MOST_GROUPS = 100


class ByUnionId(In):
    """Somebody to be called in DingTalk. Without a name it is that of the contact, or made of the unionId's end."""

    union_id: Annotated[UnionId, Field(min_length=1)]
    nick: Nick = ""


class ByPhone(In):
    """Somebody to be called by phone."""

    phone_number: Annotated[PhoneNumber, Field(min_length=1)]
    nick: Nick = ""


class Invite(In):
    """Whom to call. The same person named in several ways is called once."""

    invitee_list: Annotated[list[ByUnionId], Field(max_length=MOST_PEOPLE, default_factory=list)]
    phone_invitee_list: Annotated[list[ByPhone], Field(max_length=MOST_PEOPLE, default_factory=list)]
    contact_ids: Annotated[list[Key], Field(max_length=MOST_PEOPLE, default_factory=list)]
    group_ids: Annotated[list[Key], Field(max_length=MOST_GROUPS, default_factory=list)]
    union_id: Annotated[
        UnionId, Field(description="The operator, as whose call it shows; left out, the token's user.")
    ] = ""
    despite_do_not_invite: Annotated[
        bool,
        Field(
            description="Call those, too, who are marked “do not invite”: who decided so is on record. "
            "They are left out otherwise."
        ),
    ] = False


class PersonOut(Out):
    """Somebody on an invitation: how they are reached, what became of it, and what the conference reports.

    ``phoneNumber`` is masked for whoever may not see numbers; of somebody who was erased nothing is told.
    """

    nick: str
    union_id: str
    phone_number: str
    contact_id: Key | None
    state: InviteeState
    code: Annotated[
        str, Field(description="Why they were not invited; empty where they were, or may still be.")
    ]
    attendance: Annotated[str, Field(description="Empty where nothing has been read yet.")]
    attendance_is_probable: bool
    attempt_id: Key | None


def person_out(invitee: Invitee, *, show_phone_numbers: bool) -> PersonOut:
    """``invitee``, who comes with their last attempt and their member."""
    union_id, number = reached(invitee, show_phone_numbers=show_phone_numbers)
    return PersonOut(
        nick=invitee.nick,
        union_id=union_id,
        phone_number=number,
        contact_id=invitee.contact_id,
        state=InviteeState(invitee.state),
        code=invitee.problem_code,
        attendance=invitee.attendance,
        attendance_is_probable=invitee.member_is_probable,
        attempt_id=invitee.last_attempt_id,
    )


def reached(invitee: Invitee, *, show_phone_numbers: bool) -> tuple[str, str]:
    """By which unionId or which number ``invitee`` is reached, as far as it may be shown; the other one is empty."""
    if invitee.is_erased:
        return "", ""
    if invitee.channel == Channel.UNION_ID:
        return invitee.value, ""
    return "", invitee.value if show_phone_numbers else phone_numbers.mask(invitee.value)


def gather(body: Invite, *, user: User, app: App) -> list[Person]:
    """Everybody whom ``body`` names. Raises Unusable, at each that cannot be used, or DemoPersonRefused."""
    wrongs: list[Wrong] = []
    entries = [*_by_union_id(body, wrongs), *_by_phone(body, wrongs, country=app.country)]
    contacts = [*_contacts(body, wrongs, user=user, app=app), *_members(body, wrongs, user=user, app=app)]
    if body.union_id:
        _check_union_id(body.union_id, "unionId", wrongs)
    if wrongs:
        raise Unusable(wrongs)
    return composing.gather(
        entries, contacts, user=user, app=app, despite_do_not_invite=body.despite_do_not_invite
    )


def _by_union_id(body: Invite, wrongs: list[Wrong]) -> Iterator[Entry]:
    for position, person in enumerate(body.invitee_list):
        _check_union_id(person.union_id, f"inviteeList.{position}.unionId", wrongs)
        yield Entry(union_id=person.union_id, nick=person.nick)


def _by_phone(body: Invite, wrongs: list[Wrong], *, country: str) -> Iterator[Entry]:
    for position, person in enumerate(body.phone_invitee_list):
        try:
            number = phone_numbers.parse(person.phone_number, country=country)
        except ValidationError as error:
            wrongs += wrongs_of(f"phoneInviteeList.{position}.phoneNumber", error)
        else:
            yield Entry(phone_number=number, nick=person.nick)


def _contacts(body: Invite, wrongs: list[Wrong], *, user: User, app: App) -> Iterator[Contact]:
    found = permissions.contacts(user, app=app).in_bulk(body.contact_ids)
    for position, pk in enumerate(body.contact_ids):
        if pk in found:
            yield found[pk]
        else:
            message = _("There is no such contact that can be invited through the app of this conference.")
            wrongs.append(Wrong(field=f"contactIds.{position}", code="missing", message=message))


def _members(body: Invite, wrongs: list[Wrong], *, user: User, app: App) -> Iterator[Contact]:
    groups = permissions.contact_groups(user, app=app).in_bulk(body.group_ids)
    for position, pk in enumerate(body.group_ids):
        if pk not in groups:
            message = _("There is no such group that can be invited through the app of this conference.")
            wrongs.append(Wrong(field=f"groupIds.{position}", code="missing", message=message))
    yield from permissions.contacts(user, app=app).in_any_group(groups).by_name()


def _check_union_id(union_id: str, field: str, wrongs: list[Wrong]) -> None:
    try:
        validate_union_id(union_id)
    except ValidationError as error:
        wrongs += wrongs_of(field, error)
