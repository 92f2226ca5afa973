"""Finds out in which encoding a text is written.

UTF-8 and GB18030 are told apart by the whole file and not by its beginning: what is not UTF-8 to its last byte is not
UTF-8. Among the old encodings that fit, a library judges which gives words, unless it is simplified Chinese beyond
doubt.
"""

import codecs
from typing import BinaryIO, Final

from charset_normalizer import from_bytes

from invites.files.errors import Unreadable

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OLD: Final = ("gb18030", "big5", "cp932", "cp1252")
PIECE: Final = 64 * 1024
_NEARLY_ALL: Final = 0.9
_SAMPLE: Final = 32 * 1024


def encoding_of(file: BinaryIO) -> str:
    """The encoding in which the whole of ``file`` can be read. Raises Unreadable where there is none."""
    file.seek(0)
    beginning = file.read(4)
    for bom, encoding in _BOMS:
        if beginning.startswith(bom):
            if not _fits(file, encoding):
                raise Unreadable("encoding")
            return encoding
    if _fits(file, "utf-8"):
        return "utf-8"
    sample = _sample(file)
    if _is_mostly(sample, "utf-8"):
        raise Unreadable("mixed_encoding", row=_first_row_in_another(file, "utf-8"))
    possible = [encoding for encoding in _OLD if _fits(file, encoding)]
    if "gb18030" not in possible and _is_mostly(sample, "gb18030") and _is_simplified_chinese(sample):
        raise Unreadable("mixed_encoding", row=_first_row_in_another(file, "gb18030"))
    if not possible:
        raise Unreadable("encoding")
    return possible[0] if len(possible) == 1 else _most_sensible(sample, possible)


def _is_mostly(sample: bytes, encoding: str) -> bool:
    """Whether most lines are in ``encoding``, so that the others must be damage: in another all would be rubbish."""
    lines = sample.splitlines()
    return sum(_is_in(encoding, line) for line in lines) * 2 > len(lines)


def _is_in(encoding: str, line: bytes) -> bool:
    try:
        line.decode(encoding)
    except UnicodeError:
        return False
    return True


def _first_row_in_another(file: BinaryIO, encoding: str) -> int:
    file.seek(0)
    row = 1
    while _is_in(encoding, line := file.readline()):
        row += line.endswith(b"\n")
    return row


def _is_simplified_chinese(sample: bytes) -> bool:
    """Whether nearly all of it are the characters of GB 2312, which other encodings hit only by chance.

    It settles what a library cannot: a single name in a list of Latin ones.
    """
    characters = [c for c in sample.decode("gb18030", errors="ignore") if not c.isascii()]
    return sum(map(_is_of_gb2312, characters)) >= _NEARLY_ALL * len(characters)


def _is_of_gb2312(character: str) -> bool:
    return bool(character.encode("gb2312", errors="ignore"))


def _fits(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while piece := file.read(PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _most_sensible(sample: bytes, possible: list[str]) -> str:
    if "gb18030" in possible and _is_simplified_chinese(sample):
        return "gb18030"
    best = from_bytes(sample, cp_isolation=possible, threshold=0.5, language_threshold=0.0).best()
    return best.encoding if best and best.encoding in possible else possible[0]


def _sample(file: BinaryIO) -> bytes:
    """Lines with something else than ASCII in them, as many as are enough to judge by."""
    file.seek(0)
    found, size = [], 0
    while size < _SAMPLE and (line := file.readline(PIECE)):
        if not line.isascii():
            found.append(line)
            size += len(line)
    return b"".join(found)
