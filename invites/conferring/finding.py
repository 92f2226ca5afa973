"""Finds conferences in DingTalk: the running ones of one person, and those behind a meeting number. Stores none."""

import time
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError

from invites.conferring.facts import status_of
from invites.conferring.operator import remember
from invites.connecting import client_for
from invites.dingtalk import ConferenceInfo, DingTalkClient, DingTalkError
from invites.guarding import refuse_demo_person
from invites.models import App, User
from invites.models.conference import ConferenceStatus, validate_conference_id
from invites.refusing import refusal_of

# Somebody is in one meeting, seldom in two. Each costs a call of the monthly quota to be named.
MOST_NAMED = 10
SECONDS_FOR_NAMING = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundConference:
    """A conference as DingTalk describes it. What it did not tell is empty."""

    conference_id: str
    title: str = ""
    room_code: str = ""
    status: ConferenceStatus = ConferenceStatus.UNKNOWN
    started_at: datetime | None = None
    creator_nick: str = ""


def running(*, user: User, app: App, union_id: str) -> list[FoundConference]:
    """The meetings in which ``union_id`` is now, which is remembered as that of ``user``.

    Raises DingTalkRefused, DemoPersonRefused or AppUnavailable. A meeting about which DingTalk tells nothing more
    is still among them, by its id.
    """
    refuse_demo_person(app=app, values=[union_id])
    client = client_for(app)
    try:
        conference_ids = client.query_user_ongoing_conferences(union_id=union_id)
    except DingTalkError as error:
        raise refusal_of(error) from error
    remember(user, union_id)
    usable = [conference_id for conference_id in conference_ids if _is_usable(conference_id)]
    return _named(client, usable)


def find(*, app: App, room_code: str) -> list[FoundConference]:
    """The conferences behind the meeting number ``room_code``, running ones first.

    Raises DingTalkRefused or AppUnavailable.
    """
    try:
        infos = client_for(app).query_conference_info_by_room_code(room_code=room_code)
    except DingTalkError as error:
        raise refusal_of(error) from error
    found = [_found(info) for info in infos if _is_usable(info.conference_id)]
    return sorted(found, key=lambda each: each.status == ConferenceStatus.ENDED)


def _named(client: DingTalkClient, conference_ids: list[str]) -> list[FoundConference]:
    """The conferences with what DingTalk tells of each; after a first failure the others keep their bare ids."""
    until = time.monotonic() + SECONDS_FOR_NAMING
    found: list[FoundConference] = []
    try:
        for conference_id in conference_ids[:MOST_NAMED]:
            info = client.query_conference_info(conference_id=conference_id, deadline=until)
            found.append(_found(info))
    except DingTalkError:
        # They run, or DingTalk would not have listed them: choosing one must work without its title.
        pass
    rest = conference_ids[len(found) :]
    return found + [FoundConference(conference_id=each, status=ConferenceStatus.OPEN) for each in rest]


def _found(info: ConferenceInfo) -> FoundConference:
    return FoundConference(
        conference_id=info.conference_id,
        title=info.title,
        room_code=info.room_code,
        status=status_of(info),
        started_at=info.start_time,
        creator_nick=info.creator_nick,
    )


def _is_usable(conference_id: str) -> bool:
    try:
        validate_conference_id(conference_id)
    except ValidationError:
        return False
    return True
