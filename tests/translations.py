"""Holds the translations complete: every text of the code is in the catalogue, translated, with its placeholders.

``python -m tests.translations`` judges a copy and changes nothing; ``--update`` is `make messages`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polib

from tests.services.packages import ensure

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ("zh_Hans",)
SOURCES = ("manage.py", "dashboard", "invites", "templates")
EXTRACT = (
    *("manage.py", "makemessages", "--no-wrap", "--no-obsolete", "--add-location", "file"),
    *("--ignore", "var", "--ignore", "tests", "--ignore", "static"),
    *(part for locale in LOCALES for part in ("--locale", locale)),
)
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w+\}")


def catalogue(root: Path, locale: str) -> Path:
    """Where the translations into ``locale`` stand below ``root``."""
    return root / "invites" / "locale" / locale / "LC_MESSAGES" / "django.po"


def extract(root: Path) -> None:
    """Brings the catalogues below ``root`` up to the texts of the code below it."""
    ensure("gettext")
    subprocess.run(
        [sys.executable, *EXTRACT],
        cwd=root,
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )


def findings(before: Path, after: Path) -> Iterator[str]:
    """What is wrong with the catalogue ``before``, where ``after`` is what it becomes when the code is read anew."""
    old = {(entry.msgctxt, entry.msgid) for entry in polib.pofile(str(before)) if not entry.obsolete}
    new = [entry for entry in polib.pofile(str(after)) if not entry.obsolete]
    for entry in new:
        if (entry.msgctxt, entry.msgid) not in old:
            yield f"not in the catalogue: {entry.msgid!r}"
        elif not entry.translated():
            yield f"{'fuzzy' if entry.fuzzy else 'not translated'}: {entry.msgid!r}"
        else:
            yield from _placeholder_findings(entry)
    for _context, text in sorted(old - {(entry.msgctxt, entry.msgid) for entry in new}, key=str):
        yield f"no longer used: {text!r}"


def _placeholder_findings(entry: polib.POEntry) -> Iterator[str]:
    wanted = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    for text in entry.msgstr_plural.values() or [entry.msgstr]:
        if set(PLACEHOLDER.findall(text)) != wanted:
            yield f"other placeholders: {entry.msgid!r} became {text!r}"


def check() -> list[str]:
    """Everything that is wrong with the translations, in words."""
    missing = [str(catalogue(ROOT, locale)) for locale in LOCALES if not catalogue(ROOT, locale).exists()]
    if missing:
        return [f"there is no {path}" for path in missing]
    with tempfile.TemporaryDirectory(prefix="invites-translations-") as folder:
        copy = Path(folder)
        for name in SOURCES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        extract(copy)
        return [
            f"{locale}: {finding}"
            for locale in LOCALES
            for finding in findings(catalogue(ROOT, locale), catalogue(copy, locale))
        ]


def main(arguments: list[str]) -> int:
    """Returns 0 where nothing is wrong, or after an update."""
    if "--update" in arguments:
        for locale in LOCALES:
            catalogue(ROOT, locale).parent.mkdir(parents=True, exist_ok=True)
        extract(ROOT)
        return 0
    found = check()
    print("\n".join(found) or "complete")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
