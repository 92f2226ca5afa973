"""The faults that were asked for, and when each one is due. How a fault looks is told in `replies`.

A fault comes from a start option, from the control endpoint, or from a magic value that a person types in a demo: a
nick, a unionId or a conference title such as `fault-html`, `fault-code-confClosed` or `fault-throttled-x2` (only the
first two calls), with or without the prefix of the demo people.
"""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Final, Self

from invites.dingtalk.sandbox.answers import Answer, json_answer
from invites.dingtalk.sandbox.events import Person
from invites.dingtalk.sandbox.people import UNION_ID_PREFIX
from invites.dingtalk.sandbox.replies import CODE_PREFIX, Reply, Spoiling, spoiler
from invites.dingtalk.sandbox.routes import Operation

ANY_OPERATION: Final = "any"
AFTER_EFFECT: Final = "after"
BEFORE_EFFECT: Final = "before"
LOWEST_STATUS, HIGHEST_STATUS = 200, 599
LONGEST_SECONDS: Final = 3600.0

_MAGIC: Final = re.compile(r"fault-(?P<kind>[A-Za-z][A-Za-z0-9_.-]*?)(?:-x(?P<times>\d{1,4}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault to be played. Raises ValueError for settings that make no sense.

    `fault`: a name from the table of faults, or `code:` and an error code.
    `operation`: the operation that it hits, or "any" (every operation but the two token ones).
    `times`: how many calls it hits; None for every call until it is removed. `skip`: how many it lets pass before.
    `effect`: "after" if the call takes effect and only the answer is spoilt, "before" if nothing happens; None takes
    the fault's own default.
    `seconds`: how long it hangs, drips or delays. `status`, `message`: in place of the fault's own.
    `retry_after`: seconds in a Retry-After header (errors with a code).
    """

    fault: str
    operation: str = Operation.INVITE
    times: int | None = 1
    skip: int = 0
    effect: str | None = None
    seconds: float | None = None
    status: int | None = None
    message: str | None = None
    retry_after: float | None = None

    def __post_init__(self) -> None:
        if spoiler(self.fault) is None:
            raise ValueError(f"no such fault: {self.fault!r}")
        if self.operation != ANY_OPERATION and self.operation not in set(Operation):
            raise ValueError(f"no such operation: {self.operation!r}")
        if self.effect not in {None, AFTER_EFFECT, BEFORE_EFFECT}:
            raise ValueError(f"effect must be {AFTER_EFFECT!r} or {BEFORE_EFFECT!r}")
        if (self.times is not None and self.times < 1) or self.skip < 0:
            raise ValueError("times must be at least 1 and skip at least 0")
        if not all(
            0 <= value <= LONGEST_SECONDS for value in (self.seconds, self.retry_after) if value is not None
        ):
            raise ValueError(f"seconds and retry_after must lie between 0 and {LONGEST_SECONDS:g}")
        if self.status is not None and not LOWEST_STATUS <= self.status <= HIGHEST_STATUS:
            raise ValueError(f"status must lie between {LOWEST_STATUS} and {HIGHEST_STATUS}")

    @property
    def takes_effect(self) -> bool:
        """Whether the call does its work although its answer is spoilt."""
        if self.effect is not None:
            return self.effect == AFTER_EFFECT
        kind = spoiler(self.fault)
        return kind is not None and kind.takes_effect

    def spoil(self, genuine: Answer | None, *, request_id: str) -> Reply:
        """What goes out instead of the genuine answer; without one (no effect), of a plausible success."""
        kind = spoiler(self.fault)
        answer = json_answer({"success": True}) if genuine is None else genuine
        if kind is None:
            return Reply(answer=answer)
        return kind.spoil(
            Spoiling(
                genuine=answer,
                request_id=request_id,
                status=self.status,
                message=self.message,
                seconds=self.seconds,
                retry_after=self.retry_after,
            )
        )

    def as_record(self) -> dict[str, object]:
        """The settings that were given."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> Self:
        """A fault from JSON. Raises ValueError for an unknown field or a value of the wrong type."""
        if unknown := set(record) - set(_FIELD_TYPES):
            raise ValueError(f"no such field: {sorted(unknown)}")
        if "fault" not in record:
            raise ValueError("fault is missing")
        for name, value in record.items():
            if isinstance(value, bool) or not isinstance(value, _FIELD_TYPES[name]):
                raise ValueError(f"{name} has the wrong type")  # noqa: TRY004 -- one kind of error for all settings
        settings: dict[str, object] = {**record, "fault": _spelling(str(record["fault"]))}
        return cls(**settings)  # type: ignore[arg-type]  # the types were compared one by one above

    @classmethod
    def from_text(cls, specification: str) -> Self:
        """A fault from a start option: `OPERATION:FAULT[,name=value]...`. Raises ValueError."""
        head, *settings = specification.split(",")
        operation, colon, fault = head.partition(":")
        if not colon:
            raise ValueError(f"{specification!r} is not OPERATION:FAULT[,name=value]...")
        record: dict[str, object] = {"operation": operation, "fault": fault}
        for setting in settings:
            name, _, value = setting.partition("=")
            record[name] = _from_text(name, value)
        return cls.from_record(record)


_NUMBER: Final = (int, float)
_MAYBE_INT: Final = (int, type(None))
_FIELD_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "fault": str,
    "operation": str,
    "times": _MAYBE_INT,
    "skip": int,
    "effect": (str, type(None)),
    "seconds": (*_NUMBER, type(None)),
    "status": _MAYBE_INT,
    "message": (str, type(None)),
    "retry_after": (*_NUMBER, type(None)),
}


def _spelling(kind: str) -> str:
    """`cut-json` is as good as `cut_json`, and `code-confClosed` as `code:confClosed`."""
    if kind.startswith(CODE_PREFIX):
        return kind
    if kind.startswith("code-"):
        return CODE_PREFIX + kind.removeprefix("code-")
    return kind.replace("-", "_")


def _from_text(name: str, value: str) -> object:
    try:
        if name in {"times", "skip", "status"}:
            return None if value == "always" else int(value)
        return float(value) if name in {"seconds", "retry_after"} else value
    except ValueError:
        raise ValueError(f"{name} must be a number, not {value!r}") from None


@dataclass(slots=True)
class _Due:
    fault: Fault
    passed: int = 0
    played: int = 0

    def matches(self, operation: Operation, *, anonymous: bool) -> bool:
        return self.fault.operation == operation or (self.fault.operation == ANY_OPERATION and not anonymous)

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.played >= self.fault.times


class FaultBook:
    """The faults that are waiting; thread-safe. The first one that matches a call is played."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._due = [_Due(fault) for fault in faults]
        self._magic_calls: Counter[tuple[str, str]] = Counter()

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its call, behind those that wait already."""
        with self._lock:
            self._due.append(_Due(fault))

    def clear(self) -> None:
        """Forget all faults, and how often magic values were met."""
        with self._lock:
            self._due.clear()
            self._magic_calls.clear()

    def waiting(self) -> list[Fault]:
        """The faults that have not been used up."""
        with self._lock:
            return [due.fault for due in self._due]

    def take(self, operation: Operation, *, anonymous: bool) -> Fault | None:
        """The fault to play on this call, counted as played."""
        with self._lock:
            for due in self._due:
                if not due.matches(operation, anonymous=anonymous):
                    continue
                if due.passed < due.fault.skip:
                    due.passed += 1
                    continue
                due.played += 1
                self._due = [each for each in self._due if not each.spent]
                return due.fault
            return None

    def magic(self, conference_id: str, *, people: Iterable[Person], title: str) -> Fault | None:
        """The fault that a nick, a unionId or a word of the conference's title asks an invitation to show."""
        words = [word for person in people for word in (person.nick, person.value)]
        for word in (*words, *title.split()):
            magic = _MAGIC.fullmatch(word.removeprefix(UNION_ID_PREFIX))
            if magic is None:
                continue
            kind, times = _spelling(magic["kind"]), magic["times"]
            if spoiler(kind) is None or (times and self._met(conference_id, word) > int(times)):
                continue
            return Fault(fault=kind, operation=Operation.INVITE)
        return None

    def _met(self, conference_id: str, word: str) -> int:
        with self._lock:
            self._magic_calls[conference_id, word] += 1
            return self._magic_calls[conference_id, word]
