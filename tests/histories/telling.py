"""Tells a history: invitations, what was tried for each and what came back, as lines for COPY, the earliest first.

Knows no database. The loops run millions of times, so a line is written where its facts are known.
"""

import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate, islice

from tests.histories import outcomes
from tests.histories.days import Day
from tests.histories.outcomes import TAKEN, Answer

COLUMNS = {
    "conference": "id, conference_id, title, room_code, external_link_url, creator_union_id, status, created_at,"
    " app_id, owner_id",
    "conference_co_organizers": "conference_id, user_id",
    "invitation": "id, conference_id, state, source, operator_union_id, revision, repeats_id, created_at, sent_by_id,"
    " sent_at, day, trace_id, finished_at, is_automatic, schedule_problem, rings_left, ring_again_minutes,"
    " ring_again_waits, lookups",
    "batch": "id, invitation_id, number, state, people, not_before, tries, first_tried_at, token_was_stale,"
    " times_shrunk, was_looked_up, half_of_id",
    "attempt": "id, invitation_id, batch_id, number, state, people, people_state, started_at, deadline, finished_at,"
    " duration_ms, http_status, error_code, error_message, request_id, response_excerpt, conference_id, app_id,"
    " organizer_id, channels, day, trace_id, salt",
    "invitee": "id, invitation_id, position, channel, value, nick, nick_filled_in, times_added, batch_id, person_id,"
    " state, skipped_because, changed_at, overridden_reason, member_is_probable, last_attempt_id",
    "attemptinvitee": "attempt_id, invitee_id, person_id, started_at",
    "auditentry": "content_type_id, object_pk, object_id, object_repr, action, changes_text, changes, cid, remote_addr,"
    " timestamp, actor_id, day, salt",
}
ATTEMPTS_A_CONFERENCE = 25
_TITLES = (
    "周会",
    "产品评审",
    "客户沟通",
    "值班交接",
    "故障复盘",
    "Weekly review",
    "Stand-up",
    "Sales call",
    "面试",
    "All hands",
)
_STANDING = 40
# How many invitations go into a conference that is there for years; that follow another; that the command line sent.
_INTO_STANDING, _REPEATING, _BY_COMMAND = 0.03, 0.08, 0.02
_SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 75, 100)
_SIZE_SHARES = (400, 220, 140, 90, 70, 18, 13, 10, 8, 7, 6, 5, 4, 2, 1.2, 0.6, 0.4)
_BATCHES = (1, 1, 1, 1, 1, 1, 1, 1, 2, 4)
# How often a batch meets with each kind of answer; all others are taken at once.
_PASSING, _UNKNOWN_USER, _OVER, _FINAL = 0.021, 0.008, 0.005, 0.03


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Somebody:
    """A person of the history."""

    pk: int
    channel: str
    value: str
    nick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who and what there is before anybody is invited. Everybody's weight says how often they are called."""

    people: Sequence[Somebody]
    organizers: Sequence[tuple[int, str]]
    apps: Sequence[int]
    conference_type: int
    until: float


@dataclass(slots=True, kw_only=True, eq=False)
class _Conference:
    pk: int
    app: int
    owner: tuple[int, str]
    co_organizer: tuple[int, str] | None = None
    last_invitation: int | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class _Call:
    """What all attempts of one invitation have in common, and where it has got to."""

    invitation: int
    conference: _Conference
    organizer: int | None
    operator: str
    trace_id: str
    day: str
    now: float
    batches: int = 0
    attempts: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class _Invitee:
    pk: int
    person: Somebody
    batch: int = 0
    state: str = "pending"
    last_attempt: int = 0
    changed_at: str = ""


@dataclass(slots=True, kw_only=True)
class Keys:
    """The last key of each table that is taken."""

    conference: int = 0
    invitation: int = 0
    batch: int = 0
    attempt: int = 0
    invitee: int = 0


@dataclass(kw_only=True)
class Teller:
    """Writes the lines of one table after the other into ``lines``, from which whoever loads them takes them away."""

    world: World
    keys: Keys
    choose: random.Random
    left: int
    lines: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._drawn = self._draw_people()
        self._owners = list(accumulate(1 / (rank + 1) ** 0.9 for rank in range(len(self.world.organizers))))
        self._sizes = list(accumulate(_SIZE_SHARES))
        self._open: deque[_Conference] = deque(maxlen=12)
        self._standing: list[_Conference] = []
        # How many moments of the next day are taken already: an invitation may be several attempts.
        self._ahead = 0

    def tell(self, day: Day, *, number: int) -> None:
        """All that happens on one day, the ``number``-th."""
        text = day.day.isoformat()
        while len(self._standing) < _STANDING:
            self._standing.append(self._new_conference(day.moments[0] if day.moments else 0, text))
        position = self._ahead
        while position < len(day.moments) and self.left:
            made = self._invite(day.moments[position], text, number)
            position += made
            self.left -= made
        self._ahead = max(0, position - len(day.moments))

    def _draw_people(self) -> Iterator[Somebody]:
        people = self.world.people
        # The most wanted are called a thousand times as often as most.
        weights = list(accumulate((rank + 750.0) ** -2 for rank in range(len(people))))
        while True:
            yield from self.choose.choices(people, cum_weights=weights, k=50_000)

    def _invite(self, moment: float, day: str, number: int) -> int:
        choose, keys = self.choose, self.keys
        conference = self._conference(moment, day)
        organizer = conference.co_organizer if choose.random() < 0.3 else None
        by = None if choose.random() < _BY_COMMAND else organizer or conference.owner
        keys.invitation += 1
        call = _Call(
            invitation=keys.invitation,
            conference=conference,
            organizer=by and by[0],
            operator=(by or conference.owner)[1],
            trace_id=f"{choose.getrandbits(128):032x}" if by else "",
            day=day,
            now=moment + 0.4,
        )
        # The very last ones are single calls, so that the number of attempts comes out.
        sizes = self._batch_sizes() if self.left > 50 else [1]
        people = [
            self._invitee(person) for person in dict.fromkeys(next(self._drawn) for _ in range(sum(sizes)))
        ]
        rest = iter(people)
        for size in sizes:
            if batch := list(islice(rest, size)):
                self._send(call, batch, number)
        self._write_invitation(call, moment)
        self._write_people(call, people)
        return call.attempts

    def _conference(self, moment: float, day: str) -> _Conference:
        choose = self.choose
        if choose.random() < _INTO_STANDING:
            return self._standing[int(_STANDING * choose.random() ** 3)]
        if not self._open or choose.random() < 1.6 / ATTEMPTS_A_CONFERENCE:
            self._open.append(self._new_conference(moment, day))
        return self._open[int(len(self._open) * choose.random())]

    def _batch_sizes(self) -> list[int]:
        batches = self.choose.choice(_BATCHES)
        return self.choose.choices(_SIZES, cum_weights=self._sizes, k=batches)

    def _invitee(self, person: Somebody) -> _Invitee:
        self.keys.invitee += 1
        return _Invitee(pk=self.keys.invitee, person=person)

    def _send(self, call: _Call, people: list[_Invitee], number: int) -> None:
        """One batch, with all its tries."""
        choose = self.choose
        luck = choose.random()
        if self.left <= 50:
            answers = [TAKEN]
        elif number == 365 and luck < 0.3:
            answers = [outcomes.BROKEN_DAY]
        elif number < 40 and luck < 0.02:
            answers = [outcomes.RARE, TAKEN]
        elif (luck := choose.random()) < _PASSING:
            answers = [outcomes.pick(choose, outcomes.PASSING, outcomes.PASSING_SHARES), TAKEN]
        elif (luck := luck - _PASSING) < _UNKNOWN_USER:
            return self._find_unknown(call, people, half_of=None)
        elif (luck := luck - _UNKNOWN_USER) < _OVER:
            answers = [outcomes.CONFERENCE_OVER]
        elif luck - _OVER < _FINAL:
            answers = [outcomes.pick(choose, outcomes.FINAL, outcomes.FINAL_SHARES)]
        else:
            answers = [TAKEN]
        self._try(call, people, answers)
        return None

    def _find_unknown(self, call: _Call, people: list[_Invitee], *, half_of: int | None) -> None:
        """A batch with somebody unknown in it, halved until they stand alone."""
        batch = self._try(call, people, [outcomes.UNKNOWN_USER], half_of=half_of)
        if len(people) > 1:
            middle = len(people) // 2
            halves = [people[:middle], people[middle:]]
            culprit = self.choose.randrange(2)
            for place, half in enumerate(halves):
                if place == culprit:
                    self._find_unknown(call, half, half_of=batch)
                else:
                    self._try(call, half, [TAKEN], half_of=batch)

    def _try(
        self, call: _Call, people: list[_Invitee], answers: list[Answer], *, half_of: int | None = None
    ) -> int:
        """The tries of one batch; returns its key."""
        self.keys.batch += 1
        call.batches += 1
        batch, begun = self.keys.batch, call.now
        for number, answer in enumerate(answers, start=1):
            self._attempt(call, people, answer, number)
            call.now += 1.2 * number if answer.people_state == "pending" else 0.02
        first = _time(begun)
        self.lines["batch"].append(
            f"{batch}\t{call.invitation}\t{call.batches}\ttaken\t{len(people)}\t{first}\t{len(answers)}\t{first}"
            f"\tf\t0\tf\t{half_of or _NULL}\n"
        )
        return batch

    def _attempt(self, call: _Call, people: list[_Invitee], answer: Answer, number: int) -> None:
        choose, keys, conference = self.choose, self.keys, call.conference
        keys.attempt += 1
        call.attempts += 1
        attempt, started = keys.attempt, _time(call.now)
        took = outcomes.took(choose, answer)
        deadline = _time(call.now + 30)
        call.now += took / 1000
        finished = _time(call.now)
        request_id = "" if answer.status is None else f"{choose.getrandbits(128):032X}"
        message = outcomes.message_of(choose, answer, value=people[0].person.value, operator=call.operator)
        channels = {person.person.channel for person in people}
        self.lines["attempt"].append(
            f"{attempt}\t{call.invitation}\t{keys.batch}\t{number}\t{answer.state}\t{len(people)}"
            f"\t{answer.people_state}\t{started}\t{deadline}\t{finished}\t{took}\t{answer.status or _NULL}"
            f"\t{answer.code}\t{message}\t{request_id}\t{answer.excerpt(message, request_id)}\t{conference.pk}"
            f"\t{conference.app}\t{call.organizer or _NULL}\t{'both' if len(channels) > 1 else channels.pop()}"
            f"\t{call.day}\t{call.trace_id}\t{_BYTES}{choose.randbytes(16).hex()}\n"
        )
        sendings = self.lines["attemptinvitee"]
        for person in people:
            person.batch, person.state = keys.batch, answer.people_state
            person.last_attempt, person.changed_at = attempt, finished
            sendings.append(f"{attempt}\t{person.pk}\t{person.person.pk}\t{started}\n")

    def _write_invitation(self, call: _Call, moment: float) -> None:
        choose, conference = self.choose, call.conference
        repeats = conference.last_invitation if choose.random() < _REPEATING else None
        conference.last_invitation = call.invitation
        source = "web" if call.organizer else "command_line"
        self.lines["invitation"].append(
            f"{call.invitation}\t{conference.pk}\tfinished\t{source}\t{call.operator}\t{choose.randrange(1, 9)}"
            f"\t{repeats or _NULL}\t{_time(moment - 5 - 300 * choose.random())}\t{call.organizer or _NULL}"
            f"\t{_time(moment)}\t{call.day}\t{call.trace_id}\t{_time(call.now)}\tf\t\t0\t0\t0\t0\n"
        )

    def _write_people(self, call: _Call, people: list[_Invitee]) -> None:
        lines = self.lines["invitee"]
        for position, invitee in enumerate(people):
            person = invitee.person
            lines.append(
                f"{invitee.pk}\t{call.invitation}\t{position}\t{person.channel}\t{person.value}\t{person.nick}\tf\t1"
                f"\t{invitee.batch}\t{person.pk}\t{invitee.state}\t\t{invitee.changed_at}\t\tf\t{invitee.last_attempt}\n"
            )

    def _new_conference(self, moment: float, day: str) -> _Conference:
        choose, organizers = self.choose, self.world.organizers
        self.keys.conference += 1
        pk = self.keys.conference
        owner = choose.choices(organizers, cum_weights=self._owners)[0]
        app = choose.choices(self.world.apps, (72, 25, 3))[0]
        conference = _Conference(pk=pk, app=app, owner=owner)
        title = f"{choose.choice(_TITLES)} {choose.randrange(1000)}"
        status = "open" if self.world.until - moment < 3600 else "ended"
        created = _time(moment - 600)
        self.lines["conference"].append(
            f"{pk}\t{choose.getrandbits(96):024x}\t{title}\t{choose.randrange(10**8, 10**9)}\t\t{owner[1]}\t{status}"
            f"\t{created}\t{app}\t{owner[0]}\n"
        )
        self.lines["auditentry"].append(
            f"{self.world.conference_type}\t{pk}\t{pk}\t{title}\t0\t\t"
            f'{{"title": ["None", "{title}"], "status": ["None", "{status}"]}}\t{choose.getrandbits(128):032x}'
            f"\t10.0.{choose.randrange(256)}.{choose.randrange(256)}\t{created}\t{owner[0]}\t{day}"
            f"\t{_BYTES}{choose.randbytes(16).hex()}\n"
        )
        if choose.random() < 0.1 and (other := choose.choice(organizers)) != owner:
            conference.co_organizer = other
            self.lines["conference_co_organizers"].append(f"{pk}\t{other[0]}\n")
        return conference


# As COPY reads them.
_NULL = "\\N"
_BYTES = "\\\\x"


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(" ")
