"""Erases one person: name and number go from everywhere, that there was somebody stays, and so do the digests.

That they are erased is on record before anything goes: the database lets go of nothing else. Whoever can wait calls
`erase`, which does both in one transaction; `invites.forgetting` puts it on record and lets a worker `carry_out` the
rest.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final

from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Cast, Concat

from invites import acting, sealing
from invites.erasing import traces
from invites.erasing.traces import Traces
from invites.errors import StillToBeCalled
from invites.models import (
    Attempt,
    AuditEntry,
    BookChange,
    ChangedContact,
    Contact,
    ContactImport,
    Erasure,
    HistoryExport,
    Invitee,
    Member,
    Person,
    User,
)
from invites.models.invitee import ERASED, Channel, InviteeState
from invites.models.person import ERASED_NICK

# So many calls are rewritten by one statement.
_AT_A_TIME: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much of somebody there was."""

    people: int
    invitees: int
    attempts: int
    entries: int
    contacts: int


@transaction.atomic
def erase(*, channel: Channel, value: str, by: User | None, because: str) -> Erased:
    """Erases whoever is reached by ``value`` through ``channel``, under whatever names, and says how much there was.

    Raises StillToBeCalled, with nothing changed, while an invitation is under way that calls them.
    """
    with acting.in_the_name_of(lambda: by):
        return _erase(put_on_record(channel=channel, value=value, by=by, because=because), channel, value)


@transaction.atomic
def carry_out(erasure_id: int) -> Erased | None:
    """Does what was put on record; None where it is done, somebody is at it, or an invitation to them is under way."""
    erasure = Erasure.objects.waiting().for_change_if_free().filter(pk=erasure_id).first()
    if erasure is None:
        return None
    person = erasure.person
    try:
        return erase(
            channel=Channel(person.channel), value=person.value, by=erasure.by, because=erasure.reason
        )
    except StillToBeCalled:
        return None


def put_on_record(*, channel: Channel, value: str, by: User | None, because: str) -> list[Person]:
    """Says on record that whoever is reached by ``value`` is to be erased; they are returned, locked.

    The caller holds the transaction. Raises StillToBeCalled while an invitation is under way that calls them.
    """
    people = list(Person.objects.reached_by([value]).through(channel).select_for_update())
    # DingTalk would be asked to call nobody, and might refuse everybody else in that call.
    if Invitee.objects.who_are(people).lock_states() & {InviteeState.PENDING, InviteeState.SENDING}:
        raise StillToBeCalled
    if not people and _is_known_otherwise(channel, value):
        # Never called, but that they are erased has to be on record; once, though two may press at the same time.
        people = [Person.objects.get_or_create(channel=channel, value=value, nick=ERASED_NICK)[0]]
    for person in Person.objects.among(person.pk for person in people).without_erasure():
        Erasure.objects.create(person=person, by=by, reason=because)
    return people


def _erase(people: list[Person], channel: Channel, value: str) -> Erased:
    names = {person.nick for person in people} - {ERASED_NICK}
    traces.hold()
    contacts, entries = _erase_contacts(channel, value, names)
    somebody = Traces(channel=channel, value=value, names=frozenset(names))
    attempts = sum(_erase_texts(person, somebody.spellings) for person in people)
    Member.objects.taken_for(Invitee.objects.who_are(people)).erase()
    Member.objects.reached_by(channel, value).erase()
    invitees = _erase_invitees(people)
    entries += _erase_file_names(somebody.file_names())
    exports = traces.erase(somebody)
    ordered = AuditEntry.objects.all().about(HistoryExport, [export.pk for export in exports])
    entries += sum(map(_erase_entry, ordered))
    for person in people:
        person.erase(sealing.digest_of(person.salt, person.channel, person.value, person.nick))
    return Erased(
        people=len(people), invitees=invitees, attempts=attempts, entries=entries, contacts=contacts
    )


def _is_known_otherwise(channel: Channel, value: str) -> bool:
    """Whether somebody who was never called stands anywhere else: in a book, or in what is on record of one; among
    whom a conference has reported, on a list that was not sent, or in an import.
    """
    return any(place.exists() for place in _places(channel, value))


def _places(channel: Channel, value: str) -> Iterator[models.QuerySet[Any]]:
    """Those places. Where texts have to be looked through comes last: whoever is found before need not."""
    somebody = Traces(channel=channel, value=value)
    yield Contact.objects.reached_by(channel, value)
    yield Member.objects.reached_by(channel, value)
    yield Invitee.objects.on_drafts().reached_by(channel, value)
    yield somebody.lines()
    yield somebody.import_rows()
    yield somebody.imports()
    yield AuditEntry.objects.all().telling_of(value)


def _erase_texts(person: Person, spellings: list[str]) -> int:
    """Drops what DingTalk has answered where the person is named in it; the digest of it stays."""
    # Within JSON a name may stand with its characters escaped.
    texts = [*spellings, person.nick, json.dumps(person.nick)[1:-1]]
    told = Attempt.objects.with_person(person.pk).telling_of(texts).order_by()
    rows = list(told.values_list("pk", "salt", "error_message", "response_excerpt").distinct())
    for some in batched(rows, _AT_A_TIME):
        Attempt.objects.erase_texts(
            {pk: sealing.digest_of(salt, message, answer) for pk, salt, message, answer in some}
        )
    return len(rows)


def _erase_invitees(people: list[Person]) -> int:
    """Lets the snapshots on sent invitations say no more than that there was somebody."""
    nobody = Concat(Value(ERASED), Cast(F("pk"), models.CharField()))
    return Invitee.objects.who_are(people).update(nick=ERASED_NICK, value=nobody, contact=None)


def _erase_contacts(channel: Channel, value: str, names: set[str]) -> tuple[int, int]:
    """Deletes the person from all address books, with what would bring them back, and what is on record of it."""
    contacts = Contact.objects.reached_by(channel, value)
    keys = set(contacts.values_list("pk", flat=True))
    names |= set(contacts.values_list("nick", flat=True))
    snapshots = ChangedContact.objects.telling_of(channel, value)
    keys |= set(snapshots.values_list("contact_key", flat=True))
    snapshots = snapshots | ChangedContact.objects.among(keys)
    changes = set(snapshots.values_list("change", flat=True))
    erased = sum(map(_erase_entry, _entries(value, keys, names)))
    BookChange.objects.filter(pk__in=changes, detail__nick__in=names).update(detail={"nick": ERASED_NICK})
    snapshots.delete()
    found = contacts.count()
    contacts.delete()
    return found, erased


def _erase_file_names(names: list[str]) -> int:
    """Drops what files are called that were named after somebody, wherever imports of them are told of."""
    if not names:
        return 0
    ContactImport.objects.called(names).forget_names()
    for change in BookChange.objects.of_files(names):
        change.forget_file_name()
    return sum(map(_erase_entry, AuditEntry.objects.all().of_files(names)))


def _entries(value: str, keys: set[int], names: set[str]) -> list[AuditEntry]:
    """What is on record of contacts that were this person, be they there or long deleted."""
    entries = AuditEntry.objects.all()
    told = list(entries.telling_of(value))
    contact = ContentType.objects.get_for_model(Contact)
    keys |= {entry.object_id for entry in told if entry.content_type_id == contact.pk and entry.object_id}
    there = {entry.pk for entry in told}
    return told + [entry for entry in entries.about_people(keys, names=names) if entry.pk not in there]


def _erase_entry(entry: AuditEntry) -> int:
    documents = (entry.serialized_data, entry.changes, entry.additional_data)
    digest = sealing.digest_of(
        entry.salt, entry.object_repr, entry.changes_text, *map(sealing.json_text, documents)
    )
    erased: int = AuditEntry.objects.filter(pk=entry.pk).update(
        object_repr="",
        changes_text="",
        serialized_data=None,
        changes=None,
        additional_data=None,
        salt=b"",
        digest=digest,
    )
    return erased
