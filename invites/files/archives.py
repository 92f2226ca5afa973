"""Looks into an XLSX file before it is opened: what it would unpack to, and whether it is one at all.

An XLSX file is a zip archive, and a small one can unpack to gigabytes. What its directory declares is what is unpacked:
`zipfile` gives no more of a member than that.
"""

import re
import zipfile
import zlib
from typing import IO, BinaryIO, Final

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from invites.files.encodings import PIECE
from invites.files.errors import Unreadable

ZIP: Final = b"PK"
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_MEGABYTE: Final = 1024 * 1024
_MOST_MEMBERS: Final = 2000
_MOST_UNPACKED: Final = 256 * _MEGABYTE
_LARGEST_MEMBER: Final = 160 * _MEGABYTE
# Larger than this, a member is expected to be no repetition of one and the same: lists shrink to a fifth or a tenth.
_MAY_REPEAT: Final = 8 * _MEGABYTE
_MOST_RATIO: Final = 100
# What is held in memory as a whole: the texts of all cells, and everything that is no sheet.
_MOST_TEXTS: Final = 48 * _MEGABYTE
_MOST_OF_A_PART: Final = 8 * _MEGABYTE
# A row is held in memory as a whole, and so is what follows the last one.
_LONGEST_ROW: Final = 4 * _MEGABYTE
_CONTENT_TYPES: Final = "[Content_Types].xml"
_TEXTS: Final = "sharedStrings+xml"
_SHEET: Final = "worksheet+xml"
_SHEETS: Final = "xl/worksheets/"
_WORKBOOK: Final = "sheet.main+xml"
_MACRO_WORKBOOK: Final = "sheet.macroEnabled.main+xml"
_ROW: Final = re.compile(rb"<(?:\w+:)?row[\s/>]")
_NOT_MARKUP: Final = re.compile(rb"<!\[CDATA\[|<!--")

BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    DefusedXmlException,
    # Of a file that is not what it says to be, the libraries raise nearly anything.
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)


def check(file: BinaryIO) -> None:
    """Raises Unreadable for what is no XLSX file, or one that would unpack to more than a list of people."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_sizes(archive.infolist())
            parts = _parts(archive)
            for member in archive.infolist():
                _check_part(archive, member, parts.get(member.filename, ""))
    except BROKEN as error:
        raise Unreadable("broken_workbook") from error
    if not any(content_type.endswith((_WORKBOOK, _MACRO_WORKBOOK)) for content_type in parts.values()):
        raise Unreadable("not_a_workbook")


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable("encrypted")
    if len(members) > _MOST_MEMBERS or sum(member.file_size for member in members) > _MOST_UNPACKED:
        raise Unreadable("unpacks_too_large")
    for member in members:
        repeats = member.file_size > _MAY_REPEAT and member.file_size > _MOST_RATIO * member.compress_size
        if repeats or member.file_size > _LARGEST_MEMBER:
            raise Unreadable("unpacks_too_large")


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """The content type of each member that has one of its own. Raises Unreadable where nothing says so."""
    if _CONTENT_TYPES not in archive.namelist():
        raise Unreadable("not_a_workbook")
    if archive.getinfo(_CONTENT_TYPES).file_size > _MEGABYTE:
        raise Unreadable("unpacks_too_large")
    types = fromstring(archive.read(_CONTENT_TYPES))
    return {
        part.get("PartName", "").lstrip("/"): part.get("ContentType", "")
        for part in types
        if part.tag.endswith("}Override")
    }


def _check_part(archive: zipfile.ZipFile, member: zipfile.ZipInfo, content_type: str) -> None:
    """Raises Unreadable for a member that would fill the memory; only sheets are read piece by piece."""
    is_other = content_type and not content_type.endswith(_SHEET)
    if member.filename.startswith(_SHEETS) and not member.filename.endswith(".rels") and not is_other:
        with archive.open(member) as sheet:
            _check_rows(sheet)
    elif member.file_size > (_MOST_TEXTS if content_type.endswith(_TEXTS) else _MOST_OF_A_PART):
        raise Unreadable("unpacks_too_large")


def _check_rows(sheet: IO[bytes]) -> None:
    """Raises Unreadable for a row of millions of cells, which would fill the memory before it could be counted."""
    since_row, has_rows = 0, False
    while piece := sheet.read(PIECE):
        # Inside of these anything may look like the beginning of a row; no program writes them there.
        if has_rows and _NOT_MARKUP.search(piece):
            raise Unreadable("broken_workbook")
        is_row = bool(_ROW.search(piece))
        since_row, has_rows = 0 if is_row else since_row + len(piece), has_rows or is_row
        if since_row > _LONGEST_ROW:
            raise Unreadable("unpacks_too_large")
