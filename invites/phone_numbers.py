"""Reads and shows phone numbers. Stored form is E.164; the rules of each country are those of libphonenumber."""

import re
import unicodedata

import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult

_PROBLEMS = {
    ValidationResult.TOO_SHORT: ("too_short", _("This phone number is too short.")),
    ValidationResult.TOO_LONG: ("too_long", _("This phone number is too long.")),
    ValidationResult.INVALID_COUNTRY_CODE: ("country", _("This phone number has an unknown country code.")),
    ValidationResult.INVALID_LENGTH: ("length", _("This phone number has a length that no number has.")),
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: ("area", _("This phone number lacks its area code.")),
}

_NO_SUCH_PREFIX = ("no_such_prefix", _("No phone number begins like this one."))
_NOT_A_NUMBER = ("not_a_number", _("This is not a phone number."))
_PARSE_PROBLEMS = {
    NumberParseException.TOO_SHORT_AFTER_IDD: _PROBLEMS[ValidationResult.TOO_SHORT],
    NumberParseException.TOO_SHORT_NSN: _PROBLEMS[ValidationResult.TOO_SHORT],
    NumberParseException.TOO_LONG: _PROBLEMS[ValidationResult.TOO_LONG],
    NumberParseException.INVALID_COUNTRY_CODE: _PROBLEMS[ValidationResult.INVALID_COUNTRY_CODE],
}

_STYLES = (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL, PhoneNumberFormat.RFC3966)
# So many digits without a country code are taken for one number and no other.
_TELLING_DIGITS = 9
_BETWEEN = r"[\s().\-\u2010-\u2015]"
_BETWEEN_DIGITS = re.compile(rf"{_BETWEEN}+")
_HIDDEN, _SHOWN_DIGITS = "•••", 4


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
        code, message = _PROBLEMS.get(_wrong_length(number), _NO_SUCH_PREFIX)
        raise ValidationError(message, code=code)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _wrong_length(number: phonenumbers.PhoneNumber) -> int:
    """TOO_SHORT or TOO_LONG where digits more or less would make a mobile number of one that is none.

    For the library, a mobile number that lacks a digit is as long as some landline's is, and has a bad beginning.
    Returns IS_POSSIBLE where the beginning is indeed what is wrong.
    """
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    country = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if country is None or country.mobile is None:
        return ValidationResult.IS_POSSIBLE
    digits = phonenumbers.national_significant_number(number)
    for length in country.mobile.possible_length:
        if len(digits) == length:
            continue
        mended = phonenumbers.PhoneNumber(
            country_code=number.country_code, national_number=int(digits[:length].ljust(length, "0"))
        )
        if phonenumbers.number_type(mended) == PhoneNumberType.MOBILE:
            return ValidationResult.TOO_SHORT if len(digits) < length else ValidationResult.TOO_LONG
    return ValidationResult.IS_POSSIBLE


def display(e164: str, *, country: str) -> str:
    """A stored number as people in ``country`` write it: nationally, or with the country code of another one."""
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return e164
    home = number.country_code == phonenumbers.country_code_for_region(country)
    style = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def spellings(e164: str) -> list[str]:
    """How a stored number may stand in a text that somebody has written: without its country code where that leaves
    enough digits to mean nobody else, and as people at home and abroad group its digits.
    """
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return [e164]
    national = phonenumbers.national_significant_number(number)
    written = [phonenumbers.format_number(number, style) for style in _STYLES]
    enough = [national] if len(national) >= _TELLING_DIGITS else []
    return list(dict.fromkeys([e164, e164.lstrip("+"), *written, *enough]))


def stands_in(e164: str, text: str) -> bool:
    """Whether ``text``, in which people write numbers as they like, contains a stored number."""
    # Full-width digits become plain ones.
    bare = _BETWEEN_DIGITS.sub("", unicodedata.normalize("NFKC", text))
    return any(spelling in bare for spelling in spellings(e164))


def hide(text: str, *, fewest: int = 7) -> str:
    """``text`` of somebody else's with whatever may be a number in it, of ``fewest`` digits or more, hidden but for its
    last four digits.
    """
    # Not within an id, in which letters stand beside digits.
    perhaps = rf"(?<![A-Za-z0-9])\d(?:{_BETWEEN}{{0,2}}\d){{{fewest - 1},14}}(?![A-Za-z0-9])"
    return re.sub(perhaps, lambda found: f"{_HIDDEN}{found[0][-_SHOWN_DIGITS:]}", text)


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
