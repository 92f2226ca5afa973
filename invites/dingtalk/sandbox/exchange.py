"""One request in, one reply out: record it, judge the token, play a fault, do the operation, record the answer.

Holds the parts of the sandbox together. Knows nothing of sockets; no Django, and nothing of the client.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from invites.dingtalk.sandbox.announcing import Announcer
from invites.dingtalk.sandbox.answers import (
    NOT_FOUND_CODE,
    QPS_CODE,
    STALE_TOKEN_CODE,
    Answer,
    RefusedError,
    error_answer,
    in_old_style,
    json_answer,
)
from invites.dingtalk.sandbox.authorising import USER_PREFIX, Authorising
from invites.dingtalk.sandbox.company import Company
from invites.dingtalk.sandbox.credentials import TokenOperations
from invites.dingtalk.sandbox.directory import DirectoryOperations
from invites.dingtalk.sandbox.events import Event, Person
from invites.dingtalk.sandbox.faults import Fault, FaultBook
from invites.dingtalk.sandbox.gateway import Gateway
from invites.dingtalk.sandbox.invitees import called_people
from invites.dingtalk.sandbox.journal import Journal
from invites.dingtalk.sandbox.operations import ConferenceOperations
from invites.dingtalk.sandbox.people import (
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_FIXED_TOKEN,
)
from invites.dingtalk.sandbox.pushing import Pusher
from invites.dingtalk.sandbox.rates import RateLimit
from invites.dingtalk.sandbox.replies import Manner, Reply
from invites.dingtalk.sandbox.routes import ANONYMOUS_OPERATIONS, CONFERENCE_ID, OLD_OPERATIONS, Operation
from invites.dingtalk.sandbox.state import State
from invites.dingtalk.sandbox.tokens import TokenStore
from invites.dingtalk.sandbox.traffic import Received, Request, Traffic

TOKEN_LIFE_SECONDS: Final = 7200
UNANSWERED: Final = frozenset({Manner.DROPPED, Manner.RESET, Manner.NOT_HTTP})

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class SandboxOptions:
    """How a sandbox behaves.

    `journal`: file to keep conferences in over a restart. `latency_ms`: added to every answer of the API.
    `rate`: calls a second per app and operation. `batch_limit`: people in one invitation. `pace`: multiplies every
    delay in the life of a called person (0.1: ten times faster, 0: at once). `token_life`: seconds.
    `faults`: waiting from the start. `demo`: whether the demo conferences exist. `country_code`: of phone numbers
    that come without one. `clock`: seconds since 1970.
    """

    journal: Path | None = None
    latency_ms: float = 0.0
    rate: int | None = None
    batch_limit: int | None = None
    pace: float = 1.0
    token_life: int = TOKEN_LIFE_SECONDS
    faults: Sequence[Fault] = ()
    demo: bool = True
    country_code: str = "86"
    client_id: str = SANDBOX_CLIENT_ID
    client_secret: str = field(default=SANDBOX_CLIENT_SECRET, repr=False)
    clock: Callable[[], float] = time.time


class Exchange:
    """The whole sandbox but for the wire."""

    def __init__(self, options: SandboxOptions) -> None:
        clock = options.clock
        self._options, self._clock = options, clock
        self._journal = Journal(options.journal)
        self.tokens = TokenStore(clock=clock, life=options.token_life, fixed=SANDBOX_FIXED_TOKEN)
        self.faults = FaultBook(options.faults)
        self.traffic = Traffic(clock=clock, journal=self._journal)
        self.state = State(clock=clock, pace=options.pace, write=self._write_event)
        self._rates = RateLimit(rate=options.rate, clock=clock)
        self._conferences = ConferenceOperations(state=self.state, batch_limit=options.batch_limit).table
        self.company = Company()
        authorising = Authorising(
            company=self.company,
            tokens=self.tokens,
            clock=clock,
            credentials=(options.client_id, options.client_secret),
        )
        self._pages = authorising.pages
        self.credentials = TokenOperations(
            tokens=self.tokens,
            token_life=options.token_life,
            client_id=options.client_id,
            client_secret=options.client_secret,
        )
        self.pusher = Pusher()
        self.gateway = Gateway(knows=self.credentials.know, begin=self._begin_to_announce)
        self.announcer = Announcer(state=self.state, clock=clock, listeners=[self.gateway, self.pusher])
        self._others = {
            **authorising.table,
            **self.credentials.table,
            **self.gateway.table,
            **DirectoryOperations(self.company).table,
        }
        events = (Event.from_record(record) for record in self._journal.records())
        self.state.restore(event for event in events if event is not None)
        if options.demo:
            self.state.seed()

    def handle(self, request: Request) -> Reply:
        """Answer a request to the API; it is in the journal before anything else happens to it."""
        people, unreadable = self._people(request)
        operator = request.fields.get("unionId" if request.operation is Operation.INVITE else "userId")
        received = self.traffic.receive(
            request, people=people, operator=operator if isinstance(operator, str) else None
        )
        reply, fault = self._reply(request, people, unreadable)
        self._note(received, reply, fault)
        return replace(reply, seconds=reply.seconds + self._options.latency_ms / 1000)

    def note_control(self, action: str) -> None:
        """Write to the journal that somebody changed the sandbox from outside."""
        self._journal.append({"kind": "control", "at": self._clock(), "action": action})

    def clear(self) -> None:
        """Forget requests, faults and rates; let the fixed token work again. Conferences stay."""
        self.traffic.clear()
        self.faults.clear()
        self._rates.clear()
        self.tokens.reset()

    def issue_ticket(self, ticket: str) -> None:
        """Replace the suite ticket by another, and tell the third-party app of it."""
        self.credentials.suite_ticket = ticket
        self.announcer.issue_ticket(ticket)

    def close(self) -> None:
        """End the connections for events, and close the journal; all of it opens again when needed."""
        self.announcer.end()
        self.gateway.close()
        self._journal.close()

    def _begin_to_announce(self) -> None:
        self.announcer.begin()

    def _write_event(self, event: Event) -> None:
        self._journal.append(event.as_record())

    def _people(self, request: Request) -> tuple[tuple[Person, ...], RefusedError | None]:
        try:
            return called_people(request, country_code=self._options.country_code), None
        except RefusedError as refusal:
            return (), refusal

    def _reply(
        self, request: Request, people: tuple[Person, ...], unreadable: RefusedError | None
    ) -> tuple[Reply, Fault | None]:
        operation = request.operation
        if operation is None:
            return Reply(answer=self._refuse(RefusedError(NOT_FOUND_CODE), request)), None
        if (refused := self._gate(request, operation)) is not None:
            return Reply(answer=self._refuse(refused, request)), None
        fault = self._fault(request, operation, people)
        if fault is not None and not fault.takes_effect:
            return self._spoilt(fault, None, request), fault
        answer = (
            self._refuse(unreadable, request) if unreadable else self._perform(request, operation, people)
        )
        if fault is None:
            return Reply(answer=answer), None
        return self._spoilt(fault, answer, request), fault

    def _spoilt(self, fault: Fault, genuine: Answer | None, request: Request) -> Reply:
        reply = fault.spoil(genuine, request_id=request.request_id)
        # An error that was asked for comes in the style of the operation that it hits.
        is_asked_for = reply.answer.code is not None and reply.answer is not genuine
        return replace(reply, answer=self._in_style(reply.answer, request)) if is_asked_for else reply

    def _gate(self, request: Request, operation: Operation) -> RefusedError | None:
        """What the gateway refuses before an operation is reached: stale tokens, too many calls."""
        holder: str | None = "anonymous"
        if operation not in ANONYMOUS_OPERATIONS:
            is_old = operation in OLD_OPERATIONS
            token = request.resolved.query.get("access_token") if is_old else request.token
            holder = self.tokens.holder_of(token) if token else None
        # A person's own token opens what the person may see, and nothing that is an app's.
        if holder is None or (operation is Operation.ME) != holder.startswith(USER_PREFIX):
            return RefusedError(STALE_TOKEN_CODE)
        return None if self._rates.admits(holder, operation) else RefusedError(QPS_CODE)

    def _fault(self, request: Request, operation: Operation, people: Sequence[Person]) -> Fault | None:
        fault = self.faults.take(operation, anonymous=operation in ANONYMOUS_OPERATIONS)
        if fault is not None or operation is not Operation.INVITE:
            return fault
        conference = self.state.get(request.resolved.path[CONFERENCE_ID])
        if conference is None:
            return None
        return self.faults.magic(conference.conference_id, people=people, title=conference.title)

    def _perform(self, request: Request, operation: Operation, people: Sequence[Person]) -> Answer:
        try:
            if operation in self._pages:
                return self._pages[operation](request)
            if operation in self._others:
                return self._in_style(json_answer(self._others[operation](request)), request)
            return json_answer(self._conferences[operation](request, people))
        except RefusedError as refusal:
            return self._refuse(refusal, request)
        except Exception:
            # The last net: whatever goes wrong in here, the other side gets an answer in DingTalk's form.
            logger.exception("the sandbox failed at %s", operation)
            return self._refuse(RefusedError("systemError"), request)

    def _refuse(self, refusal: RefusedError, request: Request) -> Answer:
        answer = error_answer(
            refusal.code, request_id=request.request_id, message=refusal.message, status=refusal.status
        )
        return self._in_style(answer, request)

    @staticmethod
    def _in_style(answer: Answer, request: Request) -> Answer:
        if request.operation not in OLD_OPERATIONS:
            return answer
        return in_old_style(answer, request_id=request.request_id)

    def _note(self, received: Received, reply: Reply, fault: Fault | None) -> None:
        answer = None if reply.manner in UNANSWERED else reply.answer
        self.traffic.answered(received, answer, fault=fault.fault if fault else None)
