"""Makes cells harmless that a spreadsheet would take for a formula, and takes that away again.

An apostrophe in front does it, which is what a person would type in Excel. A cell that begins with an apostrophe gets
another one, so that nothing is lost. A phone number in CSV is written as ``(+86) 13800138000``: no formula, no number
that Excel would round, readable, and the same number for every program that reads it.
"""

from typing import Final

import phonenumbers
from phonenumbers import NumberParseException

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ARMOURED: Final = (*_DANGEROUS, "'")


def arm(text: str) -> str:
    """``text`` as a cell that no spreadsheet calculates."""
    return f"'{text}" if text.startswith(_ARMOURED) else text


def disarm(text: str) -> str:
    """What `arm` was given; any other text stays as it is."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_ARMOURED) else text


def phone_cell(e164: str) -> str:
    """A stored number as a cell of CSV."""
    try:
        code = str(phonenumbers.parse(e164).country_code)
    except NumberParseException:
        return arm(e164)
    return f"(+{code}) {e164[len(code) + 1 :]}"
