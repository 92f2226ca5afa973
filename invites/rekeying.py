"""Encrypts with the newest key what older keys have encrypted, so that those can be dropped.

Must not lose what somebody saves meanwhile: each row is changed only if it still holds what was read. May be broken off
at any moment and started again: what has been done is passed over.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from invites.encryption import Closed, EncryptedTextField, UndecryptableError, is_newest, renewed
from invites.models import CachedToken, Session

ROWS_AT_ONCE = 100
"""So many rows are changed in one transaction, which keeps whoever wants to save one of them waiting."""

_ROUNDS = 3
# What django-allauth encrypts of a second factor: of an app of codes, of recovery codes, of those taken over.
_SECRET_KEYS = frozenset({"secret", "seed", "migrated_codes"})

type Row = dict[str, Any]


@dataclass(slots=True)
class Found:
    """What stands in one table: secrets under the newest key, those under older ones (by now renewed, if that was asked
    for), and where stands what no key opens. ``changed_meanwhile`` were saved again and again while this ran.
    """

    table: str
    newest: int = 0
    older: int = 0
    changed_meanwhile: int = 0
    unreadable: list[str] = field(default_factory=list)


def look() -> list[Found]:
    """What stands in each table, with nothing changed."""
    return [_walked(model, names, change=False) for model, names in _encrypted()]


def renew() -> list[Found]:
    """Encrypts everything with the newest key, and tells what stood in each table."""
    return [_walked(model, names, change=True) for model, names in _encrypted()]


def _encrypted() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Every table that holds anything encrypted, and in which columns."""
    for model in apps.get_models():
        fields = model._meta.get_fields()  # noqa: SLF001 - Django's own way to ask
        names = [each.name for each in fields if isinstance(each, EncryptedTextField)]
        if names:
            yield model, names
    # What a session holds, which is encrypted by the session's store.
    yield Session, ["session_data"]
    # Second factors: the library hands over what it wants kept secret, and keeps the answer inside of JSON.
    yield Authenticator, ["data"]


def _walked(model: type[models.Model], names: list[str], *, change: bool) -> Found:
    found = Found(table=str(model._meta.verbose_name_plural))  # noqa: SLF001 - likewise
    last: Any = None
    while rows := _rows_after(model, names, last):
        last = rows[-1]["pk"]
        with transaction.atomic():
            for row in rows:
                _take(model, row, found, change=change)
    return found


def _rows(model: type[models.Model]) -> models.QuerySet[Any]:
    return model._default_manager.all()  # noqa: SLF001 - whichever table it is


def _rows_after(model: type[models.Model], names: list[str], last: Any) -> list[Row]:
    rows = _rows(model).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    return list(rows.values("pk", *names)[:ROWS_AT_ONCE])


def _take(model: type[models.Model], row: Row, found: Found, *, change: bool) -> None:
    """Counts what stands in one row, and renews it if ``change``."""
    pk, names = row["pk"], [name for name in row if name != "pk"]
    for _round in range(_ROUNDS):
        seen = _Seen()
        new = {name: _mapped(row[name], partial(seen.renew, name)) for name in names}
        if not seen.older or not change or _replaced(model, pk, row, new):
            found.newest += seen.newest
            found.older += seen.older
            for name in seen.unreadable:
                _note_unreadable(model, pk, name, found, change=change)
            return
        # Somebody has saved it since, and most likely with the newest key.
        again = _rows(model).filter(pk=pk).values("pk", *names).first()
        if again is None:
            return
        row = again
    found.changed_meanwhile += 1


@dataclass(slots=True)
class _Seen:
    """What stands in one row."""

    newest: int = 0
    older: int = 0
    unreadable: list[str] = field(default_factory=list)

    def renew(self, name: str, token: str) -> str:
        """``token``, which stands in column ``name``, under the newest key; as it is where no key opens it."""
        try:
            if is_newest(token):
                self.newest += 1
                return token
            text = renewed(token)
        except UndecryptableError:
            self.unreadable.append(name)
            return token
        self.older += 1
        return text


def _mapped(value: Any, renew_one: Callable[[str], str]) -> Any:
    """``value`` with every secret in it renewed: a column's own, or those of a second factor."""
    match value:
        case str():
            return Closed(renew_one(value)) if value else value
        case dict():
            return {
                key: _mapped(each, renew_one) if key in _SECRET_KEYS else each for key, each in value.items()
            }
        case list():
            return [_mapped(each, renew_one) for each in value]
        case _:
            return value


def _replaced(model: type[models.Model], pk: Any, old: Row, new: Row) -> bool:
    """Whether ``new`` could be put in the place of ``old``: not where somebody has saved something else since."""
    values = {name: value for name, value in new.items() if name != "pk"}
    return bool(_rows(model).filter(**old | {"pk": pk}).update(**values))


def _note_unreadable(model: type[models.Model], pk: Any, name: str, found: Found, *, change: bool) -> None:
    if model is CachedToken or model is Session:
        # Worth nothing any more: the next call fetches another token, and whoever had the session signs in again.
        if change:
            _rows(model).filter(pk=pk).delete()
        return
    about = model._meta  # noqa: SLF001 - likewise
    column = getattr(about.get_field(name), "verbose_name", name)
    where = f"{about.verbose_name} {pk} ({_rows(model).get(pk=pk)}): {column}"
    if where not in found.unreadable:
        found.unreadable.append(where)
