"""Lets a book follow a part of the company directory: which part, how often it is read, and reading it now.

What was read is an import like any other: it is looked at and confirmed where files are. Reading happens in a worker
(`invites.following`); only choosing the part asks the directory while somebody waits.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from invites import journal, permissions, tasks
from invites.connecting import client_for
from invites.dingtalk import Department, DingTalkError, UserGroup
from invites.errors import NotLinked
from invites.explaining import DIRECTORY_NOT_ALLOWED
from invites.models import AddressBook, App, ContactImport, DirectoryLink, User
from invites.models.book_change import ChangeKind
from invites.models.contact_import import ImportSource, ImportState
from invites.models.directory_link import DirectoryPart
from invites.refusing import directory_refusal

_PATIENCE = 10.0
AT_A_TIME = 20
DEPARTMENTS_FOUND = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One department of the tree, and those directly below it."""

    department: Department
    below: Sequence[Department]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """One page of user groups; ``next_offset`` is None on the last."""

    groups: Sequence[UserGroup]
    next_offset: int | None


def browse(*, app: App, department_id: int) -> Level:
    """One level of the tree. Raises DingTalkRefused or AppUnavailable."""
    directory, until = client_for(app).directory, time.monotonic() + _PATIENCE
    try:
        department = directory.get_department(department_id=department_id, deadline=until)
        below = directory.list_departments(department_id=department_id, deadline=until)
    except DingTalkError as error:
        raise directory_refusal(error) from error
    return Level(department=department, below=below)


def find_departments(*, app: App, text: str) -> Sequence[Department]:
    """The first departments whose name contains ``text``. Raises DingTalkRefused or AppUnavailable.

    The search tells ids alone, so that each costs a call.
    """
    directory, until = client_for(app).directory, time.monotonic() + _PATIENCE
    try:
        found = directory.search_departments(query_word=text, size=DEPARTMENTS_FOUND, deadline=until)
        ids = [int(department_id) for department_id in found.ids if department_id.isdecimal()]
        return [directory.get_department(department_id=each, deadline=until) for each in ids]
    except DingTalkError as error:
        raise directory_refusal(error) from error


def user_groups(*, app: App, offset: int) -> Groups:
    """A page of the user groups. Raises DingTalkRefused or AppUnavailable."""
    until = time.monotonic() + _PATIENCE
    try:
        page = client_for(app).directory.list_user_groups(offset=offset, deadline=until)
    except DingTalkError as error:
        raise directory_refusal(error) from error
    return Groups(groups=page.groups, next_offset=page.next_offset)


def link(*, book: AddressBook, part: DirectoryPart, remote_id: str, name: str, user: User) -> ContactImport:
    """Lets ``book`` follow a part of the directory from now on, in place of any other, and has it read at once.

    Nobody is in the book by that: what was read is confirmed first.
    """
    with transaction.atomic():
        AddressBook.objects.lock(book)
        known = DirectoryLink.objects.for_change().of_book(book).first()
        _note(book, user, before=known.name if known else "", after=name)
        link = known or DirectoryLink(book=book)
        link.part, link.remote_id, link.name = part, remote_id, name
        link.linked_by = user
        link.read_at = link.problem_at = None
        link.problem_code = ""
        link.save()
        # Of another part, or of the same one a moment ago: the newest reading counts.
        _discard_waiting(book)
        return _begin(link, user=user)


def unlink(*, book: AddressBook, user: User) -> None:
    """Lets ``book`` follow nothing any more. Its contacts stay as they are; what waits to be confirmed goes."""
    with transaction.atomic():
        AddressBook.objects.lock(book)
        link = DirectoryLink.objects.for_change().of_book(book).first()
        if link is None:
            return
        _note(book, user, before=link.name, after="")
        link.delete()
        _discard_waiting(book)


def set_schedule(*, book: AddressBook, every_hours: int, applies_by_itself: bool, user: User) -> None:
    """Sets how often the directory is read by itself, 0 for never, and whether that is applied without asking.

    It happens on behalf of ``user``, as long as they may change the book. Raises NotLinked where the book follows
    nothing any more.
    """
    with transaction.atomic():
        link = _locked(book)
        link.every_hours, link.applies_by_itself, link.linked_by = every_hours, applies_by_itself, user
        link.next_read_at = timezone.now() + timedelta(hours=every_hours) if every_hours else None
        link.save(update_fields=["every_hours", "applies_by_itself", "linked_by", "next_read_at"])


def refresh(*, book: AddressBook, user: User) -> ContactImport:
    """Has the directory read now, and returns the import that will show what it brings: the one under way, if any.

    Raises NotLinked where the book follows nothing any more.
    """
    with transaction.atomic():
        link = _locked(book)
        under_way = ContactImport.objects.of_book(book).from_directory().under_way().first()
        if under_way is not None:
            return under_way
        _discard_waiting(book)
        return _begin(link, user=user)


def refresh_due() -> int:
    """Has the directory read for every book whose time has come; returns for how many.

    Any number of processes may do this at once: whoever has the row sets its next time first.
    """
    due = list(DirectoryLink.objects.due().values_list("pk", flat=True)[:AT_A_TIME])
    return sum(_refresh_due(pk) for pk in due)


def _refresh_due(pk: int) -> bool:
    with transaction.atomic():
        link = (
            DirectoryLink.objects.for_change_if_free()
            .due()
            .filter(pk=pk)
            .select_related("book__app", "linked_by")
            .first()
        )
        if link is None or not link.every_hours:
            return False
        now = timezone.now()
        if not _may_go_on(link):
            link.every_hours, link.next_read_at = 0, None
            link.problem_code, link.problem_at = DIRECTORY_NOT_ALLOWED, now
            link.save(update_fields=["every_hours", "next_read_at", "problem_code", "problem_at"])
            return False
        link.next_read_at = now + timedelta(hours=link.every_hours)
        link.save(update_fields=["next_read_at"])
        if ContactImport.objects.of_book(link.book).from_directory().under_way().exists():
            return False
        _discard_waiting(link.book)
        _begin(link, user=None)
        return True


def _may_go_on(link: DirectoryLink) -> bool:
    """Whether whoever wanted the schedule may still change the book, though they are not there."""
    user = link.linked_by
    return (
        user.is_active
        and permissions.may_organize(user)
        and permissions.writable_books(user).includes(link.book)
    )


def _note(book: AddressBook, user: User, *, before: str, after: str) -> None:
    if before == after:
        return
    detail: dict[str, object] = {"before": {"directory": before}, "after": {"directory": after}}
    journal.note(book=book, user=user, kind=ChangeKind.BOOK_EDITED, detail=detail)


def _locked(book: AddressBook) -> DirectoryLink:
    link = DirectoryLink.objects.for_change().of_book(book).select_related("book__app").first()
    if link is None:
        raise NotLinked
    return link


def _discard_waiting(book: AddressBook) -> None:
    """Drops what was read and not confirmed, or is still being read: it is about to be read anew, or never."""
    imports = ContactImport.objects.of_book(book).from_directory()
    # Whoever confirms one at this very moment has it locked: it is stored, and what was read since comes on top of it.
    for waits in (*imports.ready().for_change_if_free(), *imports.being_read().for_change()):
        waits.discard()


def _begin(link: DirectoryLink, *, user: User | None) -> ContactImport:
    """An import that a worker is rung for once the transaction is committed."""
    now = timezone.now()
    begun = ContactImport.objects.create(
        book=link.book,
        created_by=user,
        source=ImportSource.DIRECTORY,
        file_name=link.name,
        country=link.book.country,
        state=ImportState.READING,
        heard_at=now,
    )
    tasks.ring_for_import(tasks.read_directory, import_id=begun.pk, at=now)
    return begun
