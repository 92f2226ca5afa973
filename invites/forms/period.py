"""A stretch of time by which lists of the history are narrowed: a usual one, or one that is exact to the minute."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

MINUTE = timedelta(minutes=1)


class Period(models.TextChoices):
    """Stretches that are usual, by the viewer's days."""

    TODAY = "today", _("Today")
    YESTERDAY = "yesterday", _("Yesterday")
    WEEK = "week", _("Last 7 days")
    MONTH = "month", _("Last 30 days")
    THIS_MONTH = "this_month", _("This month")


# The first day of each and the last one, of today.
_DAYS: dict[str, Callable[[date], tuple[date, date]]] = {
    Period.TODAY: lambda today: (today, today),
    Period.YESTERDAY: lambda today: (today - timedelta(days=1), today - timedelta(days=1)),
    Period.WEEK: lambda today: (today - timedelta(days=6), today),
    Period.MONTH: lambda today: (today - timedelta(days=29), today),
    Period.THIS_MONTH: lambda today: (today.replace(day=1), today),
}


class MomentInput(forms.DateTimeInput):
    """A moment to the minute by the viewer's clock; an address may name one of another zone."""

    def __init__(self) -> None:
        super().__init__({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def format_value(self, value: Any) -> str | None:
        """As Django's, in the viewer's zone."""
        try:
            moment = parse_datetime(value) if isinstance(value, str) else value
        except ValueError:
            moment = None
        if isinstance(moment, datetime) and timezone.is_aware(moment):
            value = timezone.localtime(moment)
        return super().format_value(value)


class PeriodForm(forms.Form):
    """The fields ``period``, ``since`` and ``until`` of a form that is sent by GET. What is exact wins over ``period``.

    All three are meant, and shown, in the zone of the viewer.
    """

    FIELDS: ClassVar = ("period", "since", "until")

    period = forms.ChoiceField(
        label=_("Time"), required=False, choices=[("", _("Any time")), *Period.choices]
    )
    since = forms.DateTimeField(
        label=_("From"),
        required=False,
        widget=MomentInput,
    )
    until = forms.DateTimeField(
        label=_("Until the end of the minute"),
        required=False,
        widget=MomentInput,
    )

    def clean(self) -> dict[str, Any]:
        """What was typed, where its end does not come before its beginning."""
        wanted = super().clean() or self.cleaned_data
        since, until = wanted.get("since"), wanted.get("until")
        if since and until and until < since:
            self.add_error("until", ValidationError(_("This is before the beginning."), code="order"))
        return wanted

    def said(self, name: str) -> str:
        """A field as an address carries it: moments with their zone, so that they mean the same to a colleague."""
        if name in {"since", "until"} and (moment := getattr(self, "cleaned_data", {}).get(name)):
            return timezone.localtime(moment).isoformat(timespec="minutes")
        return str(self.data.get(name, "")).strip()

    @property
    def stretch(self) -> tuple[datetime | None, datetime | None]:
        """The first moment and the first one after, either of which may be open. The form is valid."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        if since or until:
            return since, until and until + MINUTE
        days = _DAYS.get(self.cleaned_data["period"])
        if days is None:
            return None, None
        first, last = days(timezone.localdate())
        return _midnight(first), _midnight(last + timedelta(days=1))

    @property
    def fixed(self) -> dict[str, str]:
        """The same stretch in values that mean it also when it is no longer today. The form is valid."""
        since, until = self.stretch
        last = until and until - MINUTE
        return {
            "period": "",
            "since": since.isoformat(timespec="minutes") if since else "",
            "until": last.isoformat(timespec="minutes") if last else "",
        }


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
