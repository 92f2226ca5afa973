"""What attempts must fulfil to fit a `Criteria`: each filter by itself, so that what an index answers is left out."""

from collections.abc import Callable
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from invites import permissions
from invites.models import AttemptInvitee, Conference, Person, User
from invites.models.attempt import AttemptQuerySet, Channels
from invites.models.attempt_invitee import AttemptInviteeQuerySet
from invites.models.conference import ConferenceQuerySet
from invites.models.person import PersonQuerySet
from invites.permissions import Viewer
from invites.searching.criteria import Criteria
from invites.spelling import FEWEST_ANYWHERE

# One or two characters are looked for in the titles of so many conferences, the newest.
_NEWEST = 1000


class Asked(NamedTuple):
    """What is looked for, and by whom."""

    criteria: Criteria
    user: Viewer


def attempts(criteria: Criteria, user: Viewer) -> AttemptQuerySet:
    """All attempts that fit and that ``user`` may read, in no order. It has no bound: for what reads all of them."""
    asked = Asked(criteria, user)
    found = permissions.attempts(user)
    for name in criteria.filters:
        found = CONDITIONS[name](found, asked)
    return found


def people(text: str, user: Viewer) -> PersonQuerySet:
    """The people whom ``text`` finds for ``user``."""
    return Person.objects.matching(text, by_phone_number=permissions.may_see_phone_numbers(user))


def channels(channel: str) -> list[str]:
    """What attempts with somebody who was reached by ``channel`` say of their channels."""
    return [channel, Channels.BOTH.value]


def conferences_called(text: str) -> ConferenceQuerySet:
    """The conferences that ``text`` finds. One or two characters, which no index holds, find the newest ones only."""
    if len(text) >= FEWEST_ANYWHERE:
        return Conference.objects.matching(text)
    newest = Conference.objects.order_by("-pk").values("pk")[:_NEWEST]
    return Conference.objects.filter(pk__in=newest).matching(text)


def organizers_called(text: str) -> QuerySet[User]:
    """The people who sign in here and whom ``text`` finds by one of their names."""
    names = Q(username__icontains=text) | Q(first_name__icontains=text) | Q(last_name__icontains=text)
    return User.objects.filter(names)


def may_search_messages(asked: Asked) -> bool:
    """Whether the text may be looked for. A message may repeat a number, which not everybody may find somebody by."""
    has_digits = any(map(str.isdecimal, asked.criteria.text))
    return not has_digits or permissions.may_see_phone_numbers(asked.user)


def message_of_each(rows: AttemptQuerySet, asked: Asked) -> AttemptQuerySet:
    """Those with the text in their message, of few attempts: the index would gather every such message there is."""
    if not may_search_messages(asked):
        return rows.none()
    read = rows.annotate(message=Concat("error_message", Value(""), output_field=TextField()))
    return read.filter(message__icontains=asked.criteria.text).not_taken()


def _with_code(rows: AttemptQuerySet, asked: Asked) -> AttemptQuerySet:
    code = asked.criteria.code
    return rows.with_code(code) if asked.criteria.whole_code else rows.with_code_beginning(code)


def _with_message(rows: AttemptQuerySet, asked: Asked) -> AttemptQuerySet:
    return rows.with_message(asked.criteria.text) if may_search_messages(asked) else rows.none()


def with_people(sendings: AttemptInviteeQuerySet, *, each: bool) -> Q:
    """That one of the people of some ``sendings`` is on an attempt.

    With ``each`` every attempt is asked for them, for few attempts; else their attempts are gathered.
    """
    if each:
        return Q(Exists(sendings.filter(attempt=OuterRef("pk"))))
    return Q(pk__in=sendings.values("attempt"))


def anything(text: str, sendings: AttemptInviteeQuerySet, *, each: bool) -> Q:
    """That ``text`` finds conference, organizer, code or request, or that an attempt has one of ``sendings``."""
    return (
        with_people(sendings, each=each)
        | Q(conference__in=conferences_called(text))
        | Q(organizer__in=organizers_called(text))
        | (Q(error_code__istartswith=text) & ~Q(error_code=""))
        | (Q(request_id=text) & ~Q(request_id=""))
        | (Q(trace_id=text) & ~Q(trace_id=""))
    )


def _with_people(rows: AttemptQuerySet, asked: Asked) -> AttemptQuerySet:
    found = people(asked.criteria.person, asked.user)
    return rows.filter(with_people(AttemptInvitee.objects.filter(person__in=found), each=False))


def _with_anything(rows: AttemptQuerySet, asked: Asked) -> AttemptQuerySet:
    found = people(asked.criteria.anything, asked.user)
    sendings = AttemptInvitee.objects.filter(person__in=found)
    return rows.filter(anything(asked.criteria.anything, sendings, each=False))


CONDITIONS: dict[str, Callable[[AttemptQuerySet, Asked], AttemptQuerySet]] = {
    "since": lambda rows, asked: rows.between(asked.criteria.since, None),
    "until": lambda rows, asked: rows.between(None, asked.criteria.until),
    "conference": lambda rows, asked: rows.of_conference(asked.criteria.conference),
    "organizer": lambda rows, asked: rows.of_organizer(asked.criteria.organizer or None),
    "app": lambda rows, asked: rows.through(asked.criteria.app),
    "outcome": lambda rows, asked: rows.with_state(asked.criteria.outcome),
    "code": _with_code,
    "channel": lambda rows, asked: rows.by_channels(channels(asked.criteria.channel)),
    "person": _with_people,
    "text": _with_message,
    "request": lambda rows, asked: rows.with_request(asked.criteria.request),
    "anything": _with_anything,
}
