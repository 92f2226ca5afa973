"""Puts on record what is changed of settings, users, conferences, books and contacts: who, when, before and after.

Django-auditlog notes what is saved row by row; what statements do to many rows, and what happens to no row at all, is
written here in the same form. Must not decide who may read it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from auditlog.registry import auditlog
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.contrib.contenttypes.models import ContentType
from django.db import models

from invites.models import (
    AddressBook,
    ApiToken,
    App,
    AuditEntry,
    BookChange,
    BookShare,
    ChangedContact,
    Conference,
    Contact,
    ContactGroup,
    DirectoryLink,
    Erasure,
    HistoryExport,
    Person,
    SealedDay,
    SignInPolicy,
    SignUpLink,
    User,
)
from invites.models.app import SECRETS
from invites.models.book_change import ChangeKind

HIDDEN: Final = "•••"
"""Stands for every secret."""

DISCLOSED: Final = "disclosed"
# What is held of somebody who is not in the history, so that nothing there could name them.
OTHERS_DISCLOSED: Final = "others_disclosed"
SIGNED_IN: Final = "signed_in"
SIGNED_OUT: Final = "signed_out"
SIGN_IN_FAILED: Final = "sign_in_failed"
# Further ones, which have no entry of their own.
SIGN_INS_FAILED: Final = "sign_ins_failed"
SECOND_STEP_FAILED: Final = "second_step_failed"
SESSIONS_ENDED: Final = "sessions_ended"
FACTOR_ADDED: Final = "factor_added"
FACTOR_REMOVED: Final = "factor_removed"
FACTORS_RESET: Final = "factors_reset"
CODES_MADE: Final = "codes_made"

type Changes = Mapping[str, tuple[object, object]]
type Access = Literal["signed_in", "signed_out", "sign_in_failed", "sign_ins_failed"]
type Security = Literal[
    "second_step_failed", "sessions_ended", "factor_added", "factor_removed", "factors_reset", "codes_made"
]

_FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    App: (
        "name",
        "kind",
        "base_url",
        "client_id",
        "auth_corp_id",
        *SECRETS,
        "default_country",
        "batch_size",
        "halve_refused_batches",
        "looks_up_unknown_people",
        "calls_per_second",
        "monthly_quota",
        "quiet_from",
        "quiet_until",
        "enabled",
    ),
    User: (
        "username",
        "first_name",
        "last_name",
        "email",
        "password",
        "role",
        "union_id",
        "may_see_phone_numbers",
        "weekly_digest",
        "is_active",
    ),
    Conference: ("app", "conference_id", "title", "room_code", "owner", "co_organizers"),
    AddressBook: ("app", "owner", "name", "sharing", "default_country"),
    BookShare: ("book", "user", "may_write"),
    ApiToken: ("user", "name", "hint", "scopes", "expires_at", "revoked_at"),
    DirectoryLink: ("book", "part", "name", "every_hours", "applies_by_itself", "linked_by"),
    HistoryExport: ("user", "file_format", "rows_are", "query", "time_zone", "with_phone_numbers"),
    SignInPolicy: ("app", "sign_up", "corp_ids", "role", "second_factor_roles"),
    SignUpLink: (
        "role",
        "may_see_phone_numbers",
        "email",
        "made_by",
        "expires_at",
        "used_by",
        "used_at",
        "revoked_at",
    ),
    SealedDay: ("removed_at", "removed_by", "removed_because"),
    Erasure: ("person", "by", "reason"),
}
KINDS = (
    User,
    SignInPolicy,
    SignUpLink,
    ApiToken,
    App,
    Conference,
    AddressBook,
    BookShare,
    Contact,
    DirectoryLink,
    HistoryExport,
    SealedDay,
    Erasure,
)
"""What entries may be about, in the order in which it is offered."""

# What somebody did to a contact; what DingTalk or the directory has said of it changes by itself.
_FIELDS_OF_CONTACT = (
    "nick",
    "union_id",
    "phone_number",
    "do_not_invite_since",
    "do_not_invite_until",
    "do_not_invite_reason",
    "left_directory_at",
)
# Of these auditlog writes an entry itself.
_SAVED_BY_ROW = frozenset({ChangeKind.BOOK_EDITED, ChangeKind.SHARED})


def register() -> None:
    """Lets everything that is to be on record be noted from now on. Once a process, when the models are there."""
    for model, fields in _FIELDS.items():
        auditlog.register(
            model,
            include_fields=list(fields),
            mask_fields=[*SECRETS, "password"],
            mask_callable=f"{__name__}.{hide.__name__}",
            m2m_fields=["co_organizers"] if model is Conference else [],
        )
    user_logged_in.connect(_note_sign_in, dispatch_uid=__name__)
    user_logged_out.connect(_note_sign_out, dispatch_uid=__name__)


def hide(value: str) -> str:
    """What stands in place of a secret: nothing of it but whether there is one."""
    return "" if value in {"", "None"} else HIDDEN


def note_update(instance: models.Model, changes: Changes) -> None:
    """Notes that fields of ``instance`` were changed, each from one value to another, by a statement that auditlog does
    not see. The caller holds the transaction.
    """
    AuditEntry.objects.log_create(
        instance,
        action=AuditEntry.Action.UPDATE,
        changes={name: [_as_stored(value) for value in pair] for name, pair in changes.items()},
    )


def note_disclosure(whose: Person | User) -> None:
    """Notes that somebody took away as a file what is held of a person of the history, or of somebody who is not in it:
    then it stands with whoever took it. Who it was about is not said: an erasure would have to erase this, too.
    """
    is_in_history = isinstance(whose, Person)
    AuditEntry.objects.log_create(
        whose,
        force_log=True,
        action=AuditEntry.Action.ACCESS,
        object_repr=f"#{whose.pk}" if is_in_history else str(whose),
        additional_data={"what": DISCLOSED if is_in_history else OTHERS_DISCLOSED},
    )


def note_update_of_many(rows: Sequence[models.Model], changes: Changes) -> None:
    """As `note_update`, of many ``rows`` of one kind at once, of which the same was changed."""
    pairs = {name: [_as_stored(value) for value in pair] for name, pair in changes.items()}
    AuditEntry.objects.create_many(
        {
            "content_type": ContentType.objects.get_for_model(row),
            "object_pk": str(row.pk),
            "object_id": row.pk,
            "object_repr": str(row),
            "action": AuditEntry.Action.UPDATE,
            "changes": pairs,
        }
        for row in rows
    )


def note_book_change(change: BookChange) -> None:
    """Notes in one entry what was done to a book, to however many people. The caller holds the transaction."""
    if change.kind not in _SAVED_BY_ROW:
        told = {"change": change.pk, "kind": change.kind, "people": change.people, "detail": change.detail}
        _note_about_book(change.book, told)


def note_undo(change: BookChange, *, people: int, left_alone: int) -> None:
    """Notes that ``change`` was undone for so many people. The caller holds the transaction."""
    told = {"change": change.pk, "kind": change.kind, "detail": change.detail}
    _note_about_book(change.book, told | {"undone": True, "people": people, "left_alone": left_alone})


def _note_about_book(book: AddressBook, told: dict[str, object]) -> None:
    AuditEntry.objects.log_create(book, force_log=True, action=AuditEntry.Action.UPDATE, additional_data=told)


def note_contacts(change: BookChange, touched: Iterable[ChangedContact]) -> int:
    """Notes each contact that was changed, added, deleted or moved, with what it was before and after, and says how
    many were.

    Whoever has merely joined or left a group stands in the entry of the change. The caller holds the transaction.
    """
    rows = [row for row in touched if row.before is not None or row.after is not None]
    groups = _names_of_groups(rows)
    entries = [
        _entry_of(row, change, changes) for row in rows if (changes := _changes_of(row, change, groups))
    ]
    AuditEntry.objects.create_many(entries)
    return len(entries)


def note_taken_back(change: BookChange, touched: Iterable[ChangedContact]) -> None:
    """Notes of each contact that what ``change`` has done to it was undone. The caller holds the transaction."""
    note_contacts(
        change,
        [
            ChangedContact(change=change, contact_key=row.contact_key, before=row.after, after=row.before)
            for row in touched
        ],
    )


def _entry_of(row: ChangedContact, change: BookChange, changes: dict[str, list[object]]) -> dict[str, object]:
    action = AuditEntry.Action.UPDATE
    if row.before is None:
        action = AuditEntry.Action.CREATE
    elif row.after is None and change.kind != ChangeKind.MOVED_OUT:
        action = AuditEntry.Action.DELETE
    return {
        "content_type": ContentType.objects.get_for_model(Contact),
        "object_pk": str(row.contact_key),
        "object_id": row.contact_key,
        "object_repr": (row.after or row.before or {})["nick"],
        "action": action,
        "changes": changes,
        "additional_data": {"change": change.pk, "book": change.book_id, "book_name": change.book.name},
    }


def _changes_of(
    row: ChangedContact, change: BookChange, groups: Mapping[int, str]
) -> dict[str, list[object]]:
    """What was different; of somebody who was moved that they are in another book."""
    if row.after is None and change.kind == ChangeKind.MOVED_OUT:
        return {"book": [change.book_id, change.detail["book_key"]]}
    pairs = {
        name: [_as_stored(each.get(name)) for each in (row.was, row.became)] for name in _FIELDS_OF_CONTACT
    }
    pairs["groups"] = [_named(each.get("groups", []), groups) for each in (row.was, row.became)]
    return {name: pair for name, pair in pairs.items() if (pair[0] or None) != (pair[1] or None)}


def _named(keys: Iterable[int], groups: Mapping[int, str]) -> list[str]:
    return sorted(groups[key] for key in keys if key in groups)


def _names_of_groups(rows: Iterable[ChangedContact]) -> dict[int, str]:
    """What the groups of all these contacts are called."""
    keys = {key for row in rows for each in (row.was, row.became) for key in each.get("groups", [])}
    return {pk: group.name for pk, group in ContactGroup.objects.in_bulk(keys).items()} if keys else {}


def _as_stored(value: object) -> object:
    """``value`` as auditlog would store it: moments without their zone, in UTC."""
    if isinstance(value, datetime):
        return str(value.astimezone(UTC).replace(tzinfo=None))
    return str(value) if isinstance(value, date) else value


def _note_sign_in(sender: object, user: User, **kwargs: Any) -> None:
    _note_access(user, SIGNED_IN, actor=user)


def _note_sign_out(sender: object, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _note_access(user, SIGNED_OUT, actor=user)


def note_failed_sign_in(user: User, *, further: int = 0) -> None:
    """Notes that somebody could not sign in as ``user``; with ``further``, that this was so for so many more times.

    The caller holds the transaction.
    """
    if further:
        _note_access(user, SIGN_INS_FAILED, actor=None, detail={"tries": further})
    else:
        _note_access(user, SIGN_IN_FAILED, actor=None)


def note_security(user: User, what: Security, *, detail: Mapping[str, object] | None = None) -> None:
    """Notes what was done to the ways in which ``user`` signs in; whoever acts has done it. ``detail`` tells which one
    or how many, and no secret. The caller holds the transaction.
    """
    AuditEntry.objects.log_create(
        user,
        force_log=True,
        action=AuditEntry.Action.ACCESS,
        additional_data={"what": what, **(detail or {})},
    )


def _note_access(
    user: User, what: Access, *, actor: User | None, detail: Mapping[str, object] | None = None
) -> None:
    AuditEntry.objects.log_create(
        user,
        force_log=True,
        action=AuditEntry.Action.ACCESS,
        additional_data={"what": what, **(detail or {})},
        actor=actor,
    )
