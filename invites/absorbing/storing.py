"""Stores a confirmed import: all that was staged, in one transaction and a handful of statements for any number.

Must not judge a row: what becomes of each was decided when it was compared. Where the book has changed since, nothing
is stored, and the import is compared again and waits to be confirmed once more.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from invites import journal
from invites.absorbing.reading import read
from invites.journal import Snapshot, Touched
from invites.models import AddressBook, BookChange, Contact, ContactImport, ImportRow
from invites.models.book_change import ChangeKind
from invites.models.contact_import import ImportSource, ImportState, RowOutcome

BOOK_CHANGED = "book_changed"
PIECE = 1000

_ADD = """
    INSERT INTO invites_contact (
        book_id, nick, union_id, phone_number, search_text, refused_code, do_not_invite_reason, do_not_invite_until,
        do_not_invite_since, do_not_invite_by_id, in_directory_since, added_by_id, created_at, updated_at
    )
    SELECT
        %(book)s, nick, union_id, phone_number, search_text, '', do_not_invite_reason, do_not_invite_until,
        CASE WHEN do_not_invite_reason <> '' THEN %(now)s END,
        CASE WHEN do_not_invite_reason <> '' THEN CAST(%(user)s AS bigint) END,
        CASE WHEN %(is_directory)s THEN %(now)s END, %(change)s, %(now)s, %(now)s
    FROM invites_importrow WHERE contact_import_id = %(import)s AND outcome = 'add' ORDER BY number
"""
# What the row does not say stays. What DingTalk said about a unionId goes with it.
_CHANGE = """
    UPDATE invites_contact AS c SET
        nick = CASE WHEN r.nick <> '' THEN r.nick ELSE c.nick END,
        union_id = CASE WHEN r.union_id <> '' THEN r.union_id ELSE c.union_id END,
        phone_number = CASE WHEN r.phone_number <> '' THEN r.phone_number ELSE c.phone_number END,
        search_text = r.search_text,
        refused_at = CASE WHEN r.union_id IN ('', c.union_id) THEN c.refused_at END,
        refused_code = CASE WHEN r.union_id IN ('', c.union_id) THEN c.refused_code ELSE '' END,
        do_not_invite_reason =
            CASE WHEN r.do_not_invite_reason <> '' THEN r.do_not_invite_reason ELSE c.do_not_invite_reason END,
        do_not_invite_until =
            CASE WHEN r.do_not_invite_reason <> '' THEN r.do_not_invite_until ELSE c.do_not_invite_until END,
        do_not_invite_since =
            CASE WHEN r.do_not_invite_reason <> '' THEN COALESCE(c.do_not_invite_since, %(now)s)
                ELSE c.do_not_invite_since END,
        do_not_invite_by_id =
            CASE WHEN r.do_not_invite_reason <> '' THEN CAST(%(user)s AS bigint) ELSE c.do_not_invite_by_id END,
        left_directory_at = CASE WHEN %(is_directory)s THEN NULL ELSE c.left_directory_at END,
        updated_at = %(now)s
    FROM invites_importrow r
    WHERE r.contact_import_id = %(import)s AND r.outcome = 'change' AND c.id = r.contact_key AND c.book_id = %(book)s
"""
_LEAVE = """
    UPDATE invites_contact AS c SET left_directory_at = %(now)s, updated_at = %(now)s
    FROM invites_importrow r
    WHERE r.contact_import_id = %(import)s AND r.outcome = 'leave' AND c.id = r.contact_key AND c.book_id = %(book)s
"""
# The names of groups stand in a list for each row, which the two kinds of database take apart in their own ways.
_NAMES = {
    "postgresql": ("jsonb_array_elements_text(r.groups) AS g(value)"),
    "sqlite": ("json_each(r.groups) AS g"),
}
_CREATE_GROUPS = """
    INSERT INTO invites_contactgroup (book_id, name)
    SELECT %(book)s, min(g.value) FROM invites_importrow r, {names}
    WHERE r.contact_import_id = %(import)s AND r.outcome IN ('add', 'change')
        AND lower(g.value) NOT IN (SELECT lower(name) FROM invites_contactgroup WHERE book_id = %(book)s)
    GROUP BY lower(g.value) RETURNING id
"""
_KNOW_ADDED = """
    UPDATE invites_importrow AS r SET contact_key = c.id FROM invites_contact c
    WHERE r.contact_import_id = %(import)s AND r.outcome = 'add' AND r.{field} <> '' AND r.contact_key IS NULL
        AND c.added_by_id = %(change)s AND c.book_id = %(book)s AND c.{field} = r.{field}
"""
_JOIN_GROUPS = """
    INSERT INTO invites_contactgroup_contacts (contactgroup_id, contact_id)
    SELECT DISTINCT n.id, r.contact_key
    FROM invites_importrow r, {names}, invites_contactgroup n
    WHERE r.contact_import_id = %(import)s AND r.outcome IN ('add', 'change')
        AND n.book_id = %(book)s AND lower(n.name) = lower(g.value)
    ON CONFLICT DO NOTHING
"""


class _BookChangedError(Exception):
    """The book is not the one that the import was compared with."""


def store(import_id: int, *, heard_at: datetime) -> None:
    """Stores an import that was confirmed, whose bell rang at ``heard_at``; nothing happens where it is done already,
    or another has answered the bell.
    """
    if not ContactImport.objects.storing().hear(import_id, heard_at=heard_at, now=(heard := timezone.now())):
        return
    try:
        with transaction.atomic():
            _store_all(import_id, heard)
    except (_BookChangedError, IntegrityError):
        # Or somebody added one of these people at this very moment.
        now = timezone.now()
        if ContactImport.objects.storing().hear(
            import_id, heard_at=heard, now=now, state=ImportState.READING, problem=BOOK_CHANGED
        ):
            read(import_id, heard_at=now)


def _store_all(import_id: int, heard_at: datetime) -> None:
    """Stores everything, in a transaction of the caller. Raises _BookChangedError."""
    contact_import = (
        ContactImport.objects.storing().for_change().filter(pk=import_id, heard_at=heard_at).first()
    )
    if contact_import is None:
        return
    book = AddressBook.objects.select_for_update(no_key=True).get(pk=contact_import.book_id)
    if book.updated_at != contact_import.compared_at:
        raise _BookChangedError
    now = timezone.now()
    names_groups = contact_import.rows.with_groups().exists()
    groups_made = _create_groups(contact_import) if names_groups else []
    change = _note(contact_import, book, now, groups_made=groups_made)
    _write(contact_import, change, now)
    if names_groups:
        _join_groups(contact_import, change)
    contact_import.finish(change=change, at=now)


def _write(contact_import: ContactImport, change: BookChange, now: datetime) -> None:
    """Changes and adds contacts."""
    parameters = {
        "import": contact_import.pk,
        "book": contact_import.book_id,
        "change": change.pk,
        "user": contact_import.created_by_id,
        "now": connection.ops.adapt_datetimefield_value(now),
        "is_directory": contact_import.source == ImportSource.DIRECTORY,
    }
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It has not counted the new rows yet, and would look through all of them for each contact.
            cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(_CHANGE, parameters)
        cursor.execute(_LEAVE, parameters)
        cursor.execute(_ADD, parameters)


def _join_groups(contact_import: ContactImport, change: BookChange) -> None:
    """Puts those who were added or changed into their groups."""
    parameters = {"import": contact_import.pk, "book": contact_import.book_id, "change": change.pk}
    with connection.cursor() as cursor:
        for field in ("union_id", "phone_number"):
            cursor.execute(_KNOW_ADDED.format(field=field), parameters)
        cursor.execute(_JOIN_GROUPS.format(names=_NAMES[connection.vendor]), parameters)


def _create_groups(contact_import: ContactImport) -> list[int]:
    """Makes those groups that the import names and the book lacks, and returns their keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CREATE_GROUPS.format(names=_NAMES[connection.vendor]),
            {"import": contact_import.pk, "book": contact_import.book_id},
        )
        return [key for (key,) in cursor.fetchall()]


def _note(
    contact_import: ContactImport, book: AddressBook, now: datetime, *, groups_made: list[int]
) -> BookChange:
    """Writes down what is about to happen, with those who will be changed as they are and as they will be."""
    is_directory = contact_import.source == ImportSource.DIRECTORY
    return journal.note(
        book=book,
        user=contact_import.created_by,
        kind=ChangeKind.REFRESHED if is_directory else ChangeKind.IMPORTED,
        people=contact_import.people,
        detail={
            "file_name": contact_import.file_name,
            "added": contact_import.added,
            "changed": contact_import.changed,
            "left": contact_import.left,
            "refused": contact_import.refused,
            "groups_made": groups_made,
        },
        touched=_touched(contact_import, book, now),
        can_be_undone=True,
    )


def _touched(contact_import: ContactImport, book: AddressBook, now: datetime) -> Iterator[Touched]:
    """Those who will be changed or marked as having left, a piece at a time."""
    groups = {group.name.lower(): group.pk for group in book.groups.all()}
    for outcome in (RowOutcome.CHANGE, RowOutcome.LEAVE):
        rows = contact_import.rows.with_outcome(outcome).in_order()
        last = 0
        while piece := list(rows.after(last)[:PIECE]):
            last = piece[-1].number
            keys = [row.contact_key for row in piece if row.contact_key is not None]
            contacts = {c.pk: c for c in Contact.objects.of_book(book).among(keys).with_groups()}
            for row in piece:
                if (contact := contacts.get(row.contact_key or 0)) is not None:
                    before = journal.snapshot(contact)
                    yield Touched(
                        key=contact.pk, before=before, after=_after(before, row, contact_import, groups, now)
                    )


def _after(
    before: Snapshot, row: ImportRow, contact_import: ContactImport, groups: dict[str, int], now: datetime
) -> Snapshot:
    """What _CHANGE and _LEAVE make of somebody."""
    if row.outcome == RowOutcome.LEAVE:
        return before | {"left_directory_at": now}
    after = dict(before)
    for field in ("nick", "union_id", "phone_number"):
        after[field] = getattr(row, field) or before[field]
    if after["union_id"] != before["union_id"]:
        after |= {"refused_at": None, "refused_code": ""}
    if row.do_not_invite_reason:
        after |= {
            "do_not_invite_reason": row.do_not_invite_reason,
            "do_not_invite_until": row.do_not_invite_until,
            "do_not_invite_since": before["do_not_invite_since"] or now,
            "do_not_invite_by_id": contact_import.created_by_id,
        }
    if contact_import.source == ImportSource.DIRECTORY:
        after["left_directory_at"] = None
    joined = {groups[name.lower()] for name in row.groups if name.lower() in groups}
    had: list[int] = before["groups"]  # type: ignore[assignment]  # see `journal.snapshot`
    return after | {"groups": sorted(joined.union(had))}
