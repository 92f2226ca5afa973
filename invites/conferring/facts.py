"""Turns what DingTalk says of a conference into what is stored: in our words, cut to size, with links that are safe."""

from typing import TypedDict

from invites.dingtalk import types
from invites.dingtalk.types import ConferenceInfo
from invites.models.conference import LINK_LENGTH, LONGEST_TITLE, ROOM_CODE_LENGTH, ConferenceStatus
from invites.models.contact import UNION_ID_LENGTH

_STATUS = {
    types.ConferenceStatus.INITIALISED: ConferenceStatus.NOT_STARTED,
    types.ConferenceStatus.ENDED: ConferenceStatus.ENDED,
    types.ConferenceStatus.STARTED: ConferenceStatus.OPEN,
}


class Facts(TypedDict):
    """The fields of `Conference` that DingTalk knows."""

    title: str
    room_code: str
    external_link_url: str
    creator_union_id: str
    status: str


def status_of(info: ConferenceInfo) -> ConferenceStatus:
    """Its state in our words."""
    return _STATUS.get(info.status, ConferenceStatus.UNKNOWN)


def facts_of(info: ConferenceInfo) -> Facts:
    """What is stored of ``info``. What was left out is empty."""
    return {
        "title": info.title[:LONGEST_TITLE],
        "room_code": info.room_code[:ROOM_CODE_LENGTH],
        "external_link_url": safe_link(info.external_link_url),
        "creator_union_id": info.creator_id[:UNION_ID_LENGTH],
        "status": status_of(info),
    }


def safe_link(url: str) -> str:
    """``url`` where it is one that a page may link to and that fits, else nothing."""
    return url if len(url) <= LINK_LENGTH and url.startswith(("https://", "http://")) else ""
