"""The home page: how things stand. It refreshes itself quietly, and is sent only what is new to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_stubs_ext import StrOrPromise

from dashboard import home_days
from dashboard.context import spendings
from dashboard.seen import Seen, fingerprint
from invites import permissions, surveying
from invites.explaining import Mover
from invites.models.attempt import AttemptState
from invites.permissions import Viewer
from invites.surveying import Concern, Figures, Kind, OpenConference

EVERY = "30s"
# Each is the id of an element of home.html behind "home_", and the part of it that is sent anew.
PARTS = ("attention", "conferences", "figures", "people", "turnout", "days", "codes", "slowest", "quota")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A concern with whose move it is, and the one place to go to about it; none where there is nothing to press."""

    concern: Concern
    mover: StrOrPromise
    url: str
    label: StrOrPromise


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What is open, what needs attention, and the figures of today and of the last 30 days."""
    return TemplateResponse(request, "home.html", _context(request))


@require_safe
def home_live(request: HttpRequest) -> HttpResponse:
    """What is new to a home page that has ``seen`` how things stood: 204 where nothing is, else what differs."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("home")
    context = _context(request)
    before = Seen.read(request.GET.get("seen", ""))
    if str(before) == str(context["seen"]):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    new = context["seen"].new_parts(PARTS, before)
    return TemplateResponse(request, "_home_changed.html", context | {"new": new, "out_of_band": True})


def _context(request: HttpRequest) -> dict[str, Any]:
    keys = permissions.surveyed_conferences(request.user)
    spent = spendings(request)
    figures = surveying.figures(keys)
    concerns = surveying.concerns(request.user, conferences=keys, spendings=spent)
    context = {
        "figures": figures,
        "people": home_days.people(figures),
        "turnout": home_days.turnout(figures),
        "days": home_days.rows(figures),
        "conferences": surveying.conferences_now(keys),
        "alarms": [_alarm(concern, request.user) for concern in concerns],
        "spendings": spent,
        "sees_all": keys is None,
        "clock": settings.TIME_ZONE,
        "every": EVERY,
    }
    return context | {"seen": _seen(context)}


def _seen(context: Mapping[str, Any]) -> Seen:
    figures: Figures = context["figures"]
    facts = {
        "attention": [(repr(alarm.concern), alarm.url) for alarm in context["alarms"]],
        "conferences": [_facts(row) for row in context["conferences"]],
        "figures": (figures.today, figures.together),
        "people": context["people"],
        "turnout": context["turnout"],
        "days": context["days"],
        "codes": [(tally.explained.code, tally.calls) for tally in figures.codes],
        "slowest": [(slow.day, slow.ms, slow.attempt is None) for slow in figures.slowest],
        "quota": [(each.app.name, each.spent, each.quota) for each in context["spendings"]],
    }
    return Seen(parts=[fingerprint(facts[name]) for name in PARTS], rows=())


def _facts(row: OpenConference) -> tuple[object, ...]:
    return row.conference.pk, str(row.conference), row.conference.status, row.people, row.read_at


def _alarm(concern: Concern, user: Viewer) -> Alarm:
    url, label = _way(concern)
    # Settings are no place to send somebody who may not see them.
    if url.startswith(reverse("invites:settings")) and not permissions.may_administer(user):
        url, label = "", ""
    theirs = concern.mover is Mover.YOU and not permissions.may_organize(user)
    mover = _("Whoever invited these people") if theirs else concern.mover.label
    return Alarm(concern=concern, mover=mover, url=url, label=label)


def _way(concern: Concern) -> tuple[str, StrOrPromise]:
    """Where one goes about a concern, and what the link says."""
    match concern.kind:
        case Kind.UNKNOWN_ATTEMPTS:
            return f"{reverse('invites:attempt_list')}?outcome={AttemptState.UNKNOWN}", _("Show these calls")
        case Kind.THROTTLED if concern.explained is not None:
            return f"{reverse('invites:code_list')}#{concern.explained.anchor}", _("What this code means")
        case Kind.IMPORTS_WAIT | Kind.IMPORT_LOST if concern.about is not None:
            label = _("Decide") if concern.kind == Kind.IMPORTS_WAIT else _("Show the import")
            return reverse("invites:import_detail", args=[concern.about]), label
        case Kind.NOT_SEALED:
            return reverse("invites:seal_list"), _("Seals")
        case Kind.NO_WORKER | Kind.QUEUE_WAITS:
            return reverse("invites:about"), _("About this installation")
        case _:
            return reverse("invites:app_list"), _("DingTalk apps")
