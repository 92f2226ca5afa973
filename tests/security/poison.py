"""Puts into every text of the database what would do harm where a page printed it as it is."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Final

from django.apps import apps
from django.db import IntegrityError, models, transaction

from invites.encryption import EncryptedTextField
from invites.models import CacheRow, Session
from tests.keeping import tampering

# Ends attributes, elements that hold text, and templates; shows itself by an element that no page of ours has. Blanks
# are not everywhere allowed.
POISON: Final = (
    "\"'><x-evil/onmouseover=alert(1)></textarea></title><img/src=x/onerror=alert(2)>"
    "<script>alert(3)</script>{{7*7}}{%debug%}\u202e"
)
# The second where neither blanks nor slashes may stand.
_POISONS: Final = (POISON, POISON.replace("/", "\x0c"), "\"'><x-evil>{{7*7}}")
# Texts that only we ourselves write, and read again: words, keys, digests and ways to read a file.
OURS: Final = {
    *("password", "language", "time_zone", "file_format", "problem", "problem_field", "headings", "digest"),
    *(
        "key_id",
        "search_text",
        "trace_id",
        "cid",
        "object_pk",
        "session_key",
        "key",
        "country",
        "head",
        "remote_addr",
    ),
    *(
        "state",
        "skipped_because",
        "schedule_problem",
        "last_opened_with",
        "name_of_worker",
        "finding",
        "actor_email",
    ),
}
# Where JSON holds texts of people.
_OF_PEOPLE: Final = {
    *("nick", "name", "book_name", "group", "reason", "do_not_invite_reason", "union_id", "title", "sample"),
    *("cells", "groups", "username", "first_name", "query", "book", "to", "from", "target", "source_name"),
}
_SHORTEST: Final = 12


def poison_everything() -> set[str]:
    """Puts POISON into all texts that come from elsewhere; says which fields, as ``model.field``."""
    done = set()
    with tampering():
        for model in set(apps.get_app_config("invites").get_models()) - {CacheRow, Session}:
            for field in model._meta.concrete_fields:
                if _is_from_elsewhere(field) and _poison(model, field):
                    done.add(f"{model._meta.model_name}.{field.name}")
    return done


def _is_from_elsewhere(field: Any) -> bool:
    if field.name in OURS or field.primary_key or field.choices or isinstance(field, EncryptedTextField):
        return False
    is_text = isinstance(field, models.CharField | models.TextField)
    return (is_text and (field.max_length or _SHORTEST) >= _SHORTEST) or isinstance(field, models.JSONField)


def _poison(model: type[models.Model], field: Any) -> bool:
    touched = False
    for pk, value in list(model._default_manager.values_list("pk", field.name)):
        if value:
            is_json = isinstance(field, models.JSONField)
            news = [_in_json(value, "")] if is_json else [_text(field, pk, value, text) for text in _POISONS]
            row = model._default_manager.filter(pk=pk)
            touched |= any(new != value and _takes(row, field.name, new) for new in news)
    return touched


def _takes(row: models.QuerySet[Any], name: str, value: object) -> bool:
    """Writes it, where no rule of the database refuses it."""
    try:
        with transaction.atomic():
            return bool(row.update(**{name: value}))
    except IntegrityError:
        return False


def _text(field: Any, pk: object, value: str, poison: str) -> str:
    """As much of it as fits, different in each row; a number stays one, which nothing else is ever stored as."""
    return value if value.startswith("+") else f"{pk}{poison}"[: field.max_length]


def _in_json(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _in_json(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_in_json(part, key) for part in value]
    return POISON if isinstance(value, str) and key in _OF_PEOPLE else value


class _Evil(HTMLParser):
    """Hears of what no page of ours has."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that is not ours, a script that stands in the page, or an attribute that is one."""
        names = dict(attrs)
        is_script = tag == "script" and "src" not in names and names.get("type") != "application/json"
        if tag == "x-evil" or is_script or any(_is_script(*attribute) for attribute in attrs):
            self.found.append(self.get_starttag_text() or tag)


def _is_script(name: str, value: str | None) -> bool:
    leads = name in {"href", "src", "action", "formaction", "hx-get", "hx-post"}
    return name.startswith("on") or (leads and (value or "").strip().lower().startswith("javascript:"))


def evil_in(html: str) -> Iterator[str]:
    """What of POISON came alive in ``html``."""
    parser = _Evil()
    parser.feed(html)
    parser.close()
    yield from parser.found
