"""What a row of the history says of a call. Tags only print; none queries, and each is cheap: there are many rows."""

from functools import cache, lru_cache

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import floatformat
from django.urls import get_script_prefix, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, ngettext, pgettext

from invites.explaining import explain
from invites.models import Attempt

register = template.Library()

# Stands for a key in the address of one of many.
_ANY_KEY = 7_777_777


@register.simple_tag
def address(view: str, pk: int) -> str:
    """The address of the one with key ``pk``: what ``url`` says, who looks for it anew in every row."""
    return _addresses(view, get_script_prefix()).replace(str(_ANY_KEY), str(pk))


@register.simple_tag
def first_names(attempt: Attempt) -> SafeString:
    """The first people of an attempt, each linked to all that happened to them, and how many more there are."""
    people = ((address("invites:person_detail", each.person), each.nick) for each in attempt.first_people)
    link = '<a class="text-reset position-relative z-2" href="{}"><bdi>{}</bdi></a>'
    names = format_html_join(pgettext("between names", ", "), link, people)
    more = attempt.people_not_named
    if not more:
        return names
    said = ngettext("and %(more)s more", "and %(more)s more", more) % {"more": intcomma(more)}
    return format_html('{} <span class="text-secondary text-nowrap">{}</span>', names, said)


@register.simple_tag
def code_link(code: str) -> SafeString:
    """An error code, linked to what it means."""
    return _code_link(code, get_script_prefix(), get_language())


@register.simple_tag
def seconds(number: float | None) -> str:
    """How long a call took; "" for one that is under way."""
    return "" if number is None else _seconds(number, get_language())


# Calls take a second or less, told in thousandths of it.
@lru_cache(maxsize=10_000)
def _seconds(number: float, _language: str | None) -> str:
    return gettext("%(seconds)s s") % {"seconds": floatformat(number, 2)}


@cache
def _addresses(view: str, _prefix: str) -> str:
    return reverse(view, args=[_ANY_KEY])


@lru_cache(maxsize=1000)
def _code_link(code: str, _prefix: str, _language: str | None) -> SafeString:
    explained = explain(code)
    return format_html(
        '<a class="font-monospace text-break position-relative z-2" href="{}" title="{}">{}</a>',
        reverse("invites:code_list", fragment=explained.anchor),
        explained.what,
        code,
    )
