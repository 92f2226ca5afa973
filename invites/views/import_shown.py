"""What the pages of an import show of it: its step, its columns with samples, and its rows. Only reads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.forms import BoundField
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from invites import absorbing, files, following, importing, phone_numbers
from invites.files import Field
from invites.forms.contact_import import FIELD_LABELS, ColumnsForm, RowFilterForm
from invites.models import Contact, ContactImport, ImportRow
from invites.models.contact_import import PERSON_ERASED, ImportState, RowOutcome
from invites.refusing import remembered

PAGE = 50
"""Rows shown at a time."""

_PROBLEMS: Final[dict[str, StrOrPromise]] = {
    absorbing.TOO_MANY_GROUPS: gettext_lazy(
        "There are more than 1,000 different groups in it. Perhaps another column holds the groups."
    ),
    importing.INTERRUPTED: gettext_lazy("The directory was not read to its end. Please try again."),
    importing.GAVE_UP: gettext_lazy(
        "It could not be finished within a day, and nothing of it was stored. Please try again."
    ),
    PERSON_ERASED: gettext_lazy(
        "Somebody in it asked to be erased, and the file would have brought them back. Take them out of your list, "
        "then import it again."
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value of a row: of what, what the book has (``old``), what the import brings, and whether it is wrong."""

    label: StrOrPromise
    new: str
    old: str = ""
    is_changed: bool = False
    is_wrong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """One row of the preview."""

    number: int
    name: str
    values: Sequence[Value]
    problem: StrOrPromise = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a file: its heading, its first cells, and the field of the form that says what it holds."""

    heading: str
    cells: Sequence[str]
    field: BoundField


def rows_of(contact_import: ContactImport, filters: RowFilterForm) -> dict[str, Any]:
    """The rows that ``filters`` ask for, and behind which number there are more."""
    staged = contact_import.rows.with_outcome(filters.outcome).in_order().after(filters.after_number)
    rows = list(staged[: PAGE + 1])
    return {
        "shown": filters.outcome,
        "chips": [
            (outcome, number)
            for outcome, number in contact_import.counts.items()
            if number and (contact_import.state == ImportState.READY or outcome == RowOutcome.REFUSE)
        ],
        "rows": _shown(contact_import, rows[:PAGE]),
        "next_row": rows[PAGE - 1].number if len(rows) > PAGE else None,
    }


def columns_of(contact_import: ContactImport, form: ColumnsForm) -> list[Column]:
    """The columns of the file, each with its sample."""
    headings, sample = contact_import.reading.get("headings", []), contact_import.reading.get("sample", [])
    return [
        Column(
            heading=headings[place] if place < len(headings) else "",
            cells=[line[place] if place < len(line) else "" for line in sample],
            field=field,
        )
        for place, field in enumerate(form)
    ]


def problem_of(contact_import: ContactImport) -> StrOrPromise:
    """Why an import failed or was discarded, and what to do, in words; "" where nothing is wrong."""
    code = contact_import.problem
    if contact_import.state != ImportState.FAILED and code != PERSON_ERASED:
        return ""
    if code in _PROBLEMS:
        return _PROBLEMS[code]
    if code == following.NOT_READ:
        refusal = remembered(contact_import.problem_detail)
        return f"{refusal.what} {refusal.action}"
    detail = contact_import.problem_detail
    return files.explain(code, json.loads(detail) if detail else {})


def _shown(contact_import: ContactImport, rows: Sequence[ImportRow]) -> list[ShownRow]:
    keys = [row.contact_key for row in rows if row.contact_key is not None]
    contacts = (
        Contact.objects.of_book(contact_import.book).among(keys).with_groups().in_bulk() if keys else {}
    )
    country = contact_import.book.country
    return [
        ShownRow(
            number=row.number,
            name=row.nick
            or getattr(contacts.get(row.contact_key or 0), "nick", "")
            or _name_in_cells(contact_import, row),
            values=_values(contact_import, row, contacts.get(row.contact_key or 0), country),
            problem=absorbing.row_problem(row.problem),
        )
        for row in rows
    ]


def _values(
    contact_import: ContactImport, row: ImportRow, contact: Contact | None, country: str
) -> list[Value]:
    if row.outcome == RowOutcome.REFUSE:
        return _cells(contact_import, row)
    new = {
        Field.UNION_ID: row.union_id,
        Field.PHONE_NUMBER: _number(row.phone_number, country),
        Field.GROUPS: ", ".join(row.groups),
        Field.DO_NOT_INVITE: row.do_not_invite_reason,
        Field.DO_NOT_INVITE_UNTIL: _date(row.do_not_invite_until),
    }
    if contact is None:
        return [Value(label=FIELD_LABELS[field], new=value) for field, value in new.items() if value]
    old = {
        Field.NICK: contact.nick,
        Field.UNION_ID: contact.union_id,
        Field.PHONE_NUMBER: _number(contact.phone_number, country),
        Field.GROUPS: ", ".join(group.name for group in contact.groups.all()),
        Field.DO_NOT_INVITE: contact.do_not_invite_reason,
        Field.DO_NOT_INVITE_UNTIL: _date(contact.do_not_invite_until),
    }
    return list(_differences(old, {Field.NICK: row.nick, **new}, row))


def _differences(old: dict[Field, str], new: dict[Field, str], row: ImportRow) -> list[Value]:
    """What the row changes, old and new; and the rest of what the contact is known by."""
    shown = []
    for field, value in new.items():
        was = old[field]
        joins = set(row.groups) - set(was.split(", ")) if field == Field.GROUPS else None
        is_changed = bool(joins) if joins is not None else bool(value) and value != was
        if is_changed and row.outcome == RowOutcome.CHANGE:
            # Nobody leaves a group by an import.
            text = ", ".join(filter(None, [was, *sorted(joins)])) if joins else value
            shown.append(
                Value(label=FIELD_LABELS[field], old="" if joins else was, new=text, is_changed=True)
            )
        elif was and field in {Field.UNION_ID, Field.PHONE_NUMBER}:
            shown.append(Value(label=FIELD_LABELS[field], new=was))
    return shown


def _cells(contact_import: ContactImport, row: ImportRow) -> list[Value]:
    """What stood in the columns of a refused row that are taken over, the wrong one marked."""
    columns = contact_import.columns or [Field.NICK, Field.UNION_ID, Field.PHONE_NUMBER]
    return [
        Value(label=FIELD_LABELS[Field(column)], new=cell, is_wrong=column == row.problem_field)
        for column, cell in zip(columns, [*row.cells, *[""] * len(columns)], strict=False)
        if column
        and (cell or column == row.problem_field)
        and (column != Field.NICK or column == row.problem_field)
    ]


def _name_in_cells(contact_import: ContactImport, row: ImportRow) -> str:
    """The name of a refused row, unless it is the name that is wrong."""
    columns = contact_import.columns
    at = columns.index(Field.NICK) if Field.NICK in columns else len(row.cells)
    return str(row.cells[at]) if at < len(row.cells) and row.problem_field != Field.NICK else ""


def _number(e164: str, country: str) -> str:
    return phone_numbers.display(e164, country=country) if e164 else ""


def _date(day: Any) -> str:
    return date_format(day, "DATE_FORMAT") if day else ""
