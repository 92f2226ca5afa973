"""Builds the sprite of the icons that the templates use: `python -m dashboard.icons FOLDER`.

FOLDER is an unpacked `@tabler/icons`. It reads `static/icons.txt`, one name a line, and must import nothing of Django.
"""

import re
import sys
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "static"
SPRITE = STATIC / "vendor" / "tabler-icons" / "sprite.svg"

_SHAPES = re.compile(r"<svg\b[^>]*>(.*)</svg>", re.DOTALL)
# Every icon of the set begins with a transparent square that only keeps its size; the symbol's viewBox does that.
_SQUARE = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>')
_LINE = 'viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"'


def wanted(text: str) -> list[str]:
    """The names in a list of icons, sorted, each once."""
    return sorted({line.strip() for line in text.splitlines() if line.strip()})


def symbol(name: str, svg: str) -> str:
    """The outline icon ``svg`` as a symbol with the id ``name``. Raises ValueError where it is no such icon."""
    match = _SHAPES.search(svg)
    if match is None or 'viewBox="0 0 24 24"' not in svg:
        raise ValueError(f"{name} is not an outline icon.")
    shapes = re.sub(r"\s*\n\s*", "", _SQUARE.sub("", match[1]))
    return f'<symbol id="{name}" {_LINE}>{shapes}</symbol>'


def sprite(names: list[str], *, folder: Path) -> str:
    """The sprite of ``names`` from the package in ``folder``. Raises FileNotFoundError for a name it does not know."""
    outline = folder / "icons" / "outline"
    symbols = [symbol(name, (outline / f"{name}.svg").read_text(encoding="utf-8")) for name in names]
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>"]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> str:
    """Writes the sprite; the exit message, empty where all is well."""
    if len(arguments) != 1:
        return "Usage: python -m dashboard.icons FOLDER (an unpacked @tabler/icons)"
    names = wanted((STATIC / "icons.txt").read_text(encoding="utf-8"))
    try:
        text = sprite(names, folder=Path(arguments[0]))
    except FileNotFoundError as error:
        return f"There is no such icon: {Path(error.filename).stem}"
    SPRITE.write_text(text, encoding="utf-8")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or 0)
