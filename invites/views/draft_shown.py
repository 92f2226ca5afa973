"""What the composer's templates show of a draft: the whole of it, or only what a change did. Changes nothing."""

from datetime import timedelta
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from invites import composing, permissions
from invites.composing import Change
from invites.composing.reading import line_of
from invites.forms.draft import AddPeopleForm, OperatorForm, SeenDraftForm
from invites.forms.draft_later import USUAL_MINUTES, RingAgainForm, ScheduleForm, next_slot
from invites.models import Conference, Invitation, Invitee, User

# A long list shows its first people; the others come when asked for.
ROWS_SHOWN = 100
LINES_SHOWN = 50
# A change of more rows than this answers with the list as a page would show it.
MOST_ROWS_OF_A_CHANGE = 50
UNDONE_AT_MOST = 10
# A page that stands open looks again so long after a set time, when a worker has certainly heard of it.
LOOKS_AFTER = timedelta(seconds=4)
LOOKS_AHEAD = timedelta(hours=24)
LATER = "later_%s"


def composer_context(request: HttpRequest, conference: Conference) -> dict[str, Any]:
    """What `_composer.html` needs. ``shown`` in the address says how many people, or ``all``."""
    draft = composing.find_draft(conference)
    union_id = request.user.union_id if isinstance(request.user, User) else ""
    initial = {"union_id": union_id}
    return list_context(request, conference, draft, shown=_shown(request)) | {
        "add_form": AddPeopleForm(auto_id="draft_%s"),
        "operator": union_id,
        "operator_form": OperatorForm(initial=initial, app=conference.app, auto_id="operator_%s"),
    }


def list_context(
    request: HttpRequest, conference: Conference, draft: Invitation | None, *, shown: int | None = ROWS_SHOWN
) -> dict[str, Any]:
    """What `_draft_list.html` and `_draft_bar.html` need; ``shown`` people at most, or all for None.

    ``hidden`` people stand between the positions ``hidden_after`` and ``hidden_to``.
    """
    context = bar_context(conference, draft) | later_context(conference, draft)
    context |= _scheduled_context(conference, draft) | {"country": conference.app.country}
    if draft is None:
        return context | {"draft_people": [], "lines": [], "left_out_lines": []}
    people = list(draft.invitees.in_order().with_contact()[:shown])
    composing.find_marks(people, user=permissions.organizer(request.user), app=conference.app)
    context |= {"draft_people": people} | _lines_context(draft)
    hidden = context["summary"].people - len(people)
    if hidden > 0:
        last = draft.invitees.next_position() - 1
        context |= {"hidden": hidden, "hidden_after": people[-1].position, "hidden_to": last}
        context["shown_next"] = len(people) + ROWS_SHOWN
    return context


def bar_context(conference: Conference, draft: Invitation | None) -> dict[str, Any]:
    """What `_draft_bar.html` needs."""
    return {
        "conference": conference,
        "draft": draft,
        "summary": composing.summarise(draft, conference=conference),
    }


def question_context(conference: Conference, draft: Invitation) -> dict[str, Any]:
    """What `_draft_question.html` needs beside the bar; ``asks_first`` says whether there is anything to ask."""
    context = bar_context(conference, draft)
    summary = context["summary"]
    room = composing.room_for(draft)
    asks_first = bool(summary.people) and (summary.asks_first or room.missing > 0)
    return context | {"room": room, "asks_first": asks_first, "cancel_url": page_url(conference)}


def page_url(conference: Conference) -> str:
    """The page of which the composer is a part."""
    return reverse("invites:conference_detail", args=[conference.pk])


def later_context(
    conference: Conference, draft: Invitation | None, *, schedule_form: ScheduleForm | None = None
) -> dict[str, Any]:
    """What `_draft_later.html` needs."""
    at = draft.scheduled_for if draft else None
    rings = {
        "again": bool(draft and draft.rings_left),
        "minutes": (draft and draft.ring_again_minutes) or USUAL_MINUTES,
    }
    return {
        "conference": conference,
        "draft": draft,
        "schedule_form": schedule_form or ScheduleForm(initial={"at": at or next_slot()}, auto_id=LATER),
        "ring_form": RingAgainForm(initial=rings, auto_id="rings_%s"),
    }


def _scheduled_context(conference: Conference, draft: Invitation | None) -> dict[str, Any]:
    """What `_draft_scheduled.html` needs: what was put aside, and in how many seconds something is due."""
    scheduled = list(conference.invitations.put_aside().with_people())
    times = [invitation.scheduled_for for invitation in [*scheduled, draft] if invitation]
    ahead = [at - timezone.now() for at in times if at]
    soonest = min(ahead, default=LOOKS_AHEAD)
    looks_in = max(soonest, timedelta()) + LOOKS_AFTER
    return {
        "scheduled": scheduled,
        "looks_in": int(looks_in.total_seconds()) if soonest < LOOKS_AHEAD else None,
    }


def change_context(change: Change, *, seen: SeenDraftForm) -> dict[str, Any]:
    """What `_draft_change.html` says of a change and puts in its place on a page that has ``seen`` the list before.

    Rows that the page does not show are left out, since there is nothing to replace.
    """
    after, to = seen.seen("hidden_after"), seen.seen("hidden_to")

    def is_shown(invitee: Invitee) -> bool:
        return after is None or to is None or not after < invitee.position <= to

    context: dict[str, Any] = {
        "country": change.draft.conference.app.country,
        "sentences": sentences_of(change),
        "ring_again_changed": change.ring_again_changed,
        "added": change.added,
        "changed": list(filter(is_shown, change.changed)),
        "removed": list(filter(is_shown, change.removed)),
        "undo": _undo(change),
    }
    if change.lines or change.lines_gone:
        context |= _lines_context(change.draft)
    return context


def _lines_context(draft: Invitation) -> dict[str, Any]:
    """What `_draft_lines.html` needs beside the numbers of the bar."""
    lines = draft.draft_lines.all()
    return {
        "lines": list(lines.to_correct()[:LINES_SHOWN]),
        "left_out_lines": list(lines.left_out()[:LINES_SHOWN]),
    }


def _shown(request: HttpRequest) -> int | None:
    wanted = request.GET.get("shown", "")
    if wanted == "all":
        return None
    is_number = wanted.isascii() and wanted.isdecimal() and len(wanted) < 7  # noqa: PLR2004 - no list is that long
    return max(int(wanted), ROWS_SHOWN) if is_number else ROWS_SHOWN


def sentences_of(change: Change) -> list[str]:
    """What happened, for the live region: whole sentences."""
    sentences = _added(change)
    if change.times_folded == 1 and not change.added:
        sentences.append(_("“%(name)s” is on the list already.") % {"name": change.folded[0]})
    elif change.times_folded:
        n = change.times_folded
        sentences.append(
            ngettext(
                "%(n)s repetition was folded into one person.",
                "%(n)s repetitions were folded into one person each.",
                n,
            )
            % {"n": intcomma(n)}
        )
    if change.left_out:
        sentences.append(_left_out(change))
    if n := sum(not line.is_left_out for line in change.lines):
        sentences.append(
            ngettext("%(n)s line needs a look.", "%(n)s lines need a look.", n) % {"n": intcomma(n)}
        )
    if change.removed and not change.times_folded:
        sentences.append(_removed(change))
    elif not sentences and change.changed:
        sentences.append(_("The name was changed to “%(name)s”.") % {"name": change.changed[0]})
    elif not sentences and change.lines_gone:
        n = len(change.lines_gone)
        sentences.append(
            ngettext("The line was removed.", "%(n)s lines were removed.", n) % {"n": intcomma(n)}
        )
    if change.ring_again_changed:
        sentences.append(_ring_again(change))
    return sentences or [_("Nothing was changed.")]


def _added(change: Change) -> list[str]:
    n = len(change.added)
    if change.overridden:
        text = _(
            "“%(name)s” is on the list in spite of “do not invite”. It is on record that you decided so."
        )
        return [text % {"name": change.overridden}]
    if n == 1:
        return [_("“%(name)s” was added.") % {"name": change.added[0]}]
    added = ngettext("%(n)s person was added.", "%(n)s people were added.", n) % {"n": intcomma(n)}
    return [added] if n else []


def _left_out(change: Change) -> str:
    """Who is left out, and how they can be invited all the same."""
    n, named = len(change.left_out), composing.MOST_LEFT_OUT
    if n == 1:
        return _("“%(name)s” is left out: marked “do not invite”.") % {"name": change.left_out[0].person.nick}
    if n <= named:
        text = ngettext(
            "%(n)s person is left out: marked “do not invite”.",
            "%(n)s people are left out: they are marked “do not invite”.",
            n,
        )
        return text % {"n": intcomma(n)}
    text = _(
        "%(n)s people are left out: they are marked “do not invite”. The first %(named)s are named below; whoever else "
        "is to come all the same can be added by name."
    )
    return text % {"n": intcomma(n), "named": named}


def _ring_again(change: Change) -> str:
    minutes = change.draft.ring_again_minutes
    if not minutes:
        return _("Nobody is rung again by itself.")
    return ngettext(
        "Whoever does not join is rung again after %(n)s minute.",
        "Whoever does not join is rung again after %(n)s minutes.",
        minutes,
    ) % {"n": minutes}


def _removed(change: Change) -> str:
    if len(change.removed) == 1:
        return _("“%(name)s” was taken off the list.") % {"name": change.removed[0]}
    n = len(change.removed)
    return ngettext("%(n)s person was taken off the list.", "%(n)s people were taken off the list.", n) % {
        "n": intcomma(n)
    }


def _undo(change: Change) -> str:
    """The text that puts those back who were taken off; "" where they are too many, or nobody was."""
    if change.times_folded or len(change.removed) > UNDONE_AT_MOST:
        return ""
    return "\n".join(
        line_of(
            nick="" if invitee.nick_filled_in else invitee.nick, channel=invitee.channel, value=invitee.value
        )
        for invitee in change.removed
    )
