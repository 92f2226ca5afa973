"""Which sources answer a question, and which of them is the best."""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from invites.finding import by_the_index
from invites.models import Attempt, Conference, Person
from invites.models.attempt import NOT_TAKEN, AttemptQuerySet, AttemptState
from invites.models.timeline import Position, Way
from invites.searching import conditions
from invites.searching.question import NARROWER, VISIBLE, Question
from invites.searching.sources import Along, AnyOf, Listed, Many, Sifted, Source, Window
from invites.spelling import FEWEST_ANYWHERE

# So many codes may begin alike, so many organizers be called alike, and a list that is looked up is so long at most.
_ALIKE, _LISTED = 20, 2000
# So many candidates show which source is the best.
_FIRST = 200
_TEXT_COSTS = _TRIED = 4
# What a row says of itself.
_PLAIN = {VISIBLE, "conference", "organizer", "app", "outcome", "code", "channel"}


class Driver(NamedTuple):
    """A source, and the filters that all of its candidates fit."""

    source: Source
    fits: frozenset[str]


def best(question: Question, start: Position | None, way: Way, *, size: int) -> tuple[Driver, Window]:
    """The driver whose first candidates reach furthest, for its are the fewest here; and these."""
    drivers = _drivers(question)
    if len(drivers) == 1:
        only = drivers[0]
        most = size if question.filters == only.fits else _FIRST
        return only, only.source.window(start, way, most=most)
    found = [(driver, driver.source.window(start, way, most=_FIRST)) for driver in drivers]
    return min(found, key=lambda each: _nearness(each[1], way))


def further(question: Question, driver: Driver, *, has_found: bool) -> Driver:
    """What to go on with where the first candidates of ``driver`` do not fill a page, or none of them fits."""
    # Of a message that comes again and again, the index would gather thousands for nothing.
    if "text" in question.filters and not has_found and (rare := _by_message(question)):
        return rare
    source, unsure = driver.source, question.filters - driver.fits
    if not isinstance(source, Along) or source.leading or not unsure or not unsure <= {*_PLAIN, "text"}:
        return driver
    if not isinstance(source.rows, AttemptQuerySet):
        return driver
    # The database says itself of each whether it fits, and need not be given the keys of thousands.
    weight = _TEXT_COSTS if "text" in unsure else 1
    sifted = Sifted(rows=source.rows, fitting=lambda rows: question.narrow(rows, unsure), weight=weight)
    return Driver(sifted, question.filters)


def _by_message(question: Question) -> Driver | None:
    """Every attempt with the text in its message, where these are few and the text long enough for an index."""
    text = question.criteria.text
    if len(text) < FEWEST_ANYWHERE or not conditions.may_search_messages(question.asked):
        return None
    with by_the_index():
        listed = _listed(question.attempts.with_message(text))
    return Driver(listed, frozenset({"text"})) if listed else None


def _drivers(question: Question) -> list[Driver]:
    drivers = list(_not_taken_of(question))
    # What fits all that one of these does cannot be further away.
    better = {"text"}.union(*(driver.fits for driver in drivers)) if drivers else set()
    for name in sorted(question.filters - better):
        source = _SOURCES[name](question)
        if source is not None:
            drivers.append(Driver(source, frozenset({name}) | _asked_with_text(question, name)))
    return drivers or [Driver(Along(rows=question.attempts), frozenset())]


def _not_taken_of(question: Question) -> Iterator[Driver]:
    """Of a conference, of an organizer, or of all that somebody may see, what was not taken."""
    for rows, fits in _not_taken(question):
        for whose in sorted(question.filters & _WHOSE.keys()):
            source = _WHOSE[whose](question, rows)
            if source is not None:
                yield Driver(source, fits | {whose})


def _not_taken(question: Question) -> Iterator[tuple[AttemptQuerySet, frozenset[str]]]:
    """The attempts that fit a filter which none fits that succeeded, and what they are known to fit."""
    criteria = question.criteria
    if criteria.code and criteria.whole_code:
        yield question.attempts.with_code(criteria.code), frozenset({"code"})
    elif criteria.outcome in NOT_TAKEN:
        yield question.attempts.with_state(criteria.outcome), frozenset({"outcome"})
    elif criteria.text and conditions.may_search_messages(question.asked):
        yield question.attempts.not_taken(), frozenset()


def _asked_with_text(question: Question, name: str) -> frozenset[str]:
    """What the source of ``name`` asks of each row besides: the one of texts does, which looks at one by one."""
    return question.filters & _PLAIN if name == "text" else frozenset()


def _nearness(window: Window, way: Way) -> tuple[int, float]:
    if window.end is None:
        return 0, len(window.positions)
    moment = window.end.started_at.timestamp()
    return 1, moment if way is Way.OLDER else -moment


def _listed(rows: AttemptQuerySet) -> Listed | None:
    found = list(rows.order_by().positions()[: _LISTED + 1])
    return Listed(positions=[Position(*row) for row in found]) if len(found) <= _LISTED else None


def _of_outcome(question: Question) -> Source | None:
    # Nearly all succeed: no index leads to those.
    state = question.criteria.outcome
    return None if state == AttemptState.SUCCEEDED else Along(rows=question.attempts.with_state(state))


def _of_message(question: Question) -> Source | None:
    if not conditions.may_search_messages(question.asked):
        return Listed(positions=[])
    return AnyOf(
        sources=[
            Sifted(
                rows=question.attempts.with_state(state),
                fitting=lambda rows: question.narrow(rows, question.filters & {"text", *_PLAIN}),
                weight=_TEXT_COSTS,
            )
            for state in NOT_TAKEN
        ]
    )


def _of_conference(question: Question, rows: AttemptQuerySet) -> Source | None:
    return Along(rows=rows.of_conference(question.criteria.conference))


def _of_organizer(question: Question, rows: AttemptQuerySet) -> Source | None:
    organizer = question.criteria.organizer
    # PostgreSQL does not see by itself that an index has those of nobody in order.
    return Along(rows=rows.of_organizer(organizer or None), leading="" if organizer else "organizer")


def _of_visible_conferences(question: Question, rows: AttemptQuerySet) -> Source | None:
    return _of_conferences(rows, question.widely_visible)


def _of_channel(question: Question) -> Source | None:
    channels = conditions.channels(question.criteria.channel)
    return AnyOf(sources=[Along(rows=question.attempts.by_channels([each])) for each in channels])


def _of_code(question: Question) -> Source | None:
    criteria = question.criteria
    if criteria.whole_code:
        return Along(rows=question.attempts.with_code(criteria.code))
    return _of_codes(question, criteria.code)


def _of_codes(question: Question, beginning: str) -> Source | None:
    folded = beginning.casefold()
    codes = [code for code in Attempt.objects.codes() if code.casefold().startswith(folded)]
    if len(codes) > _ALIKE:
        return None
    return AnyOf(sources=[Along(rows=question.attempts.with_code(code)) for code in codes])


def _of_visible(question: Question) -> Source | None:
    if question.filters & NARROWER:
        return None
    if question.visible is not None:
        return _of_conferences(question.attempts, question.visible)
    return Sifted(
        rows=question.attempts,
        fitting=lambda rows: question.narrow(rows, frozenset({VISIBLE})),
        # Beside another filter it is only tried.
        weight=1 if question.filters == {VISIBLE} else _TRIED,
    )


def _of_conferences(rows: AttemptQuerySet, keys: Collection[int] | None) -> Source | None:
    if keys is None:
        return None
    return Many(rows=rows, field="conference", owners=Conference.objects.all(), keys=keys)


def _of_people(question: Question, text: str) -> Source | None:
    keys = question.people(text)
    if keys is None:
        return None
    if len(keys) == 1:
        return Along(rows=question.sendings.of_any("person", keys))
    return Many(rows=question.sendings, field="person", owners=Person.objects.all(), keys=keys)


def _of_anything(question: Question) -> Source | None:
    text = question.criteria.anything
    organizers = list(conditions.organizers_called(text).values_list("pk", flat=True)[: _ALIKE + 1])
    if len(organizers) > _ALIKE:
        return None
    parts = [
        _of_people(question, text),
        _of_conferences(question.attempts, question.conferences),
        _of_codes(question, text),
        _listed(question.attempts.with_request(text)),
        *(Along(rows=question.attempts.of_organizer(key)) for key in organizers),
    ]
    sources = [part for part in parts if part is not None]
    return AnyOf(sources=sources) if len(sources) == len(parts) else None


_WHOSE: dict[str, Callable[[Question, AttemptQuerySet], Source | None]] = {
    VISIBLE: _of_visible_conferences,
    "conference": _of_conference,
    "organizer": _of_organizer,
}

_SOURCES: dict[str, Callable[[Question], Source | None]] = {
    VISIBLE: _of_visible,
    "conference": lambda question: _of_conference(question, question.attempts),
    "organizer": lambda question: _of_organizer(question, question.attempts),
    "app": lambda question: Along(rows=question.attempts.through(question.criteria.app)),
    "outcome": _of_outcome,
    "code": _of_code,
    "channel": _of_channel,
    "person": lambda question: _of_people(question, question.criteria.person),
    "text": _of_message,
    "request": lambda question: _listed(question.attempts.with_request(question.criteria.request)),
    "anything": _of_anything,
}
