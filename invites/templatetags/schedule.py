"""How a set time is shown. Filters only print."""

from datetime import datetime

from django import template
from django.utils import formats, timezone

register = template.Library()


@register.filter
def clock(moment: datetime) -> str:
    """``moment`` in the viewer's zone: today the time alone, else the date, too. For a place inside a sentence."""
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return formats.date_format(local, "H:i")
    return formats.date_format(local, f"{formats.get_format('DATE_FORMAT')} H:i")
