"""Reads and shows phone numbers. Stored form is E.164; the rules of each country are those of libphonenumber."""

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

_PROBLEMS = {
    ValidationResult.TOO_SHORT: ("too_short", _("This phone number is too short.")),
    ValidationResult.TOO_LONG: ("too_long", _("This phone number is too long.")),
    ValidationResult.INVALID_COUNTRY_CODE: ("country", _("This phone number has an unknown country code.")),
    ValidationResult.INVALID_LENGTH: ("length", _("This phone number has a length that no number has.")),
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: ("area", _("This phone number lacks its area code.")),
}

_NOT_A_NUMBER = ("not_a_number", _("This is not a phone number."))
_PARSE_PROBLEMS = {
    NumberParseException.TOO_SHORT_AFTER_IDD: _PROBLEMS[ValidationResult.TOO_SHORT],
    NumberParseException.TOO_SHORT_NSN: _PROBLEMS[ValidationResult.TOO_SHORT],
    NumberParseException.TOO_LONG: _PROBLEMS[ValidationResult.TOO_LONG],
    NumberParseException.INVALID_COUNTRY_CODE: _PROBLEMS[ValidationResult.INVALID_COUNTRY_CODE],
}


def parse(text: str, *, country: str) -> str:
    """The E.164 form (``+8613…``) of a number as people write it in ``country`` (two capital letters).

    Raises ValidationError that says what is wrong with it.
    """
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException as error:
        code, message = _PARSE_PROBLEMS.get(error.error_type, _NOT_A_NUMBER)
        raise ValidationError(message, code=code) from error
    if number.extension:
        raise ValidationError(_("A phone number with an extension cannot be called."), code="extension")
    problem = phonenumbers.is_possible_number_with_reason(number)
    if problem != ValidationResult.IS_POSSIBLE:
        code, message = _PROBLEMS.get(problem, _NOT_A_NUMBER)
        raise ValidationError(message, code=code)
    if not phonenumbers.is_valid_number(number):
        raise ValidationError(_("No phone number begins like this one."), code="no_such_prefix")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def display(e164: str, *, country: str) -> str:
    """A stored number as people in ``country`` write it: nationally, or with the country code of another one."""
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    home = number.country_code == phonenumbers.country_code_for_region(country)
    style = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def mask(e164: str) -> str:
    """A stored number with all but its country code and last four digits hidden, as phone bills in China do it.

    The last four are also what a name that was filled in shows, so that the one does not tell more than the other.
    """
    try:
        code = f"+{phonenumbers.parse(e164).country_code}"
    except NumberParseException:
        code = ""
    shown = e164[len(code) :][-4:]
    return f"{code} {'•' * max(len(e164) - len(code) - len(shown), 1)}{shown}".strip()
