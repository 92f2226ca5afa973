"""Says what a draft comes to: how many people, by which channel, in how many of the calls that are left."""

from dataclasses import dataclass

from django.conf import settings

from invites.models import Conference, Invitation, Member
from invites.models.conference import ConferenceStatus
from invites.models.invitee import Channel
from invites.models.spending import Spending, spending_of

# Above this many people, Invite asks once more.
MANY_PEOPLE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """``people`` of the draft, ``in_dingtalk`` and ``by_phone``; the ``calls`` to DingTalk that they take.

    ``lines`` still need a look, and ``left_out`` name people who are marked "do not invite". ``spending`` says what is
    left of this month's calls.
    ``are_many``, ``has_not_started`` and ``exceeds_quota`` are reasons to ask before sending.
    """

    in_dingtalk: int
    by_phone: int
    people_per_call: int
    lines: int
    left_out: int
    has_not_started: bool
    spending: Spending

    @property
    def people(self) -> int:
        """How many people would be called."""
        return self.in_dingtalk + self.by_phone

    @property
    def calls(self) -> int:
        """How many calls to DingTalk that takes."""
        return -(-self.people // self.people_per_call)

    @property
    def exceeds_quota(self) -> bool:
        """Whether this takes more calls than are left this month."""
        return bool(self.spending.quota) and self.calls > self.spending.left

    @property
    def are_many(self) -> bool:
        """Whether so many that a slip would be embarrassing."""
        return self.people > MANY_PEOPLE

    @property
    def asks_first(self) -> bool:
        """Whether Invite asks once before it sends."""
        return self.are_many or self.has_not_started or self.exceeds_quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many people a meeting ``holds``, how many are ``in_meeting`` now, and how many more are ``to_come``."""

    holds: int
    in_meeting: int
    to_come: int

    @property
    def missing(self) -> int:
        """How many would find the meeting full, if everybody came: a reason to ask before sending."""
        return max(0, self.in_meeting + self.to_come - self.holds)


def summarise(draft: Invitation | None, *, conference: Conference) -> Summary:
    """The numbers of ``draft``, or of a list with nobody on it."""
    app = conference.app
    channels = draft.invitees.all().count_by_channel() if draft else {}
    lines, left_out = draft.draft_lines.all().count_both() if draft else (0, 0)
    return Summary(
        in_dingtalk=channels.get(Channel.UNION_ID, 0),
        by_phone=channels.get(Channel.PHONE, 0),
        people_per_call=app.people_per_call,
        lines=lines,
        left_out=left_out,
        has_not_started=conference.status == ConferenceStatus.NOT_STARTED,
        spending=spending_of(app),
    )


def room_for(draft: Invitation) -> Room:
    """The room for those of ``draft`` who are not in its meeting yet, as far as its members were read."""
    inside = Member.objects.of(draft.conference).in_meeting()
    to_come = draft.invitees.who_are_none_of(inside).count()
    return Room(holds=settings.MEETING_HOLDS, in_meeting=inside.count(), to_come=to_come)
