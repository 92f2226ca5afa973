"""Pages of the history, held against a plain reading of all of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from invites import searching
from invites.models import Attempt, Conference, User
from invites.models.attempt import AttemptState, Channels
from invites.models.invitee import Channel
from invites.models.user import Role
from invites.searching import Criteria
from tests.factories import (
    AppFactory,
    AttemptFactory,
    BatchFactory,
    ConferenceFactory,
    InviteeFactory,
    SentInvitationFactory,
    UserFactory,
)

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
PEOPLE = {
    "张三": (Channel.UNION_ID, "union-zhang"),
    "Anna Berg": (Channel.UNION_ID, "union-anna"),
    "Anna Lund": (Channel.PHONE, "+8613812345678"),
    "Guest": (Channel.PHONE, "+442079460958"),
}
# What is typed, and whom it finds.
FINDS = {
    "anna": {"Anna Berg", "Anna Lund"},
    "zs": {"张三"},
    "张": {"张三"},
    "138 1234": {"Anna Lund"},
    "+44 (0)20 7946": {"Guest"},
    "union-a": {"Anna Berg"},
    "nobody": set(),
}
CODES = ["confClosed", "http_404", "http_502", "system.busy"]
MESSAGES = ["the conference is over", "gateway", "no 13812345678 here", "坏了"]


class History:
    """A small history with many attempts at the same moment, and a plain reading of it."""

    def __init__(self) -> None:
        self.random = Random(7)
        self.organizer, self.other = UserFactory.create_batch(2)
        self.auditor = UserFactory(role=Role.AUDITOR)
        self.trusted = UserFactory(role=Role.AUDITOR, may_see_phone_numbers=True)
        apps = AppFactory.create_batch(2)
        self.conferences: list[Conference] = [
            ConferenceFactory(app=apps[n % 2], owner=owner, title=f"Round {n}")
            for n, owner in enumerate([self.organizer, self.organizer, self.other, None])
        ]
        self.conferences[2].co_organizers.add(self.organizer)
        self.people: dict[int, set[str]] = {}
        for number in range(40):
            self.add(number)
        self.attempts = sorted(Attempt.objects.all(), key=lambda row: (row.started_at, row.pk), reverse=True)

    def add(self, number: int) -> None:
        pick = self.random
        conference = pick.choice(self.conferences)
        invitation = SentInvitationFactory(
            conference=conference, sent_by=pick.choice([conference.owner, None])
        )
        names = pick.sample(sorted(PEOPLE), pick.choice([1, 1, 2, 3]))
        invitees = [
            InviteeFactory(invitation=invitation, channel=PEOPLE[name][0], value=PEOPLE[name][1], nick=name)
            for name in names
        ]
        state = pick.choice(list(AttemptState))
        went_wrong = state in {AttemptState.FAILED, AttemptState.UNKNOWN}
        facts = {"finished_at": None} if state is AttemptState.STARTED else {}
        attempt = AttemptFactory(
            invitation=invitation,
            batch=BatchFactory(invitation=invitation),
            state=state,
            started_at=BEGIN + timedelta(minutes=pick.randrange(8)),
            error_code=pick.choice(CODES) if went_wrong else "",
            error_message=pick.choice([*MESSAGES, ""]) if went_wrong else "",
            request_id=f"REQ-{number % 12}",
            trace_id=pick.choice(["trace-1", ""]),
            sent_to=invitees,
            **facts,
        )
        self.people[attempt.pk] = set(names)

    def fitting(self, criteria: Criteria, user: User) -> list[int]:
        """The keys of what fits, newest first, as anybody would read it off a printed list."""
        return [attempt.pk for attempt in self.attempts if self._fits(attempt, criteria, user)]

    def _fits(self, row: Attempt, wanted: Criteria, user: User) -> bool:
        conference = next(each for each in self.conferences if each.pk == row.conference_id)
        sees_all = user.role == Role.AUDITOR
        return (
            (sees_all or user in {conference.owner, *conference.co_organizers.all()})
            and (not wanted.since or row.started_at >= wanted.since)
            and (not wanted.until or row.started_at < wanted.until)
            and wanted.conference in {None, row.conference_id}
            and wanted.organizer in {None, row.organizer_id or 0}
            and wanted.app in {None, row.app_id}
            and wanted.outcome in {"", row.state}
            and (row.error_code == wanted.code if wanted.whole_code and wanted.code else True)
            and (wanted.whole_code or (bool(row.error_code) and row.error_code.startswith(wanted.code)))
            and (not wanted.channel or row.channels in {wanted.channel, Channels.BOTH})
            and (not wanted.person or bool(self._found(wanted.person, user) & self.people[row.pk]))
            and (not wanted.text or self._in_message(wanted.text, row, user))
            and (not wanted.request or wanted.request in {row.request_id, row.trace_id})
            and (not wanted.anything or self._fits_anything(wanted.anything, row, conference, user))
        )

    @staticmethod
    def _found(text: str, user: User) -> set[str]:
        hidden = user.role == Role.AUDITOR and not user.may_see_phone_numbers
        return set() if hidden and any(map(str.isdecimal, text)) else FINDS.get(text, set())

    @staticmethod
    def _in_message(text: str, row: Attempt, user: User) -> bool:
        hidden = user.role == Role.AUDITOR and not user.may_see_phone_numbers
        return text in row.error_message and not (hidden and any(map(str.isdecimal, text)))

    def _fits_anything(self, text: str, row: Attempt, conference: Conference, user: User) -> bool:
        return (
            bool(self._found(text, user) & self.people[row.pk])
            or text in conference.title
            or text in {row.request_id, row.trace_id}
            or bool(row.error_code and row.error_code.startswith(text))
        )


@pytest.fixture
def history(db: None) -> History:
    return History()


@st.composite
def questions(draw: st.DrawFn) -> tuple[dict[str, object], str]:
    """Some filters, those that are keys as numbers of what the history has, and who asks."""
    moments = st.none() | st.integers(0, 8).map(lambda n: BEGIN + timedelta(minutes=n))
    chosen = {
        "since": moments,
        "until": moments,
        "conference": st.integers(0, 3),
        "organizer": st.integers(-1, 1),
        "app": st.integers(0, 1),
        "outcome": st.sampled_from(AttemptState.values),
        "code": st.sampled_from([*CODES, "http_", "nothing"]),
        "channel": st.sampled_from(Channel.values),
        "person": st.sampled_from(sorted(FINDS)),
        "text": st.sampled_from(["conference", "坏", "138", "e"]),
        "request": st.sampled_from(["REQ-3", "trace-1", "REQ-x"]),
        "anything": st.sampled_from(
            [*sorted(FINDS), "Round", "Round 1", "REQ-3", "trace-1", "http_", "conf"]
        ),
    }
    names = draw(st.lists(st.sampled_from(sorted(chosen)), max_size=3, unique=True))
    return {name: draw(chosen[name]) for name in names}, draw(
        st.sampled_from(["auditor", "trusted", "organizer", "other"])
    )


def made(history: History, filters: dict[str, object]) -> Criteria:
    """The filters with real keys."""
    facts = dict(filters)
    if "conference" in facts:
        facts["conference"] = history.conferences[int(str(facts["conference"]))].pk
    if "organizer" in facts:
        number = int(str(facts["organizer"]))
        facts["organizer"] = 0 if number < 0 else [history.organizer, history.other][number].pk
    if "app" in facts:
        facts["app"] = history.conferences[int(str(facts["app"]))].app_id
    return replace(Criteria(whole_code=facts.get("code") != "http_"), **facts)  # type: ignore[arg-type]


def walked_back(criteria: Criteria, user: User, *, size: int) -> list[int]:
    """The keys on all pages, from the newest to the oldest."""
    keys: list[int] = []
    before = None
    while True:
        page = searching.find(criteria, user, before=before, size=size)
        keys += [row.pk for row in page.rows]
        assert len(page.rows) <= size
        if page.older is None:
            return keys
        assert len(page.rows) == size or page.searched_until
        before = page.older


def walked_on(criteria: Criteria, user: User, *, size: int) -> list[int]:
    """The keys on all pages from the very beginning up to the one that leads to no newer one."""
    keys: list[int] = []
    after: int | None = 0
    while after is not None:
        page = searching.find(criteria, user, after=after, size=size)
        seen = set(keys)
        # The newest page is shown whole, with what the last page had already.
        keys = [row.pk for row in page.rows if row.pk not in seen] + keys
        after = page.newer
    return keys


@pytest.fixture(params=["roomy", "narrow"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With bounds as they are, and so narrow that a small history meets each of them."""
    if request.param == "narrow":
        for name, bound in {
            "pages._LOOKED_AT": 9,
            "drivers._FIRST": 3,
            "drivers._ALIKE": 1,
            "drivers._LISTED": 2,
            "question.MANY": 1,
            "question.SEEN": 1,
            "question.SEEN_WIDELY": 3,
            "sources._GATHERED": 2,
            "sources._SIFTED": 3,
        }.items():
            monkeypatch.setattr(f"invites.searching.{name}", bound)
    return str(request.param)


class TestPages:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(question=questions(), size=st.integers(2, 9))
    def test_walk_through_all_pages_meets_each_attempt_that_fits_once_and_in_order(
        self, question: tuple[dict[str, object], str], size: int, history: History, bounds: str
    ) -> None:
        user: User = getattr(history, question[1])
        criteria = made(history, question[0])
        expected = history.fitting(criteria, user)
        assert walked_back(criteria, user, size=size) == expected
        assert walked_on(criteria, user, size=size) == expected

    @pytest.mark.parametrize(
        "filters", [{"conference": 0}, {"request": "REQ-3"}], ids=["conference", "request"]
    )
    def test_what_somebody_may_see_is_not_looked_up_where_few_are_left(
        self, filters: dict[str, object], history: History, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        criteria = made(history, filters)
        # The candidates, who of them may be seen, the rows and the names in them.
        with django_assert_num_queries(4):
            page = searching.find(criteria, history.organizer)
        assert [row.pk for row in page.rows] == history.fitting(criteria, history.organizer)

    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(question=questions())
    def test_whole_of_what_fits_is_the_same(
        self, question: tuple[dict[str, object], str], history: History
    ) -> None:
        user: User = getattr(history, question[1])
        criteria = made(history, question[0])
        found = searching.attempts(criteria, user).values_list("pk", flat=True)
        assert sorted(found) == sorted(history.fitting(criteria, user))
