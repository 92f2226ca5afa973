"""Gives all that stands in a file as text, whatever of it is read as people: for whoever has to know who is in it."""

import io
import zipfile
from collections.abc import Generator, Iterator
from itertools import batched
from typing import IO, BinaryIO, Final

from invites.files import archives
from invites.files.errors import Unreadable
from invites.files.formats import Format
from invites.files.reading import read

_LINES: Final = 500
_PIECE: Final = 1024 * 1024
# What stands at the end of one piece may go on in the next.
_OVERLAP: Final = 256
# Stands between cells and between lines, where no number goes on.
_EDGE: Final = "|"


def texts(file: BinaryIO, fmt: Format) -> Generator[str, None, None]:
    """The lines that `read` gives, many at a time, then everything as it is stored: other sheets, further numbers of a
    card, remarks. What cannot be read as lines is in the latter. Leaves ``file`` anywhere.
    """
    try:
        for lines in batched(read(file, fmt), _LINES):
            yield _EDGE.join(_EDGE.join(line.cells) for line in lines)
    except Unreadable:
        pass
    file.seek(0)
    if fmt.kind == "xlsx":
        yield from _of_members(file)
    else:
        yield from _pieces(file, str(fmt.reading["encoding"]))


def _of_members(file: BinaryIO) -> Iterator[str]:
    try:
        archives.check(file)
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                yield member.filename
                with archive.open(member) as part:
                    yield from _pieces(part, "utf-8")
    except (Unreadable, *archives.BROKEN):
        return


def _pieces(file: IO[bytes], encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(file, encoding=encoding, errors="ignore", newline="")
    before = ""
    try:
        while piece := text.read(_PIECE):
            yield before + piece
            before = piece[-_OVERLAP:]
    finally:
        text.detach()
