"""Writes the people of a book into a file, from which they can be imported again without loss. Changes nothing."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import batched
from tempfile import TemporaryFile

from django.utils import timezone

from invites import files
from invites.models import AddressBook, ContactGroup
from invites.models.contact import ContactQuerySet

# People held in memory at a time; their groups are asked for together.
PIECE = 2000
PIECE_OF_A_FILE = 64 * 1024
_FIELDS = (
    *("pk", "nick", "union_id", "phone_number"),
    *("do_not_invite_since", "do_not_invite_reason", "do_not_invite_until"),
)

_NOT_IN_FILE_NAMES = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


class Kind(StrEnum):
    """What kinds of files are written; the value ends the name of a file."""

    CSV = "csv"
    XLSX = "xlsx"
    VCARD = "vcf"


CONTENT_TYPES = {
    Kind.CSV: "text/csv; charset=utf-8",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.VCARD: "text/vcard; charset=utf-8",
}


def write(contacts: ContactQuerySet, *, kind: Kind, with_numbers: bool) -> Iterator[bytes]:
    """A file of ``contacts`` by name, in pieces, so that memory does not grow with the number of people.

    Phone numbers are left out unless ``with_numbers``.
    """
    rows = _rows(contacts, with_numbers=with_numbers)
    writers = {Kind.CSV: files.write_csv, Kind.XLSX: _workbook, Kind.VCARD: files.write_vcards}
    return writers[kind](rows)


def file_name(*, book: AddressBook, group: ContactGroup | None, kind: Kind) -> str:
    """What a file is called: after its book and group, and the day."""
    day = timezone.localdate().isoformat()
    words = [book.name, group.name if group else "", day]
    return f"{_NOT_IN_FILE_NAMES.sub('_', ' '.join(filter(None, words)))}.{kind}"


def _workbook(rows: Iterable[files.Row]) -> Iterator[bytes]:
    with TemporaryFile() as file:
        files.write_xlsx(rows, file)
        file.seek(0)
        while piece := file.read(PIECE_OF_A_FILE):
            yield piece


def _rows(contacts: ContactQuerySet, *, with_numbers: bool) -> Iterator[files.Row]:
    # Plain values: whole contacts with their groups point at one another, and fill the memory until they are swept up.
    people = contacts.by_name().values_list(*_FIELDS, named=True).iterator(chunk_size=PIECE)
    for piece in batched(people, PIECE):
        groups = defaultdict(list)
        for pk, name in ContactGroup.objects.by_name().names_by_contact(person.pk for person in piece):
            groups[pk].append(name)
        for person in piece:
            yield files.Row(
                nick=person.nick,
                union_id=person.union_id,
                phone_number=person.phone_number if with_numbers else "",
                groups=tuple(groups[person.pk]),
                mark=files.Mark(person.do_not_invite_since is not None, person.do_not_invite_reason),
                marked_until=person.do_not_invite_until,
            )
