"""Reads files of any kind, however they come."""

from collections.abc import Generator
from itertools import islice
from typing import BinaryIO

from invites.files import archives, cards, delimited, workbooks
from invites.files.errors import Unreadable
from invites.files.formats import MOST_BYTES, Format, Line, line_of, width_of


def sniff(file: BinaryIO, *, name: str = "", is_pasted: bool = False) -> Format:
    """What kind of file this is and how it is to be read, told from what is in it; a ``name`` only settles doubt.

    Raises Unreadable for what cannot be. Leaves ``file`` anywhere.
    """
    size = file.seek(0, 2)
    if size > MOST_BYTES:
        raise Unreadable("too_large", megabytes=MOST_BYTES // 1024 // 1024)
    file.seek(0)
    beginning = file.read(8)
    if not beginning:
        raise Unreadable("empty")
    if beginning.startswith(archives.OLE):
        raise Unreadable("old_excel")
    if beginning.startswith(archives.ZIP) and not is_pasted:
        return workbooks.sniff(file)
    if cards.are_in(file) or name.casefold().endswith((".vcf", ".vcard")):
        return cards.sniff(file)
    return delimited.sniff(file)


def head(file: BinaryIO, fmt: Format, *, lines: int = 5) -> tuple[list[str], list[Line]]:
    """The headings, "" for each column without one, and the first lines. Raises Unreadable."""
    first = list(islice(read(file, fmt), lines))
    headings = fmt.headings
    return headings + [""] * (width_of(first) - len(headings)), first


def read(file: BinaryIO, fmt: Format) -> Generator[Line, None, None]:
    """The lines of a file that have something in them, without headings, wherever these come once more.

    Raises Unreadable at the line that cannot be read. Leaves ``file`` anywhere.
    """
    if fmt.kind == "vcard":
        yield from cards.lines(file, fmt.reading)
        return
    reader = workbooks.lines if fmt.kind == "xlsx" else delimited.lines
    headings = line_of(0, fmt.headings).cells
    for place, line in enumerate(reader(file, fmt.reading)):
        is_heading = fmt.has_headings and (place == 0 or line.cells == headings)
        if not is_heading:
            yield line
