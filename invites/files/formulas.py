"""Makes cells harmless that a spreadsheet would take for a formula, or for a number, and takes that away again.

An apostrophe in front does it, which is what a person would type in Excel. A cell that begins with an apostrophe gets
another one, so that nothing is lost. A phone number in CSV is written as ``(+86) 13800138000``: no formula, no number
that Excel would round, readable, and the same number for every program that reads it.
"""

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ARMOURED: Final = (*_DANGEROUS, "'")
# An id of digits would be rounded, one such as 12E4 be calculated.
_LIKE_A_NUMBER: Final = re.compile(r"[\d.,][\d.,:/ +\-E%]*|TRUE|FALSE", re.IGNORECASE)


def arm(text: str) -> str:
    """``text`` as a cell that no spreadsheet calculates."""
    return f"'{text}" if text.startswith(_ARMOURED) else text


def arm_untyped(text: str) -> str:
    """``text`` as a cell of CSV, which cannot say that it is text: none that is calculated or taken for a number."""
    return f"'{text}" if text.startswith(_ARMOURED) or _LIKE_A_NUMBER.fullmatch(text) else text


def disarm(text: str) -> str:
    """What `arm` or `arm_untyped` was given; any other text stays as it is."""
    if text[:1] != "'":
        return text
    rest = text[1:]
    return rest if rest.startswith(_ARMOURED) or _LIKE_A_NUMBER.fullmatch(rest) else text


def phone_cell(e164: str) -> str:
    """A stored number as a cell of CSV."""
    try:
        code = str(phonenumbers.parse(e164).country_code)
    except NumberParseException:
        return arm(e164)
    return f"(+{code}) {e164[len(code) + 1 :]}"
