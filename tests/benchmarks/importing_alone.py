"""Imports one file into one book and prints what that took: the process that `tests.benchmarks.importing` measures."""

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

from django.conf import settings  # noqa: E402

from invites import absorbing, importing  # noqa: E402
from invites.models import AddressBook, ContactImport  # noqa: E402
from invites.models.contact_import import ImportSource, ImportState  # noqa: E402


def import_alone(path: Path, book_pk: int) -> dict[str, float]:
    """Imports one file as web server and worker do, one step after the other."""
    book = AddressBook.objects.select_related("owner", "app").get(pk=book_pk)
    begun = time.perf_counter()
    with path.open("rb") as file:
        under_way = importing.begin(
            book=book, user=book.owner, source=ImportSource.FILE, file=file, name=path.name, country="CN"
        )
    kept = time.perf_counter()
    importing.choose_columns(contact_import=under_way, columns=under_way.columns, user=book.owner)
    absorbing.read(under_way.pk, heard_at=_heard_at(under_way))
    read = time.perf_counter()
    importing.confirm(contact_import=under_way)
    absorbing.store(under_way.pk, heard_at=_heard_at(under_way))
    stored = time.perf_counter()
    under_way.refresh_from_db()
    if under_way.state != ImportState.DONE:
        raise AssertionError(f"the import is {under_way.state}: {under_way.problem}")
    return {"begin": kept - begun, "read": read - kept, "store": stored - read, "memory": _most_memory()}


def _most_memory() -> float:
    """The most memory that this process has held, in MB.

    `resource.getrusage` would count what the process held that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _heard_at(under_way: ContactImport) -> datetime:
    heard_at = ContactImport.objects.get(pk=under_way.pk).heard_at
    if heard_at is None:
        raise AssertionError("nobody was rung for")
    return heard_at


if __name__ == "__main__":
    settings.DATABASES["default"]["NAME"] = os.environ["DATABASE_NAME"]
    sys.stdout.write(json.dumps(import_alone(Path(sys.argv[1]), int(sys.argv[2]))))
