"""Says in the words of the forms what was different about a thing: each field, before and after. Changes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import formats, timezone
from django.utils.dateparse import parse_date, parse_datetime, parse_time
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django_stubs_ext import StrOrPromise

from invites import countries, phone_numbers
from invites.auditing import HIDDEN
from invites.models import AddressBook, App, AuditEntry, Conference, User
from invites.models.api_token import Scope
from invites.models.user import Role

# What forms do not name, or name for themselves alone.
_LABELS: dict[tuple[str, str], StrOrPromise] = {
    ("apitoken", "user"): pgettext_lazy("of a token", "In the name of"),
    ("apitoken", "hint"): gettext_lazy("Beginning of the token"),
    ("bookshare", "book"): gettext_lazy("Address book"),
    ("bookshare", "user"): pgettext_lazy("of an address book", "Shared with"),
    ("contact", "do_not_invite_since"): gettext_lazy("Do not invite since"),
    ("contact", "do_not_invite_until"): gettext_lazy("Do not invite until the end of"),
    ("contact", "do_not_invite_reason"): gettext_lazy("Do not invite because"),
    ("contact", "left_directory_at"): gettext_lazy("Left the directory"),
    ("contact", "groups"): gettext_lazy("Groups"),
    ("directorylink", "book"): gettext_lazy("Address book"),
    ("directorylink", "part"): gettext_lazy("Kind of part"),
    ("directorylink", "name"): gettext_lazy("Part of the directory"),
    ("directorylink", "linked_by"): gettext_lazy("In the name of"),
    ("erasure", "person"): gettext_lazy("Number of the person"),
    ("erasure", "by"): gettext_lazy("Ordered by"),
    ("historyexport", "user"): pgettext_lazy("of an export", "For"),
    ("historyexport", "file_format"): gettext_lazy("Kind of file"),
    ("historyexport", "query"): gettext_lazy("Filters"),
    ("historyexport", "time_zone"): gettext_lazy("Time zone"),
    ("historyexport", "with_phone_numbers"): gettext_lazy("With phone numbers"),
    ("sealedday", "removed_by"): gettext_lazy("Ordered by"),
    ("signuplink", "made_by"): gettext_lazy("Made by"),
    ("signuplink", "used_by"): gettext_lazy("Used by"),
}
# What the words in a list stand for.
_WORDS: dict[str, Mapping[str, StrOrPromise]] = {
    "second_factor_roles": dict(Role.choices),
    "scopes": dict(Scope.choices),
}
# Keys of rows of these are shown by what the rows are called.
_NAMED: tuple[type[models.Model], ...] = (AddressBook, App, Conference, User)

# The filters into which people write what they like.
_TEXTS = {"person", "message"}

type Names = Mapping[tuple[type[models.Model], int], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field before a change and after it; "" for nothing. Of a secret only that it was changed."""

    label: str
    before: str
    after: str
    is_secret: bool = False


def differences_of(entries: Sequence[AuditEntry], *, show_phone_numbers: bool) -> dict[int, list[Difference]]:
    """What was different, by the keys of ``entries``; a query for each kind of thing that keys stand for, for all of
    them together.
    """
    names = _names(entries)
    return {
        entry.pk: [
            difference
            for name, pair in _in_order(entry)
            if (difference := _difference(entry, name, pair, names, show_phone_numbers)) is not None
        ]
        for entry in entries
    }


def _in_order(entry: AuditEntry) -> list[tuple[str, Any]]:
    """What was changed, in the order of the fields, which no database keeps."""
    model = entry.content_type.model_class()
    order = [field.name for field in model._meta.get_fields()] if model else []  # noqa: SLF001
    changes: dict[str, Any] = entry.changes or {}
    return sorted(changes.items(), key=lambda each: order.index(each[0]) if each[0] in order else len(order))


def _names(entries: Iterable[AuditEntry]) -> Names:
    """What the rows are called whose keys stand before or after anything."""
    keys: dict[type[models.Model], set[int]] = {}
    for entry in entries:
        for name, pair in (entry.changes or {}).items():
            model = _named_by(_field(entry.content_type, name))
            if model is not None and isinstance(pair, list):
                keys.setdefault(model, set()).update(int(key) for key in pair if key)
    return {
        (model, pk): str(row)
        for model, pks in keys.items()
        for pk, row in model._default_manager.in_bulk(pks).items()  # noqa: SLF001 - Django's documented way to it
    }


def _named_by(field: Any) -> type[models.Model] | None:
    model = getattr(field, "related_model", None)
    return model if model in _NAMED and not field.many_to_many else None


def _field(content_type: ContentType, name: str) -> Any:
    """The field of the model, None for what is no field any more."""
    model = content_type.model_class()
    try:
        return model._meta.get_field(name) if model else None  # noqa: SLF001
    except FieldDoesNotExist:
        return None


def _difference(
    entry: AuditEntry, name: str, pair: Any, names: Names, show_phone_numbers: bool
) -> Difference | None:
    field = _field(entry.content_type, name)
    label = _label(entry.content_type.model, name, field)
    if isinstance(pair, dict):
        people = _listed(pair["objects"])
        is_added = pair["operation"] == "add"
        return Difference(label=label, before="" if is_added else people, after=people if is_added else "")
    if HIDDEN in pair:
        return Difference(label=label, before=pair[0], after=pair[1], is_secret=True)
    before, after = (_shown(field, name, value, names, show_phone_numbers) for value in pair)
    return Difference(label=label, before=before, after=after) if before != after else None


def _label(model: str, name: str, field: Any) -> str:
    label = str(_LABELS.get((model, name), getattr(field, "verbose_name", name)))
    # The ids of DingTalk keep their own way of writing.
    return capfirst(label) if label.islower() else label


def _shown(field: Any, name: str, value: Any, names: Names, show_phone_numbers: bool) -> str:
    """A stored value as people read it."""
    if value is None or value in ("", []):
        return ""
    if isinstance(value, bool):
        return pgettext("setting", "on") if value else pgettext("setting", "off")
    if isinstance(value, list):
        words = _WORDS.get(name, {})
        return _listed(str(words.get(each, each)) for each in value)
    return _in_words(field, name, value, names, show_phone_numbers)


def _in_words(field: Any, name: str, value: Any, names: Names, show_phone_numbers: bool) -> str:
    if name == "phone_number":
        return _number(value) if show_phone_numbers else phone_numbers.mask(value)
    if name == "query":
        return _filters(value, show_phone_numbers)
    if name == "default_country":
        return countries.label(value)
    if (model := _named_by(field)) is not None:
        return names.get((model, value), f"#{value}")
    if choices := getattr(field, "flatchoices", None):
        return str(dict(choices).get(value, value))
    return _moment(field, str(value))


def _number(value: str) -> str:
    return phone_numbers.display(value, country="")


def _filters(query: str, show_phone_numbers: bool) -> str:
    """The filters that an address carried; a number may be among them that somebody was looked for by."""
    filters = parse_qsl(query, keep_blank_values=True)
    if not show_phone_numbers:
        # Days are not numbers of people.
        filters = [(name, hide_numbers(name, text)) for name, text in filters]
    return " · ".join(f"{name}={text}" for name, text in filters)


def hide_numbers(name: str, text: str) -> str:
    """What somebody looked for by the filter ``name``, without what may be a part of a number."""
    return phone_numbers.hide(text, fewest=5) if name in _TEXTS else text


def _moment(field: Any, value: str) -> str:
    """A stored moment in the viewer's zone, a day or a time of day in the form of their language, a text as it is."""
    if isinstance(field, models.DateTimeField) and (moment := parse_datetime(value)):
        # Auditlog stores moments in UTC and without saying so.
        moment = moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
        return formats.date_format(timezone.localtime(moment), "DATETIME_FORMAT")
    if isinstance(field, models.DateField) and (day := parse_date(value)):
        return formats.date_format(day)
    if isinstance(field, models.TimeField) and (time := parse_time(value)):
        return formats.time_format(time)
    return value


def _listed(names: Iterable[str]) -> str:
    return pgettext("between names", ", ").join(names)
