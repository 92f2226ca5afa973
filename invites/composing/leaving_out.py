"""Keeps those off a draft who are marked "do not invite", says who they are, and lets a person decide otherwise.

Whoever is left out stands on the draft as a line of the ordinary kind, which names them and the contact that says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from invites import sparing
from invites.composing.reading import LINE_LENGTH, line_of
from invites.composing.recognising import Person
from invites.models import App, Contact, DraftLine, Invitation, Invitee, User
from invites.models.draft_line import LineProblem

MOST_LINES = 20
"""So many of one change are named; of more the number is said, and each can be added by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Somebody who is not put on the list, and the contact whose ``mark`` says so."""

    person: Person
    mark: Contact


def part(people: Sequence[Person], *, user: User, app: App) -> tuple[list[Person], list[LeftOut]]:
    """Those of ``people`` whom ``user`` may invite, and those who are marked, each of these once, in their order."""
    welcome: list[Person] = []
    left_out: dict[tuple[str, str], LeftOut] = {}
    for person, mark in zip(people, sparing.marks(people, user=user, app=app), strict=True):
        if mark is None:
            welcome.append(person)
        else:
            left_out.setdefault((person.channel, person.value), LeftOut(person=person, mark=mark))
    return welcome, list(left_out.values())


def overriding(people: Sequence[Person], *, user: User, app: App) -> list[Person]:
    """``people``, where those who are marked say that ``user`` wants them on the list all the same."""
    return [
        replace(person, overridden_by=user, overridden_reason=mark.do_not_invite_reason) if mark else person
        for person, mark in zip(people, sparing.marks(people, user=user, app=app), strict=True)
    ]


def find_marks(invitees: Sequence[Invitee], *, user: User, app: App) -> None:
    """Notes on each of ``invitees``, who come with their contacts, the ``mark`` for which they will be left out."""
    for invitee, mark in zip(invitees, sparing.marks_on(invitees, user=user, app=app), strict=True):
        invitee.mark = None if invitee.is_overridden else mark


def line(draft: Invitation, left_out: LeftOut) -> DraftLine:
    """The line that names somebody who is left out, to be stored; read again it is exactly this person."""
    person = left_out.person
    nick = "" if person.nick_filled_in else person.nick
    text = line_of(nick=nick, channel=person.channel, value=person.value)
    return DraftLine(
        invitation=draft,
        text=text[:LINE_LENGTH],
        problem=LineProblem.DO_NOT_INVITE,
        contact=left_out.mark,
    )
