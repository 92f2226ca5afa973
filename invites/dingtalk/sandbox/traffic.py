"""What came in and what was answered, as typed records, in memory and in the journal.

No token and no secret is kept: the bodies of token requests and answers are withheld here, before anything is stored.
"""

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from invites.dingtalk.sandbox.answers import Answer
from invites.dingtalk.sandbox.events import Person
from invites.dingtalk.sandbox.journal import Journal
from invites.dingtalk.sandbox.routes import (
    ANONYMOUS_OPERATIONS,
    CONFERENCE_ID,
    OLD_OPERATIONS,
    Operation,
    Target,
)

REMEMBERED_REQUESTS: Final = 20_000
REMEMBERED_ANSWER_BYTES: Final = 4_000
WITHHELD: Final = "withheld"


def new_request_id() -> str:
    """An id in the form of DingTalk's request ids."""
    return str(uuid.uuid4()).upper()


@dataclass(slots=True, kw_only=True)
class Received:
    """One request to the API, and what was answered once it was.

    `body` is the decoded JSON (None if there was none, or none that could be read); `people` are those whom an
    invitation or a new conference asks to call. `fault` names the fault that was played. `status` stays None when
    nothing was answered: the connection was dropped, or the answer is still to come.
    """

    number: int
    at: float
    method: str
    target: str
    operation: Operation | None
    conference_id: str | None
    request_id: str
    body: object
    people: tuple[Person, ...] = ()
    operator: str | None = None
    fault: str | None = None
    status: int | None = None
    code: str | None = None
    answer: str | None = None

    def as_record(self) -> dict[str, object]:
        """The record as the control endpoint shows it."""
        return {
            "number": self.number,
            "at": self.at,
            "method": self.method,
            "target": self.target,
            "operation": self.operation,
            "conferenceId": self.conference_id,
            "operator": self.operator,
            "people": [person.as_record() for person in self.people],
            "requestId": self.request_id,
            "body": self.body,
            "fault": self.fault,
            "status": self.status,
            "code": self.code,
            "answer": self.answer,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came over the wire, already taken apart. `body` is None if it is not readable JSON."""

    method: str
    target: str
    resolved: Target
    token: str | None
    body: object
    request_id: str

    @property
    def operation(self) -> Operation | None:
        """The operation that is asked for."""
        return self.resolved.operation

    @property
    def fields(self) -> Mapping[str, object]:
        """The body's fields; empty for a body that is no JSON object."""
        return self.body if isinstance(self.body, dict) else {}


class Traffic:
    """The log of requests, the newest kept in memory, every one written to the journal before it is answered."""

    def __init__(self, *, clock: Callable[[], float], journal: Journal) -> None:
        self._clock, self._journal = clock, journal
        self._lock = threading.Lock()
        self._number = 0
        self._received: deque[Received] = deque(maxlen=REMEMBERED_REQUESTS)

    def receive(self, request: Request, *, people: tuple[Person, ...], operator: str | None) -> Received:
        """Record a request before anything else happens to it."""
        # The older form of the API carries the token in the query: what is not understood is not kept either.
        secret = request.operation is None or request.operation in ANONYMOUS_OPERATIONS
        is_old = request.operation in OLD_OPERATIONS
        with self._lock:
            self._number += 1
            received = Received(
                number=self._number,
                at=self._clock(),
                method=request.method,
                target=request.target.partition("?")[0] if secret or is_old else request.target,
                operation=request.operation,
                conference_id=request.resolved.path.get(CONFERENCE_ID),
                request_id=request.request_id,
                body=WITHHELD if secret else request.body,
                people=people,
                operator=operator,
            )
            self._received.append(received)
        self._journal.append(_received_line(received))
        return received

    def answered(self, received: Received, answer: Answer | None, *, fault: str | None) -> None:
        """Record what is about to be answered; None for a connection that is closed instead."""
        received.fault = fault
        if answer is not None:
            received.code = answer.code
            received.answer = _kept_text(received.operation, answer)
            received.status = answer.status
        self._journal.append(
            {
                "kind": "answered",
                "at": self._clock(),
                "number": received.number,
                "requestId": received.request_id,
                "status": received.status,
                "code": received.code,
                "fault": fault,
            }
        )

    def all(self) -> list[Received]:
        """The requests so far, oldest first, up to the newest 20,000."""
        with self._lock:
            return list(self._received)

    def clear(self) -> None:
        """Forget the requests in memory; the journal keeps them."""
        with self._lock:
            self._received.clear()


def _received_line(received: Received) -> dict[str, object]:
    line: dict[str, object] = {
        "kind": "received",
        "at": received.at,
        "number": received.number,
        "requestId": received.request_id,
        "method": received.method,
        "target": received.target,
        "operation": received.operation,
    }
    if received.conference_id is not None:
        line["conferenceId"] = received.conference_id
    if received.operation in {Operation.INVITE, Operation.CREATE}:
        line |= {"operator": received.operator, "people": [person.as_record() for person in received.people]}
    return line


def _kept_text(operation: Operation | None, answer: Answer) -> str:
    if operation in ANONYMOUS_OPERATIONS and answer.code is None:
        return json.dumps({"accessToken": WITHHELD})
    return answer.body[:REMEMBERED_ANSWER_BYTES].decode("utf-8", "replace")
