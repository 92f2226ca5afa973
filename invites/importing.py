"""Takes files and lists of contacts in, step by step, as the person decides. Rows are read by `invites.absorbing`.

Each step is taken once, under a lock: a second press finds it taken and changes nothing. What is small is read and
stored while the person waits, the rest by a worker.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone, translation

from invites import absorbing, files, tasks
from invites.dingtalk.sandbox.people import DEMO_PEOPLE
from invites.explaining import PROCESS_DIED
from invites.models import AddressBook, ColumnMapping, ContactImport, DirectoryLink, ImportChunk, User
from invites.models.contact_import import ImportSource, ImportState

CHUNK = 256 * 1024
SAMPLE = 5
"""So many lines of a file are shown where its columns are chosen."""

SAMPLE_WIDTH = 80
SILENT = timedelta(seconds=60)
"""A worker of which nothing was heard for so long is taken for dead: it is heard at every few thousand rows."""

GIVEN_UP = timedelta(days=1)
ABANDONED = timedelta(days=7)
KEPT = timedelta(days=30)
AT_A_TIME = 20
INTERRUPTED, GAVE_UP = "interrupted", "gave_up"


def begin(
    *, book: AddressBook, user: User, source: ImportSource, file: BinaryIO, name: str, country: str
) -> ContactImport:
    """Keeps a file and finds out how it is to be read; a vCard file is read at once. Nothing of it is in the book yet.

    Raises Unreadable, with nothing kept, where it is no list of people.
    """
    form = files.sniff(file, name=name, is_pasted=source == ImportSource.PASTE)
    headings, lines = files.head(file, form, lines=SAMPLE)
    remembered = ColumnMapping.objects.remembered(user, headings=_hash(headings)) if any(headings) else None
    with transaction.atomic():
        contact_import = ContactImport.objects.create(
            book=book,
            created_by=user,
            source=source,
            file_name=name[:255],
            file_format=form.kind,
            country=country,
            columns=remembered
            or [field or "" for field in files.recognise(headings, lines, country=country)],
            reading=_reading(form, headings, lines) | {"is_remembered": remembered is not None},
        )
        _keep(contact_import, file)
        is_at_once = form.kind == "vcard" and _move_on(contact_import, to=ImportState.READING)
    if is_at_once:
        _read_at_once(contact_import)
    return contact_import


def choose_columns(*, contact_import: ContactImport, columns: Sequence[str], user: User) -> None:
    """Has an import read with ``columns``, the field for each or "", and remembers them for ``user``.

    Nothing happens where it is being read or stored already.
    """
    with transaction.atomic():
        locked = ContactImport.objects.for_change().get(pk=contact_import.pk)
        if locked.state not in {ImportState.UPLOADED, ImportState.READY} or not locked.chunks.exists():
            return
        locked.columns = list(columns)
        locked.problem = ""
        locked.save(update_fields=["columns", "problem"])
        headings = locked.reading.get("headings", [])
        if any(headings):
            ColumnMapping.objects.remember(user, headings=_hash(headings), columns=locked.columns)
        is_at_once = _move_on(locked, to=ImportState.READING)
    if is_at_once:
        _read_at_once(locked)


def confirm(*, contact_import: ContactImport, user: User | None = None) -> None:
    """Has everything stored that the preview shows. Nothing happens where that is under way or done.

    What nobody ordered, since the directory was read by itself, is on record as done by ``user``.
    """
    with transaction.atomic():
        locked = ContactImport.objects.for_change().get(pk=contact_import.pk)
        if locked.state != ImportState.READY or not locked.people:
            return
        if locked.created_by is None and user is not None:
            locked.created_by = user
            locked.save(update_fields=["created_by"])
        is_at_once = _move_on(locked, to=ImportState.STORING)
    if is_at_once:
        absorbing.store(locked.pk, heard_at=_rung_at(locked))


def discard(*, contact_import: ContactImport) -> None:
    """Drops an import that was not confirmed. Nothing happens where it was."""
    with transaction.atomic():
        locked = ContactImport.objects.for_change().get(pk=contact_import.pk)
        if locked.state not in {ImportState.UPLOADED, ImportState.READING, ImportState.READY}:
            return
        locked.discard()


def go_on() -> None:
    """Rings again for every import whose worker fell silent. Any number of processes may do this at once."""
    now = timezone.now()
    silent_ones = ContactImport.objects.silent_since(now - SILENT)
    for pk in list(silent_ones.values_list("pk", flat=True)[:AT_A_TIME]):
        with transaction.atomic():
            silent = silent_ones.for_change_if_free().filter(pk=pk).first()
            if silent is None:
                continue
            silent.heard_at = now
            silent.save(update_fields=["heard_at"])
            if silent.source == ImportSource.DIRECTORY and silent.state == ImportState.READING:
                # Whoever read the directory has gone, and with them what they had read.
                silent.fail(problem=INTERRUPTED)
                DirectoryLink.objects.note_problem(silent.book_id, code=PROCESS_DIED, at=now)
            elif now - _handed_on_at(silent) > GIVEN_UP:
                silent.fail(problem=GAVE_UP)
            else:
                _ring(silent)


def forget_old() -> None:
    """Drops imports that nobody has confirmed for days, with the files that they hold, and refused rows that nobody is
    going to mend any more.
    """
    now = timezone.now()
    for lying in ContactImport.objects.left_lying(now - ABANDONED)[:AT_A_TIME]:
        discard(contact_import=lying)
    for over in ContactImport.objects.with_old_rows(now - KEPT)[:AT_A_TIME]:
        over.rows.all().delete()


def sample_rows() -> Iterator[files.Row]:
    """A few people who do not exist, with everything that a file can say of somebody."""
    for place, person in enumerate(DEMO_PEOPLE[:3]):
        yield files.Row(
            nick=person.nick,
            union_id=person.union_id if place != 1 else "",
            phone_number=person.phone_number or "",
            groups=("Sales", "Beijing")[: place + 1],
        )


def _reading(form: files.Format, headings: list[str], lines: list[files.Line]) -> dict[str, object]:
    """What whoever reads the file must know, and what is shown where its columns are chosen."""
    return {
        "format": form.reading,
        "language": translation.get_language(),
        "headings": headings,
        "sample": [[cell[:SAMPLE_WIDTH] for cell in line.cells] for line in lines],
    }


def _keep(contact_import: ContactImport, file: BinaryIO) -> None:
    """Stores a file in pieces, a few of them in memory at a time."""
    file.seek(0)
    pieces = enumerate(iter(partial(file.read, CHUNK), b""))
    for some in batched(pieces, 8):
        ImportChunk.objects.bulk_create(
            [ImportChunk(contact_import=contact_import, number=number, data=data) for number, data in some]
        )


def _move_on(contact_import: ContactImport, *, to: ImportState) -> bool:
    """Hands a locked import to whoever is to work on it: True for the caller, who does at once what is small; else a
    worker is rung for.
    """
    now = timezone.now()
    contact_import.state, contact_import.heard_at = to, now
    contact_import.rows_read, contact_import.rows_total = 0, None
    contact_import.reading |= {"handed_on_at": now.isoformat()}
    contact_import.save(update_fields=["state", "heard_at", "rows_read", "rows_total", "reading"])
    is_small = (
        contact_import.is_small if to == ImportState.READING else contact_import.people < absorbing.AT_ONCE
    )
    if not is_small:
        _ring(contact_import)
    return is_small


def _read_at_once(contact_import: ContactImport) -> None:
    """Reads a small file, and rings for a worker where its rows turn out to be many."""
    if not absorbing.read(contact_import.pk, heard_at=_rung_at(contact_import), most=absorbing.AT_ONCE):
        with transaction.atomic():
            now = timezone.now()
            ContactImport.objects.under_way().filter(pk=contact_import.pk).update(heard_at=now)
            contact_import.heard_at = now
            _ring(contact_import)


def _ring(contact_import: ContactImport) -> None:
    """Rings for a worker as soon as the transaction is committed."""
    task = tasks.read_import if contact_import.state == ImportState.READING else tasks.store_import
    tasks.ring_for_import(task, import_id=contact_import.pk, at=_rung_at(contact_import))


def _handed_on_at(contact_import: ContactImport) -> datetime:
    """When an import was handed on last: it may have lain for days before somebody took its next step."""
    handed_on_at: str | None = contact_import.reading.get("handed_on_at")
    return datetime.fromisoformat(handed_on_at) if handed_on_at else contact_import.created_at


def _rung_at(contact_import: ContactImport) -> datetime:
    """When an import under way was handed on, or rung for again."""
    rung_at: datetime = contact_import.heard_at  # type: ignore[assignment]  # empty only before it is under way
    return rung_at


def _hash(headings: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(headings).encode()).hexdigest()
