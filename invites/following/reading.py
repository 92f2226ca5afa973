"""Reads the part of the directory that a book follows and stages it as an import, whole or not at all."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.utils import timezone

from invites import absorbing
from invites.absorbing import Person, TakenOverError, colleague, hear
from invites.dingtalk import DingTalkError, DirectoryPerson
from invites.errors import AppUnavailable, DemoPersonRefused
from invites.explaining import APP_UNAVAILABLE, DIRECTORY_INCOMPLETE, DIRECTORY_TOO_LARGE
from invites.following.directory import DirectoryIncompleteError, Reader, TooManyPeopleError
from invites.guarding import refuse_demo_person
from invites.models import App, ContactImport, DirectoryLink
from invites.models.contact_import import ImportSource, ImportState
from invites.models.directory_link import DirectoryPart

NOT_READ = "not_read"
"""The problem of an import for which the directory could not be read; its detail is the code of what happened."""

logger = logging.getLogger(__name__)


def read(import_id: int, *, heard_at: datetime) -> None:
    """Reads the directory for an import whose bell rang at ``heard_at``; nothing happens where another has answered it.

    It ends READY, or FAILED with the code of what DingTalk said, which the link of the book keeps as well.
    """
    found = ContactImport.objects.for_page().filter(pk=import_id, source=ImportSource.DIRECTORY).first()
    if found is None or found.state != ImportState.READING:
        return
    found.heard_at = heard_at
    try:
        hear(found, rows_read=0)
        link = DirectoryLink.objects.get(book=found.book)
        # All of it before anything is staged.
        everybody = list(_everybody(found, link))
    except (TakenOverError, DirectoryLink.DoesNotExist):
        return
    except DingTalkError as error:
        _give_up(found, code=error.code)
    except AppUnavailable:
        _give_up(found, code=APP_UNAVAILABLE)
    except DirectoryIncompleteError:
        _give_up(found, code=DIRECTORY_INCOMPLETE)
    except TooManyPeopleError:
        _give_up(found, code=DIRECTORY_TOO_LARGE)
    else:
        # Somebody whose unionId it does not tell may be anybody of the book: then nobody is missed for sure.
        tells_who_left = all(person.union_id for person in everybody)
        people = _people(everybody, app=found.book.app)
        staged = absorbing.stage(found, people, tells_who_left=tells_who_left)
        if staged.state == ImportState.READY:
            DirectoryLink.objects.note_read(link.pk, at=timezone.now())


def _everybody(contact_import: ContactImport, link: DirectoryLink) -> Iterator[DirectoryPerson]:
    """Everybody whom the directory has in the part that is followed."""
    reader = Reader(
        contact_import.book.app, note_progress=lambda people: hear(contact_import, rows_read=people)
    )
    if link.part == DirectoryPart.DEPARTMENT:
        return reader.department(int(link.remote_id))
    return reader.user_group(link.remote_id)


def _people(everybody: Iterable[DirectoryPerson], *, app: App) -> Iterator[Person]:
    """Those of them who can be contacts of ``app``, as rows of an import."""
    found = (colleague(person) for person in everybody)
    usable = (person for person in found if person is not None and _may_be_called(person, app=app))
    for number, person in enumerate(usable, start=1):
        yield person._replace(number=number)


def _may_be_called(person: Person, *, app: App) -> bool:
    try:
        refuse_demo_person(app=app, values=[person.union_id, person.phone_number])
    except DemoPersonRefused:
        return False
    return True


def _give_up(contact_import: ContactImport, *, code: str) -> None:
    logger.warning("Import %s: the directory could not be read: %s", contact_import.pk, code)
    try:
        hear(contact_import)
    except TakenOverError:
        return
    contact_import.fail(problem=NOT_READ, detail=code)
    DirectoryLink.objects.note_problem(contact_import.book_id, code=code, at=timezone.now())
