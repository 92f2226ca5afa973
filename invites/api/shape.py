"""What all that goes in and out has in common: names as DingTalk writes them, sizes that are bounded, usable text."""

import unicodedata
from datetime import datetime
from typing import Annotated, Final

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

LARGEST_KEY: Final = 2**63 - 1
MOST: Final = 200
USUAL: Final = 50
"""Rows of a page: at most, and where nobody says how many."""


# Beyond these, time zones and whole minutes lead out of the calendar.
_FIRST_YEAR, _LAST_YEAR = 1900, 2999


class In(Schema):
    """What a program sends. A name that is not known is a mistake, which would otherwise be passed over."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, str_strip_whitespace=True)


class Out(Schema):
    """What a program is given."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


def _one_line(text: str) -> str:
    if any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in text):
        raise PydanticCustomError("invalid", "A text has no line breaks and no control characters.")
    return text


def _within_reason(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise PydanticCustomError("invalid", "This moment is too far away.")
    return moment


Moment = Annotated[datetime, AfterValidator(_within_reason)]
"""A moment with which one can reckon."""

Key = Annotated[int, Field(ge=1, le=LARGEST_KEY, examples=[17])]
"""By this a row is known here."""

Line = Annotated[str, AfterValidator(_one_line)]
"""One line of text, which every database takes."""

Limit = Annotated[int, Field(ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[
    str, Field(max_length=400, description="Where to go on: what `next` said. Left out, it is the beginning.")
]
