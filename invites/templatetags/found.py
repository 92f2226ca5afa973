"""Marks what a search has found: in names, unionIds and phone numbers. Tags only print; none queries."""

from collections.abc import Sequence

from django import template
from django.template import Context
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from invites import highlighting, phone_numbers
from invites.highlighting import Stretch
from invites.models import Contact

register = template.Library()


@register.simple_tag
def found_name(nick: str, text: str) -> SafeString:
    """A name, with the characters that ``text`` finds marked, be it by their pinyin or their initials."""
    return _marked(nick, highlighting.in_name(nick, text))


@register.simple_tag
def found_union_id(union_id: str, text: str) -> SafeString:
    """A unionId, with its beginning marked where ``text`` is that."""
    return _marked(union_id, highlighting.in_union_id(union_id, text))


@register.simple_tag(takes_context=True)
def found_number(context: Context, e164: str, country: str, text: str) -> SafeString:
    """A stored number as people in ``country`` write it, with the digits marked that ``text`` finds, as far as the
    viewer may see it.
    """
    if not context.get("may_see_phone_numbers", False):
        return _marked(phone_numbers.mask(e164), [])
    shown = phone_numbers.display(e164, country=country)
    return _marked(shown, highlighting.in_number(shown, text, e164=e164))


@register.simple_tag(takes_context=True)
def found_reach(context: Context, contact: Contact, country: str, text: str) -> SafeString:
    """How a contact is reached, with what ``text`` finds marked: by the unionId where there is one, and by the
    number where there is none, or where it is what was found.
    """
    number = contact.phone_number
    shows_number = number and (not contact.union_id or highlighting.in_number(number, text, e164=number))
    parts = []
    if contact.union_id:
        marked = found_union_id(contact.union_id, text)
        parts.append(format_html('<span class="font-monospace text-break">{}</span>', marked))
    if shows_number:
        marked = found_number(context, number, country, text)
        parts.append(format_html('<span class="text-nowrap" dir="ltr">{}</span>', marked))
    return format_html_join(" · ", "{}", ((part,) for part in parts))


def _marked(text: str, stretches: Sequence[Stretch]) -> SafeString:
    if not stretches:
        return conditional_escape(text)
    pieces, behind = [], 0
    for start, end in stretches:
        pieces += [text[behind:start], format_html("<mark>{}</mark>", text[start:end])]
        behind = end
    return format_html_join("", "{}", ((piece,) for piece in [*pieces, text[behind:]]))
