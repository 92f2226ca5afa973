"""What is wrong with a row of an import, in words."""

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

TWICE = "twice_in_file"
"""Followed by a colon and the number of the row that named the same person first."""

TWO_CONTACTS = "two_contacts"
MORE_NUMBERS = "more_numbers"

_SENTENCES: dict[str, StrOrPromise] = {
    "unreachable": _("There is neither a unionId nor a phone number."),
    "demo_person": _(
        "This person exists in the sandbox only and cannot be invited through a real DingTalk app."
    ),
    "name_max_length": _("A name has at most 100 characters."),
    "name_invalid": _("A name has no line breaks and no control characters."),
    "name_required": _("This name cannot be seen."),
    "union_id_max_length": _("A unionId has at most 128 characters."),
    "union_id_invalid": _("A unionId has no blanks and no invisible characters inside."),
    "not_a_number": _("This is not a phone number."),
    "too_short": _("This phone number is too short."),
    "too_long": _("This phone number is too long."),
    "country": _("This phone number has an unknown country code."),
    "length": _("This phone number has a length that no number has."),
    "area": _("This phone number lacks its area code."),
    "extension": _("A phone number with an extension cannot be called."),
    "no_such_prefix": _("No phone number begins like this one."),
    "group_name": _("The name of a group has at most 80 characters, and no line breaks."),
    "many_groups": _("One person can be put into at most 50 groups at once."),
    "reason": _("A reason has at most 200 characters, and no line breaks."),
    "no_reason": _("There is a date for “do not invite”, but no reason."),
    "date": _("This is not a date. Write it like 2027-01-31."),
    "date_for_number": _("This is a date, not a phone number."),
    "cut_short": _(
        "A spreadsheet has kept only the first digits of this number. Enter it anew, in a column of text."
    ),
    "broken_card": _("This card is damaged and cannot be read."),
    TWO_CONTACTS: _(
        "The unionId and the phone number belong to two different people of this book. Merge them, or correct the row."
    ),
    MORE_NUMBERS: _("There are further phone numbers. The first one is taken."),
}


def row_problem(problem: str) -> StrOrPromise:
    """The sentence for the ``problem`` of a row; "" for none, the word itself for one that nobody has explained."""
    code, _colon, number = problem.partition(":")
    if code == TWICE:
        return _("The same person stands in row %(number)s already.") % {"number": number}
    return _SENTENCES.get(code, code)
