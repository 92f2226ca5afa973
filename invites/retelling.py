"""Tells what an attempt sent and what came back, as far as the viewer may see it.

The call is built again from the frozen facts by the same function that made it. Must not send anything.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from invites import phone_numbers
from invites.dingtalk.calls import invite_path, invite_request, phone_fields
from invites.dingtalk.types import Invitee as InviteeByUnionId
from invites.dingtalk.types import PhoneInvitee
from invites.models import Attempt, Invitation, Invitee
from invites.models.invitee import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One attempt for reading: the request as it went over the wire (``body`` laid out over several lines), and the
    texts that came back. ``body`` leaves out people who were erased, and is "" where nobody is left.
    """

    method: str
    path: str
    body: str
    message: str
    excerpt: str


def retell(attempt: Attempt, *, show_phone_numbers: bool) -> Told:
    """What ``attempt`` sent and got, but for people who were erased. ``attempt`` has its people at hand.

    Without ``show_phone_numbers`` the numbers of its people are masked wherever they stand, and in what DingTalk wrote
    all that may be numbers.
    """
    invitation = attempt.invitation
    country = invitation.conference.app.country
    people = [sending.invitee for sending in attempt.people_sent.all() if not sending.invitee.is_erased]
    body = _body(invitation, people, country=country) if people else ""
    hidden = {} if show_phone_numbers else _masks(people, country=country)
    return Told(
        method="POST",
        path=invite_path(invitation.conference.conference_id),
        body=_hide(body, hidden),
        message=_told(attempt.error_message, hidden, show_phone_numbers=show_phone_numbers),
        excerpt=_told(attempt.response_excerpt, hidden, show_phone_numbers=show_phone_numbers),
    )


def _body(invitation: Invitation, people: Iterable[Invitee], *, country: str) -> str:
    """What was sent about ``people``, laid out."""
    call = invite_request(
        conference_id=invitation.conference.conference_id,
        union_id=invitation.operator_union_id or None,
        invitees=[
            InviteeByUnionId(union_id=person.value, nick=person.nick)
            for person in people
            if person.channel == Channel.UNION_ID
        ],
        phone_invitees=[
            PhoneInvitee(phone_number=person.value, nick=person.nick)
            for person in people
            if person.channel == Channel.PHONE
        ],
        default_country=country,
    )
    return json.dumps(call.body, ensure_ascii=False, indent=2)


def _masks(people: Iterable[Invitee], *, country: str) -> dict[str, str]:
    """What to put for each way in which the number of one of these people may stand in a text, longest first."""
    masks: dict[str, str] = {}
    for person in people:
        if person.channel == Channel.PHONE:
            mask = phone_numbers.mask(person.value)
            digits = phone_fields(phone_number=person.value, default_country=country)["phoneNumber"]
            masks |= {person.value: mask, person.value.removeprefix("+"): mask, digits: mask}
    return dict(sorted(masks.items(), key=lambda pair: len(pair[0]), reverse=True))


def _told(text: str, masks: dict[str, str], *, show_phone_numbers: bool) -> str:
    return text if show_phone_numbers else phone_numbers.hide(_hide(text, masks))


def _hide(text: str, masks: dict[str, str]) -> str:
    for number, mask in masks.items():
        text = text.replace(number, mask)
    return text
