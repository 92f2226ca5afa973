"""Characters that people cannot see, or that look like others: taken out, or written as the plain ones.

Knows no database.
"""

import unicodedata

# One character for one, so that places in the text stay where they are.
NARROW = str.maketrans(
    dict.fromkeys("‐‑‒–—―−", "-") | {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}
)
_JOINERS = "\u200c\u200d"
# Letters and symbols by category that nobody can see, so that a name of these alone is none.
_BLANK_LETTERS = str.maketrans(dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800", " ") | {"\u034f": None})


def tidy(text: str) -> str:
    """``text`` without control and invisible characters, every kind of blank but the tab as a plain one.

    The joiners that hold emoji and Persian or Indic letters together stay.
    """
    if text.isprintable():
        return text.translate(_BLANK_LETTERS).strip() if not text.isascii() else text.strip()
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "Z":
            kept.append(" ")
        elif character in "\t" + _JOINERS or category not in {"Cc", "Cf", "Cs"}:
            kept.append(character)
    return "".join(kept).translate(_BLANK_LETTERS).strip()


def plain(text: str) -> str:
    """``text`` in the characters of a unionId or a phone number: full-width ones narrow, dashes as ``-``."""
    if text.isascii():
        return text.strip()
    narrow = unicodedata.normalize("NFKC", text).translate(NARROW)
    return "".join(character for character in narrow if character not in _JOINERS).strip()


def is_visible(text: str) -> bool:
    """Whether there is anything to see in a tidy ``text``, and not only marks and joiners."""
    return any(
        unicodedata.category(character)[0] not in "MZ" for character in text if character not in _JOINERS
    )
