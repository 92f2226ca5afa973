"""Reading request bodies: fields of the right type or a refusal, and the people whom a body asks to call.

Must cope with anything that JSON can hold. Knows no conference.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from invites.dingtalk.sandbox.answers import RefusedError
from invites.dingtalk.sandbox.events import Channel, Person
from invites.dingtalk.sandbox.people import UNION_ID_PREFIX
from invites.dingtalk.sandbox.routes import Operation
from invites.dingtalk.sandbox.state import nick_of
from invites.dingtalk.sandbox.traffic import Request

UNKNOWN_PREFIXES: Final = ("unknown-", f"{UNION_ID_PREFIX}unknown-")
SHORTEST_NUMBER, LONGEST_NUMBER = 4, 15
LONGEST_COUNTRY_CODE: Final = 3


def is_known_union_id(union_id: str) -> bool:
    """Every unionId is somebody, except those that say they are nobody and those with blanks inside."""
    return bool(union_id) and len(union_id.split()) == 1 and not union_id.startswith(UNKNOWN_PREFIXES)


def text(fields: Mapping[str, object], name: str) -> str | None:
    """A text field; None if it is absent. Raises RefusedError for another type."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise RefusedError("paramsError", f"error:{name} must be a string")
    return value


def required_text(fields: Mapping[str, object], name: str) -> str:
    """A text field that must not be empty. Raises RefusedError otherwise."""
    if not (value := text(fields, name)):
        raise RefusedError("paramsError", f"error:{name} is missing")
    return value


def sequence(fields: Mapping[str, object], name: str) -> list[object]:
    """A list field; empty if it is absent. Raises RefusedError for another type."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RefusedError("paramsError", f"error:{name} must be a list")
    return value


def union_ids(fields: Mapping[str, object], name: str) -> list[str]:
    """A list of texts. Raises RefusedError for another type."""
    values = sequence(fields, name)
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise RefusedError("paramsError", f"error:{name} must hold strings")
    return texts


def called_people(request: Request, *, country_code: str) -> tuple[Person, ...]:
    """The people whom an invitation or a new conference would call; empty for other operations.

    A phone number without `statusCode` (the country calling code) is one of the country with `country_code`. Raises
    RefusedError for a body that no invitation can have.
    """
    if request.operation is Operation.INVITE:
        by_union_id = [_invitee(entry) for entry in sequence(request.fields, "inviteeList")]
        by_phone = [
            _phone_invitee(entry, country_code) for entry in sequence(request.fields, "phoneInviteeList")
        ]
        return tuple(_once(person for person in (*by_union_id, *by_phone) if person is not None))
    if request.operation is Operation.CREATE:
        creator = required_text(request.fields, "userId")
        called = union_ids(request.fields, "inviteUserIds")
        if request.fields.get("inviteCaller", True) is not False:
            called = [creator, *called]
        return tuple(
            _once(
                Person(channel=Channel.UNION_ID, value=value, nick=nick_of(value))
                for value in called
                if value
            )
        )
    return ()


def _once(people: Iterable[Person]) -> list[Person]:
    return list({(person.channel, person.value): person for person in people}.values())


def _entry(entry: object, list_name: str) -> dict[str, object]:
    if not isinstance(entry, dict):
        raise RefusedError("paramsError", f"error:{list_name} must hold objects")
    return entry


def _invitee(entry: object) -> Person | None:
    fields = _entry(entry, "inviteeList")
    nick, union_id = required_text(fields, "nick"), text(fields, "unionId")
    return Person(channel=Channel.UNION_ID, value=union_id, nick=nick) if union_id else None


def _phone_invitee(entry: object, country_code: str) -> Person | None:
    fields = _entry(entry, "phoneInviteeList")
    number, code = text(fields, "phoneNumber"), text(fields, "statusCode") or country_code
    nick = text(fields, "nick") or ""
    if not number:
        return None
    # The documentation shows national digits alone; what a sign or a blank would do is not known, so none is allowed.
    if not _digits(number, SHORTEST_NUMBER, LONGEST_NUMBER) or not _digits(code, 1, LONGEST_COUNTRY_CODE):
        raise RefusedError("paramsError", "error:wrong phone number")
    return Person(channel=Channel.PHONE, value=f"+{code}{number}", nick=nick)


def _digits(value: str, shortest: int, longest: int) -> bool:
    return value.isascii() and value.isdigit() and shortest <= len(value) <= longest
