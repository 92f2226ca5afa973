"""Says in PostgreSQL's SQL what `cells.as_csv` makes of a value, so that the database can write whole lines itself.

Nothing here comes from outside but the words of columns, which are quoted.
"""

import sys
from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import Final

from psycopg.sql import quote

from invites.extracting.cells import E164, HIDDEN, HIDEABLE, SHOWN_DIGITS, Manner
from invites.extracting.columns import Column, Kind
from invites.models.invitee import Channel


def cell(column: Column, value: str, manner: Manner) -> str:
    """SQL for a cell, null where it is empty, where ``value`` is SQL for what stands in it; of a person in ``t``."""
    return _WAYS[column.kind](column, value, manner)


def _text(_column: Column, value: str, _manner: Manner) -> str:
    # Most begin with a letter and are no TRUE or FALSE: to see that is cheaper than a pattern.
    is_word = f"ascii({value}) BETWEEN 65 AND 122 AND length({value}) > 5"
    armed = f"WHEN {value} ~ {quote(_armoured())} THEN '''' || {value}"
    return f"CASE WHEN {value} = '' THEN NULL WHEN {is_word} THEN {value} {armed} ELSE {value} END"


def _as_it_is(_column: Column, value: str, _manner: Manner) -> str:
    return value


def _word(column: Column, value: str, _manner: Manner) -> str:
    words = " ".join(f"WHEN {quote(key)} THEN {quote(str(word))}" for key, word in column.words)
    return f"CASE {value} {words} ELSE {value} END"


def _message(column: Column, value: str, manner: Manner) -> str:
    if manner.with_phone_numbers:
        return _text(column, value, manner)
    hidden = f"regexp_replace({value}, {quote(HIDEABLE)}, {quote(HIDDEN)}, 'g')"
    written = f"SELECT {_text(column, 'm', manner)} FROM (SELECT {hidden} AS m) hidden"  # noqa: S608
    return f"CASE {value} WHEN '' THEN NULL ELSE ({written}) END"


def _union_id(column: Column, value: str, manner: Manner) -> str:
    return f"CASE t.channel WHEN {quote(Channel.UNION_ID.value)} THEN {_text(column, value, manner)} ELSE NULL END"


def _phone_number(column: Column, value: str, manner: Manner) -> str:
    if manner.with_phone_numbers:
        unlike, rest = _text(column, value, manner), "e[2]"
    else:
        unlike = f"CASE {value} WHEN '' THEN NULL ELSE {quote(HIDDEN)} || right({value}, {SHOWN_DIGITS}) END"
        hidden = f"repeat({quote(HIDDEN)}, greatest(length(e[2]) - {SHOWN_DIGITS}, 1))"
        rest = f"{hidden} || right(e[2], {SHOWN_DIGITS})"
    written = f"CASE WHEN e IS NULL THEN {unlike} ELSE '(+' || e[1] || ') ' || {rest} END"
    parts = f"SELECT regexp_match({value}, {quote(E164)}) AS e"
    number = f"SELECT {written} FROM ({parts}) parts"  # noqa: S608
    return f"CASE t.channel WHEN {quote(Channel.PHONE.value)} THEN ({number}) ELSE NULL END"


@cache
def _armoured() -> str:
    """What `files.formulas.arm_untyped` arms. PostgreSQL knows only some of the digits that Python knows."""
    digits = filter(str.isdecimal, map(chr, range(sys.maxunicode + 1)))
    runs = [[d for _, d in run] for _, run in groupby(enumerate(digits), lambda pair: ord(pair[1]) - pair[0])]
    numeric = "".join(f"{run[0]}-{run[-1]}" for run in runs)
    return (
        rf"^(?:[=+\-@\t\r\n＝＋－＠']|[{numeric}.,][{numeric}.,:/ +\-Ee%]*$"
        "|[Tt][Rr][Uu][Ee]$|[Ff][Aa][Ll][Ssſ][Ee]$)"
    )


_WAYS: Final[dict[Kind, Callable[[Column, str, Manner], str]]] = {
    Kind.NUMBER: _as_it_is,
    Kind.TEXT: _text,
    Kind.MESSAGE: _message,
    Kind.DAY: _as_it_is,
    Kind.MOMENT: _as_it_is,
    Kind.WORD: _word,
    Kind.UNION_ID: _union_id,
    Kind.PHONE_NUMBER: _phone_number,
}
