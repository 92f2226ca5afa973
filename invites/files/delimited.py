"""Reads CSV and pasted tables line by line, whatever separates their cells."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

from invites.files.encodings import PIECE, encoding_of
from invites.files.errors import Unreadable
from invites.files.formats import HEAD, MOST_ROWS, Format, Line, line_of
from invites.files.formulas import disarm
from invites.files.recognising import are_headings

_DELIMITERS: Final = ("\t", ",", ";", "，", "；", "|")
_LONGEST_LINE: Final = 1_000_000
_CONTROLS: Final = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B})
_MOST_CONTROLS: Final = 0.02
# A text with fewer NUL bytes than this is a damaged list, and is told which of its rows they are in.
_MOST_NULS: Final = 0.1


def sniff(file: BinaryIO) -> Format:
    """How a text is to be read. Raises Unreadable for what is no text."""
    _refuse_binary(file)
    encoding = encoding_of(file)
    if not encoding.startswith("utf-16"):
        _refuse_nul_bytes(file)
    reading: dict[str, object] = {"encoding": encoding, "delimiter": _delimiter(file, encoding)}
    first = list(islice(lines(file, reading), HEAD))
    if not first:
        raise Unreadable("empty")
    has_headings = are_headings(first[0].cells, [line.cells for line in first[1:]])
    reading |= {"has_headings": has_headings, "headings": list(first[0].cells) if has_headings else []}
    return Format("csv", reading)


def lines(file: BinaryIO, reading: dict[str, object]) -> Iterator[Line]:
    """The lines that have something in them, headings included. Raises Unreadable at the one that cannot be read."""
    count = 0
    for number, cells in _records(file, str(reading["encoding"]), str(reading["delimiter"])):
        line = line_of(number, map(disarm, cells))
        if not line.cells or (number == 1 and _names_the_delimiter(cells)):
            continue
        count += 1
        if count > MOST_ROWS + 1:
            raise Unreadable("too_many_rows", most=MOST_ROWS)
        yield line


def _records(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    number = 0
    source = _TextLines(text)
    try:
        for number, cells in enumerate(csv.reader(source, delimiter=delimiter), start=1):
            yield number, cells
            source.since_record = 0
    except csv.Error as error:
        raise Unreadable("broken_csv", row=number + 1) from error
    except UnicodeError as error:
        raise Unreadable("encoding") from error
    finally:
        text.detach()


class _TextLines:
    """The lines of a text; ``since_record`` characters have come since the last whole record, which may span several.

    Raises Unreadable for a record that is longer than anybody's: it would be held in memory as a whole.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._number = 0
        self.since_record = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(_LONGEST_LINE):
            self._number += 1
            self.since_record += len(line)
            if self.since_record >= _LONGEST_LINE:
                raise Unreadable("long_line", row=self._number)
            if "\0" in line:
                raise Unreadable("nul_bytes", row=self._number)
            yield line


def _names_the_delimiter(cells: list[str]) -> bool:
    """Whether this is ``sep=;``, by which Excel is told how to read a file."""
    return bool(cells) and cells[0].startswith("sep=") and not any(cells[1:])


def _delimiter(file: BinaryIO, encoding: str) -> str:
    """What the first line says, or what cuts most of the first lines into the same number of cells, two at least."""
    if told := _told_delimiter(file, encoding):
        return told
    best, most_alike = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        records = islice(_records(file, encoding, delimiter), HEAD)
        widths = [len(cells) for _number, cells in records if any(cells)]
        width, alike = Counter(widths).most_common(1)[0] if widths else (0, 0)
        if width > 1 and (alike / len(widths), width) > most_alike:
            best, most_alike = delimiter, (alike / len(widths), width)
    return best


def _told_delimiter(file: BinaryIO, encoding: str) -> str:
    for _number, cells in islice(_records(file, encoding, "\0"), 1):
        if _names_the_delimiter(cells) and len(cells[0].strip("\r\n")) == len("sep=;"):
            return cells[0][-1]
    return ""


def _refuse_binary(file: BinaryIO) -> None:
    file.seek(0)
    beginning = file.read(PIECE)
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return
    nuls = beginning.count(b"\0")
    controls = len(beginning) - len(beginning.translate(None, _CONTROLS)) - nuls
    if controls > max(1, len(beginning) * _MOST_CONTROLS) or nuls > len(beginning) * _MOST_NULS:
        raise Unreadable("binary")


def _refuse_nul_bytes(file: BinaryIO) -> None:
    """A NUL byte can stand in no name, and databases refuse it; whoever has made this file must mend it."""
    file.seek(0)
    row = 1
    while piece := file.read(PIECE):
        before, nul, _after = piece.partition(b"\0")
        if nul:
            raise Unreadable("nul_bytes", row=row + before.count(b"\n"))
        row += before.count(b"\n")
