"""What pages show of the people on a sent invitation, part by part. Changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from dashboard.seen import Seen, fingerprint
from invites import permissions
from invites.explaining import Explanation, explain
from invites.forms.invitation import PeopleForm
from invites.models import Invitation, Invitee, Member
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.views.ringing import ring_again_context

# How much a page shows before it asks: people of the invitation, people in the meeting whom nobody invited, calls.
PEOPLE_SHOWN = 100
OTHERS_SHOWN = 20
ATTEMPTS_SHOWN = 20
# How often a page asks what is new while calls are under way or phones ring, and while people may still come and go.
WHILE_CALLING = "1500ms"
WHILE_OPEN = "4s"
PHONES_RING_FOR = timedelta(minutes=1)
# Whoever has not come by then is not waited for any more.
WATCHED_FOR = timedelta(hours=3)
# The parts of `_people.html` beside its rows, and the card with the calls. Each is an element's id behind "people_".
PARTS = ("live", "progress", "steering", "chips", "counts", "ring", "next", "others", "announcement", "calls")

_STILL_TO_DO = {InviteeState.PENDING, InviteeState.SENDING}
_SINCE = {Attendance.JOINED: "joined_at", Attendance.LEFT: "left_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One person as the list shows them.

    ``explained`` is why they are not invited, where they are not; ``says_why`` tells whether the row says it in words,
    which is done once where many have the same lot. ``since`` is when what the conference reports began.
    """

    person: Invitee
    explained: Explanation | None
    says_why: bool
    since: datetime | None

    @property
    def fingerprint(self) -> str:
        """What of it can change."""
        person = self.person
        code = self.explained.code if self.explained else ""
        reported = (person.attendance, person.member_is_probable, self.since)
        return fingerprint(person.pk, person.state, code, self.says_why, *reported)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A count that narrows the list: ``value`` is a state of a person (``kind`` invitee) or an attendance (member)."""

    kind: str
    value: str
    count: int
    is_chosen: bool
    query: str


def people_context(
    request: HttpRequest, invitation: Invitation, *, on: str = "", with_calls: bool = False
) -> dict[str, Any]:
    """What `_people.html` needs of an invitation: ``seen`` fingerprints all of it, and the card of calls where asked.

    The address of ``request`` chooses among the people; ``on`` says that this is the page of their conference.
    """
    form = PeopleForm(request.GET, on=on)
    counts = invitation.invitees.count_by_outcome()
    by_state = _sums((state, n) for (state, _attendance), n in counts.items())
    by_attendance = _sums((attendance, n) for (_state, attendance), n in counts.items() if attendance)
    people = form.narrow(invitation.invitees.in_order().with_last_attempt().with_member().with_overrider())
    page = list(people[: PEOPLE_SHOWN + 1])
    calls = invitation.attempts.count_calls()
    in_call = by_state.get(InviteeState.SENDING, 0)
    context = {
        "invitation": invitation,
        "people_form": form,
        "country": invitation.conference.app.country,
        "people_rows": list(_rows(page[:PEOPLE_SHOWN])),
        "first_query": form.query(after=None) if form.chosen("after") is not None else None,
        "next_query": form.query(after=page[PEOPLE_SHOWN - 1].position) if len(page) > PEOPLE_SHOWN else None,
        "people_count": sum(by_state.values()),
        "done": sum(n for state, n in by_state.items() if state not in _STILL_TO_DO),
        "joined": by_attendance.get(Attendance.JOINED, 0),
        "is_observed": bool(by_attendance),
        "calls": calls,
        "chips": list(_chips(form, by_state, by_attendance)),
        "again_failed": by_state.get(InviteeState.FAILED, 0) + by_state.get(InviteeState.SKIPPED, 0),
        "again_unknown": by_state.get(InviteeState.UNKNOWN, 0),
        "may_send": permissions.may_organize(request.user),
        "rests_until": _rests_until(invitation),
        "every": _asks_every(invitation, in_call=in_call),
        "announcement": _announcement(invitation, by_state),
        **_others(invitation),
        **ring_again_context(request, invitation),
    }
    if with_calls:
        context |= _calls(invitation)
    return context | {"seen": _seen(context)}


def changes(context: dict[str, Any]) -> dict[str, Any] | None:
    """What `_people_changed.html` needs beside ``context``: what is new to a page that asks; None where nothing is."""
    form, now = context["people_form"], context["seen"]
    before = Seen.read(form.chosen("seen") or "")
    if str(now) == str(before):
        return None
    parts = now.new_parts(PARTS, before)
    places = now.new_rows(before)
    # Who is in a state comes and goes: such a list is sent as a whole.
    whole = places is None or (form.is_narrowing and bool(places))
    rows = [] if whole or not places else [context["people_rows"][place] for place in sorted(places)]
    return {"new": parts, "whole_list": whole, "new_rows": rows}


def _rows(people: Sequence[Invitee]) -> Iterator[Row]:
    said = None
    for person in people:
        explained = None
        if person.problem_code:
            explained = explain(person.problem_code, alone=person.is_singled_out)
        why = (str(explained.what), str(explained.action)) if explained else None
        yield Row(
            person=person,
            explained=explained,
            says_why=why is not None and why != said,
            since=_since(person),
        )
        said = why or said


def _since(person: Invitee) -> datetime | None:
    if person.member is None or person.attendance == Attendance.NOT_KNOWN:
        return None
    name = _SINCE.get(Attendance(person.attendance))
    told: datetime | None = getattr(person.member, name) if name else None
    return told or person.member.changed_at


def _chips(form: PeopleForm, by_state: dict[str, int], by_attendance: dict[str, int]) -> Iterator[Chip]:
    """Those that occur, and the one that is chosen, so that the choice can be taken back."""
    for kind, name, values, counts in (
        ("invitee", "state", InviteeState.values, by_state),
        ("member", "attendance", Attendance.values, by_attendance),
    ):
        for value in values:
            is_chosen = form.chosen(name) == value
            if not counts.get(value) and not is_chosen:
                continue
            others = {"state": None, "attendance": None, "after": None}
            yield Chip(
                kind=kind,
                value=value,
                count=counts.get(value, 0),
                is_chosen=is_chosen,
                query=form.query(**(others if is_chosen else others | {name: value})),
            )


def _calls(invitation: Invitation) -> dict[str, Any]:
    """The newest calls, and whether there are older ones."""
    attempts = list(invitation.attempts.in_order_made().reverse()[: ATTEMPTS_SHOWN + 1])
    return {"attempts": attempts[:ATTEMPTS_SHOWN], "more_attempts": len(attempts) > ATTEMPTS_SHOWN}


def _others(invitation: Invitation) -> dict[str, Any]:
    """Those in the meeting whom nobody invited: the first few, and how many more there are."""
    others = Member.objects.of(invitation.conference).in_meeting().nobody_invited()
    shown = list(others.by_name()[: OTHERS_SHOWN + 1])
    more = others.count() - OTHERS_SHOWN if len(shown) > OTHERS_SHOWN else 0
    return {"others": shown[:OTHERS_SHOWN], "more_others": more}


def _asks_every(invitation: Invitation, *, in_call: int) -> str:
    """How often a page asks what is new, as htmx takes it; "" for one that does not ask."""
    if invitation.state == InvitationState.SENDING or in_call:
        return WHILE_CALLING
    if invitation.is_under_way:
        return WHILE_OPEN
    now = timezone.now()
    is_young = invitation.sent_at is not None and now - invitation.sent_at < WATCHED_FOR
    if invitation.conference.has_ended or not is_young:
        return ""
    rings = invitation.finished_at is not None and now - invitation.finished_at < PHONES_RING_FOR
    return WHILE_CALLING if rings else WHILE_OPEN


def _rests_until(invitation: Invitation) -> datetime | None:
    """Until when DingTalk keeps the people who are still to be called waiting."""
    until = invitation.conference.app.rests_until
    is_held = until is not None and until > timezone.now() and invitation.state == InvitationState.SENDING
    return until if is_held else None


def _announcement(invitation: Invitation, by_state: dict[str, int]) -> str:
    """One sentence for the live region, once everything is over."""
    if not invitation.is_over:
        return ""
    return _("%(invited)s invited, %(failed)s not invited, %(unknown)s unknown.") % {
        "invited": by_state.get(InviteeState.INVITED, 0),
        "failed": by_state.get(InviteeState.FAILED, 0) + by_state.get(InviteeState.SKIPPED, 0),
        "unknown": by_state.get(InviteeState.UNKNOWN, 0),
    }


def _seen(context: dict[str, Any]) -> Seen:
    """Each of PARTS and every row in a few characters."""
    invitation: Invitation = context["invitation"]
    stage = (invitation.state, invitation.cancelled_at, context["may_send"])
    chips: list[Chip] = context["chips"]
    again = (
        *(context[name] for name in ("again_failed", "again_unknown")),
        invitation.conference.has_ended,
        invitation.conference.locked_at is None,
        bool(context["ring_again"].not_joined),
    )
    facts = {
        "live": (context["every"],),
        "progress": (
            stage,
            context["rests_until"],
            *(context[name] for name in ("people_count", "done", "joined", "is_observed", "calls")),
        ),
        "steering": stage,
        "chips": [(chip.value, chip.is_chosen) for chip in chips],
        "counts": [chip.count for chip in chips],
        "ring": (context["ring_again"], context["may_send"]),
        "next": (stage, again if invitation.is_over else ()),
        "others": ([(member.pk, member.nick) for member in context["others"]], context["more_others"]),
        "announcement": context["announcement"],
        "calls": [(attempt.pk, attempt.state) for attempt in context.get("attempts", [])],
    }
    return Seen(
        parts=[fingerprint(facts[name]) for name in PARTS],
        rows=[row.fingerprint for row in context["people_rows"]],
    )


def _sums(pairs: Iterator[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for value, n in pairs:
        sums[value] = sums.get(value, 0) + n
    return sums
