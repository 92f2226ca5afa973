"""Takes somebody out of what is kept beside books and history for a while: drafts, imports with their files, filters.

Texts that people or DingTalk have written are looked through for the unionId, or for the number as people write it.
"""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from django.core.exceptions import ValidationError
from django.db.models import F

from invites import files, phone_numbers
from invites.models import (
    ContactImport,
    DraftLine,
    HistoryExport,
    ImportRow,
    Invitation,
    Invitee,
    SavedFilter,
)
from invites.models.contact_import import PERSON_ERASED, ContactImportQuerySet, ImportRowQuerySet
from invites.models.draft_line import DraftLineQuerySet
from invites.models.invitee import Channel
from invites.models.person import ERASED_NICK

_PERSON = "person"
_ANY_COUNTRY = "ZZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Somebody who is reached by ``value`` through ``channel`` and known under ``names``."""

    channel: Channel
    value: str
    names: Collection[str] = field(default_factory=frozenset)

    @property
    def spellings(self) -> list[str]:
        """How ``value`` may stand in a text."""
        return phone_numbers.spellings(self.value) if self.channel == Channel.PHONE else [self.value]

    def stand_in(self, text: str) -> bool:
        """Whether ``value`` stands in ``text``, in whatever way somebody may have written it."""
        if self.channel == Channel.PHONE:
            return phone_numbers.stands_in(self.value, text)
        return self.value in text

    def lines(self) -> DraftLineQuerySet:
        """Lines of lists that could not be read in which they stand."""
        written = DraftLine.objects.as_written()
        return DraftLine.objects.among(pk for pk, text in written.iterator() if self.stand_in(text))

    def import_rows(self) -> ImportRowQuerySet:
        """Rows of imports that are about them, or could not be used and have them in their cells."""
        refused = ImportRow.objects.as_written()
        keys = [pk for pk, cells in refused.iterator() if self.stand_in("\t".join(map(str, cells)))]
        return ImportRow.objects.reached_by(self.channel, self.value) | ImportRow.objects.among(keys)

    def imports(self) -> ContactImportQuerySet:
        """Imports that are not in their book yet and have them in their file, wherever in it and however written."""
        waiting = ContactImport.objects.not_in_book()
        return waiting.among(each.pk for each in waiting.iterator() if self.stand_in_file_of(each))

    def stand_in_file_of(self, contact_import: ContactImport) -> bool:
        """Whether they stand in the file of an import; one that is read without a file has none."""
        with tempfile.TemporaryFile(prefix="import-") as file:
            if not contact_import.put_together(file):
                return False
            with closing(files.texts(file, contact_import.format)) as texts:
                return any(map(self.stand_in, texts))

    def file_names(self) -> list[str]:
        """What files are called that have been imported and are named after them."""
        return [name for name in ContactImport.objects.file_names() if self._names(name)]

    def is_looked_for(self, query: str) -> bool:
        """Whether the filters in ``query`` look for them: by just their unionId, their number or one of their names."""
        return any(name == _PERSON and self._is_called(text.strip()) for name, text in parse_qsl(query))

    def saved_filters(self) -> Iterator[SavedFilter]:
        """Filters that people have kept which look for them."""
        return (each for each in SavedFilter.objects.of_somebody() if self.is_looked_for(each.query))

    def exports(self) -> Iterator[HistoryExport]:
        """Files of the history that were narrowed to them."""
        return (each for each in HistoryExport.objects.of_somebody() if self.is_looked_for(each.query))

    def _names(self, file_name: str) -> bool:
        return self.stand_in(file_name) or file_name.rpartition(".")[0] in self.names

    def _is_called(self, text: str) -> bool:
        if text in self.names or text in self.spellings:
            return True
        if self.channel != Channel.PHONE:
            return False
        try:
            return phone_numbers.parse(text, country=_ANY_COUNTRY) == self.value
        except ValidationError:
            return False


def hold() -> None:
    """Lets nothing of an import come into a book until the transaction ends: what was not there would not be erased.

    Imports are locked before contacts, as whoever stores one does.
    """
    list(ContactImport.objects.not_in_book().for_change().values_list("pk", flat=True))


def erase(traces: Traces) -> list[HistoryExport]:
    """Takes them out of everything here, and says which exports were narrowed to them.

    The caller holds the transaction and has put on record that they are erased.
    """
    _erase_drafts(traces)
    _erase_imports(traces)
    SavedFilter.objects.among([each.pk for each in traces.saved_filters()]).delete()
    exports = list(traces.exports())
    for export in exports:
        HistoryExport.objects.rewrite(export.pk, _without_person(export.query))
    return exports


def _erase_drafts(traces: Traces) -> None:
    """Takes them off every list that has not been sent."""
    invitees = Invitee.objects.on_drafts().reached_by(traces.channel, traces.value)
    Invitation.objects.filter(pk__in=invitees.values("invitation")).update(revision=F("revision") + 1)
    invitees.delete()
    traces.lines().delete()


def _erase_imports(traces: Traces) -> None:
    """Drops the rows about them, and whole imports that are not in a book yet: the file would bring them back."""
    rows = traces.import_rows()
    named = set(rows.values_list("contact_import", flat=True))
    for contact_import in ContactImport.objects.not_in_book().for_change():
        if contact_import.pk in named or traces.stand_in_file_of(contact_import):
            # What was taken for headings may be the first person.
            contact_import.reading = {}
            contact_import.discard(problem=PERSON_ERASED)
    rows.delete()


def _without_person(query: str) -> str:
    kept = [(name, ERASED_NICK if name == _PERSON else text) for name, text in parse_qsl(query)]
    return urlencode(kept)
