"""What is held of somebody, noun by noun: where it stands, what of it there is, and what an erasure makes of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites.chronicling import Way
from invites.disclosing.people import Somebody
from invites.erasing.traces import Traces
from invites.models import (
    Attempt,
    AuditEntry,
    ChangedContact,
    Contact,
    ContactImport,
    DraftLine,
    HistoryExport,
    IdempotentRequest,
    ImportRow,
    Invitee,
    Member,
    Person,
    SavedFilter,
    User,
)
from invites.models.invitee import Channel

type Told = dict[str, object]
# So many rows are read at a time.
_PIECE: Final = 500


class Fate(Enum):
    """What an erasure makes of it."""

    GOES = "goes"
    # Without name, number, unionId and what was written about them.
    IS_EMPTIED = "is_emptied"
    STAYS = "stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One kind of thing that is held of somebody. ``told`` is a row of it as the file has it."""

    key: str
    title: StrOrPromise
    fate: Fate
    rows: Callable[[Somebody], QuerySet[Any] | list[Any]]
    told: Callable[[Any], Told]

    def count(self, somebody: Somebody) -> int:
        """How many there are."""
        found = self.rows(somebody)
        return found.count() if isinstance(found, QuerySet) else len(found)

    def tell(self, somebody: Somebody) -> Iterator[Told]:
        """All of them, one after the other."""
        found = self.rows(somebody)
        return map(self.told, found.iterator(_PIECE) if isinstance(found, QuerySet) else found)


def _by_way[Q: QuerySet[Any]](somebody: Somebody, rows: Callable[[Way], Q]) -> Q:
    return reduce(or_, map(rows, somebody.ways))


def _people(somebody: Somebody) -> list[int]:
    people = Person.objects.reached_by(way.value for way in somebody.ways)
    return list(people.values_list("pk", flat=True))


def _traces(somebody: Somebody) -> list[Traces]:
    names = frozenset(somebody.names)
    return [Traces(channel=Channel(way.channel), value=way.value, names=names) for way in somebody.ways]


def _contacts(somebody: Somebody) -> QuerySet[Contact]:
    contacts = Contact.objects.reachable_as(
        union_ids=somebody.union_ids, phone_numbers=somebody.phone_numbers
    )
    return contacts.with_book().with_groups().order_by("pk")


def _contact(contact: Contact) -> Told:
    return {
        "book": contact.book.name,
        "nick": contact.nick,
        "unionId": contact.union_id,
        "phoneNumber": contact.phone_number,
        "groups": [group.name for group in contact.groups.all()],
        "doNotInviteSince": contact.do_not_invite_since,
        "doNotInviteUntil": contact.do_not_invite_until,
        "doNotInviteReason": contact.do_not_invite_reason,
        "createdAt": contact.created_at,
        "changedAt": contact.updated_at,
    }


def _invitees(somebody: Somebody) -> QuerySet[Invitee]:
    people = _by_way(somebody, lambda way: Invitee.objects.all().reached_by(way.channel, way.value))
    return people.on_record().with_member().with_sender().order_by("pk")


def _invitee(invitee: Invitee) -> Told:
    return _listed(invitee) | {
        "sentAt": invitee.invitation.sent_at,
        "sentBy": invitee.invitation.sent_by.username if invitee.invitation.sent_by else "",
        "state": invitee.state,
        "leftOutBecause": invitee.skipped_because,
        "attendance": invitee.attendance,
    }


def _drafts(somebody: Somebody) -> QuerySet[Invitee]:
    people = _by_way(somebody, lambda way: Invitee.objects.all().reached_by(way.channel, way.value))
    return people.on_drafts().with_sender().order_by("pk")


def _listed(invitee: Invitee) -> Told:
    return {
        "conferenceId": invitee.invitation.conference.conference_id,
        "confTitle": invitee.invitation.conference.title,
        "nick": invitee.nick,
        "channel": invitee.channel,
        "value": invitee.value,
    }


def _lines(somebody: Somebody) -> QuerySet[DraftLine]:
    found = reduce(or_, (traces.lines() for traces in _traces(somebody)))
    return found.with_conference().order_by("pk")


def _calls(somebody: Somebody) -> QuerySet[Attempt]:
    return Attempt.objects.with_any_of(_people(somebody)).with_conference().order_by("pk")


def _call(attempt: Attempt) -> Told:
    # What DingTalk wrote may name the others of that call, too.
    return {
        "attempt": attempt.pk,
        "startedAt": attempt.started_at,
        "conferenceId": attempt.conference.conference_id,
        "outcome": attempt.state,
        "code": attempt.error_code,
        "requestId": attempt.request_id,
    }


def _members(somebody: Somebody) -> QuerySet[Member]:
    surely = Member.objects.with_union_ids(somebody.union_ids)
    invitees = Invitee.objects.all().known_by(_people(somebody))
    return (surely | Member.objects.taken_for(invitees)).with_conference().order_by("pk")


def _member(member: Member) -> Told:
    return {
        "conferenceId": member.conference.conference_id,
        "confTitle": member.conference.title,
        "nick": member.nick,
        "unionId": member.union_id,
        "attendance": member.attendance,
        "joinedAt": member.joined_at,
        "leftAt": member.left_at,
    }


def _import_rows(somebody: Somebody) -> QuerySet[ImportRow]:
    return reduce(or_, (traces.import_rows() for traces in _traces(somebody))).order_by("pk")


def _import_row(row: ImportRow) -> Told:
    return {
        "import": row.contact_import_id,
        "row": row.number,
        "outcome": row.outcome,
        "nick": row.nick,
        "unionId": row.union_id,
        "phoneNumber": row.phone_number,
        "cells": row.cells,
    }


def _files(somebody: Somebody) -> QuerySet[ContactImport]:
    return reduce(or_, (traces.imports() for traces in _traces(somebody))).order_by("pk")


def _file(waiting: ContactImport) -> Told:
    # Of what stands in it beside them, most is about others.
    return {"import": waiting.pk, "fileName": waiting.file_name, "uploadedAt": waiting.created_at}


def _snapshots(somebody: Somebody) -> QuerySet[ChangedContact]:
    found = _by_way(somebody, lambda way: ChangedContact.objects.telling_of(way.channel, way.value))
    return found.with_change().order_by("pk")


def _snapshot(row: ChangedContact) -> Told:
    return {
        "book": row.change.book.name,
        "at": row.change.at,
        "what": row.change.kind,
        "before": row.before,
        "after": row.after,
    }


def _entries(somebody: Somebody) -> list[AuditEntry]:
    entries = AuditEntry.objects.all()
    keys = {contact.pk for contact in _contacts(somebody)} | {
        snapshot.contact_key for snapshot in _snapshots(somebody)
    }
    about = entries.about(Contact, keys)
    found = reduce(or_, (entries.telling_of(way.value) for way in somebody.ways))
    return sorted({*about, *found}, key=lambda entry: int(entry.pk))


def _entry(entry: AuditEntry) -> Told:
    return {
        "at": entry.timestamp,
        "about": entry.object_repr,
        "changes": entry.changes,
        "more": entry.additional_data,
    }


def _filters(somebody: Somebody) -> list[SavedFilter]:
    found = {each.pk: each for traces in _traces(somebody) for each in traces.saved_filters()}
    return list(found.values())


def _exports(somebody: Somebody) -> list[HistoryExport]:
    found = {each.pk: each for traces in _traces(somebody) for each in traces.exports()}
    return list(found.values())


def _requests(somebody: Somebody) -> QuerySet[IdempotentRequest]:
    spellings = [spelling for traces in _traces(somebody) for spelling in traces.spellings]
    return IdempotentRequest.objects.with_key_telling_of(spellings).order_by("pk")


def _accounts(somebody: Somebody) -> QuerySet[User]:
    return User.objects.with_union_ids(somebody.union_ids)


def _account(user: User) -> Told:
    return {
        "username": user.username,
        "name": user.display_name,
        "email": user.email,
        "unionId": user.union_id,
        "role": user.role,
    }


SECTIONS: Final = (
    Section(
        key="contacts", title=_("Contacts in address books"), fate=Fate.GOES, rows=_contacts, told=_contact
    ),
    Section(
        key="invitations", title=_("Sent invitations"), fate=Fate.IS_EMPTIED, rows=_invitees, told=_invitee
    ),
    Section(key="calls", title=_("Calls to DingTalk"), fate=Fate.IS_EMPTIED, rows=_calls, told=_call),
    Section(
        key="members", title=_("Attendance of conferences"), fate=Fate.IS_EMPTIED, rows=_members, told=_member
    ),
    Section(key="drafts", title=_("Lists that are not sent yet"), fate=Fate.GOES, rows=_drafts, told=_listed),
    Section(
        key="lines",
        title=_("Lines of lists that could not be read"),
        fate=Fate.GOES,
        rows=_lines,
        told=lambda line: {"confTitle": line.invitation.conference.title, "text": line.text},
    ),
    Section(
        key="imports",
        title=_("Rows of imports and readings of the directory"),
        fate=Fate.GOES,
        rows=_import_rows,
        told=_import_row,
    ),
    Section(
        key="files",
        title=_("Files that wait to be imported"),
        fate=Fate.GOES,
        rows=_files,
        told=_file,
    ),
    Section(
        key="journal",
        title=_("What would undo changes of address books"),
        fate=Fate.GOES,
        rows=_snapshots,
        told=_snapshot,
    ),
    Section(key="entries", title=_("Changes on record"), fate=Fate.IS_EMPTIED, rows=_entries, told=_entry),
    Section(
        key="filters",
        title=_("Saved filters that look for them"),
        fate=Fate.GOES,
        rows=_filters,
        told=lambda kept: {"name": kept.name, "query": kept.query},
    ),
    Section(
        key="exports",
        title=_("Exports that were narrowed to them"),
        fate=Fate.IS_EMPTIED,
        rows=_exports,
        told=lambda export: {"createdAt": export.created_at, "query": export.query},
    ),
    Section(
        key="requests",
        title=_("Keys that programs have sent with requests: forgotten after seven days"),
        fate=Fate.STAYS,
        rows=_requests,
        told=lambda request: {"idempotencyKey": request.key, "at": request.began_at},
    ),
    Section(key="account", title=_("Account here"), fate=Fate.STAYS, rows=_accounts, told=_account),
)
