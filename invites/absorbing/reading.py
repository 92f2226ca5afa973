"""Reads an import: puts the file together again, cleans each of its rows and has them staged."""

import json
import tempfile
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime

from django.utils import translation

from invites import files
from invites.absorbing.cleaning import Person, cleaner
from invites.absorbing.comparing import LEAVE
from invites.absorbing.staging import PIECE, Staging, TakenOverError, TooLongError, TooManyGroupsError
from invites.models import ContactImport
from invites.models.contact_import import ImportSource, ImportState

AT_ONCE = 1000
"""So many rows are read and stored while a person waits for the page; a worker does what is longer."""

TOO_MANY_GROUPS = "too_many_groups"


def read(import_id: int, *, heard_at: datetime, most: int | None = None) -> bool:
    """Reads an import whose bell rang at ``heard_at``; nothing happens where another has answered it.

    False where the file has more rows than ``most``, and nothing was staged; somebody has to be rung for then.
    """
    contact_import = ContactImport.objects.for_page().filter(pk=import_id).first()
    if contact_import is None or contact_import.state != ImportState.READING:
        return True
    contact_import.heard_at = heard_at
    try:
        # It is often read by a worker, who would fill in names in a language of its own.
        with translation.override(contact_import.reading.get("language")):
            if contact_import.source == ImportSource.DIRECTORY:
                _compare_again(contact_import)
            else:
                _read_file(contact_import, most)
    except TakenOverError:
        return True
    except TooLongError:
        return False
    except TooManyGroupsError:
        contact_import.fail(problem=TOO_MANY_GROUPS)
    except files.Unreadable as error:
        contact_import.fail(problem=error.code, detail=json.dumps(error.detail, default=str))
    return True


def stage(
    contact_import: ContactImport, people: Iterable[Person], *, tells_who_left: bool = False
) -> ContactImport:
    """Compares ``people`` with the book and stages them, so that the import is READY, and returns it as it is then.

    It must be READING, and the caller the one who was last heard. One that was taken over meanwhile is left alone.
    """
    contact_import.reading |= {"tells_who_left": tells_who_left}
    contact_import.save(update_fields=["reading"])
    try:
        _stage_people(contact_import, people)
    except TakenOverError:
        contact_import.refresh_from_db()
    except TooManyGroupsError:
        contact_import.fail(problem=TOO_MANY_GROUPS)
    return contact_import


def _read_file(contact_import: ContactImport, most: int | None) -> None:
    with tempfile.TemporaryFile(prefix="import-") as file:
        size = contact_import.put_together(file)
        # The place in a workbook says nothing: it is packed.
        progress = None if contact_import.file_format == "xlsx" else lambda: min(file.tell() / size, 1.0)
        staging = Staging(contact_import, most=most, progress=progress)
        clean = cleaner(
            columns=contact_import.columns,
            country=contact_import.country,
            is_sandbox=contact_import.book.app.is_sandbox,
        )
        # Closed before the file is, also where it is not read to its end.
        with closing(files.read(file, contact_import.format)) as lines:
            staging.run((clean(line), line.cells) for line in lines)


def _compare_again(contact_import: ContactImport) -> None:
    """Compares those who came without a file with the book as it is now. They are as many as a directory has."""
    staged = contact_import.rows.exclude(outcome=LEAVE).in_order().values_list(*Person._fields[:-1])
    people = [Person(*row) for row in staged.iterator(chunk_size=PIECE)]
    _stage_people(contact_import, [person._replace(groups=tuple(person.groups)) for person in people])


def _stage_people(contact_import: ContactImport, people: Iterable[Person]) -> None:
    Staging(contact_import).run(
        ((person, (person.nick, person.union_id, person.phone_number)) for person in people),
        tells_who_left=contact_import.reading.get("tells_who_left", False),
    )
