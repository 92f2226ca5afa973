"""Says in numbers what a draft comes to: how many people, by which channel, in how many calls."""

from dataclasses import dataclass

from invites.models import Conference, Invitation
from invites.models.conference import ConferenceStatus
from invites.models.invitee import Channel

# Above this many people, Invite asks once more.
MANY_PEOPLE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """``people`` of the draft, ``in_dingtalk`` and ``by_phone``; the ``calls`` to DingTalk that they take.

    ``lines`` still need a look. ``are_many`` and ``has_not_started`` are the reasons to ask before sending.
    """

    in_dingtalk: int
    by_phone: int
    batch_size: int
    lines: int
    has_not_started: bool

    @property
    def people(self) -> int:
        """How many people would be called."""
        return self.in_dingtalk + self.by_phone

    @property
    def calls(self) -> int:
        """How many calls to DingTalk that takes."""
        return -(-self.people // self.batch_size)

    @property
    def are_many(self) -> bool:
        """Whether so many that a slip would be embarrassing."""
        return self.people > MANY_PEOPLE

    @property
    def asks_first(self) -> bool:
        """Whether Invite asks once before it sends."""
        return self.are_many or self.has_not_started


def summarise(draft: Invitation | None, *, conference: Conference) -> Summary:
    """The numbers of ``draft``, or of a list with nobody on it."""
    channels = draft.invitees.all().count_by_channel() if draft else {}
    return Summary(
        in_dingtalk=channels.get(Channel.UNION_ID, 0),
        by_phone=channels.get(Channel.PHONE, 0),
        batch_size=conference.app.batch_size,
        lines=draft.draft_lines.count() if draft else 0,
        has_not_started=conference.status == ConferenceStatus.NOT_STARTED,
    )
