"""Every address of the history, and who gets in: one table that has to name each of them."""

from http import HTTPStatus

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from invites import urls
from invites.models import Attempt, AuditEntry, HistoryExport, SavedFilter, User
from invites.models.history_export import ExportFormat
from invites.models.invitee import Channel, InviteeState
from tests.conftest import SignedIn
from tests.factories import (
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    SentInvitationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

EVERYBODY = {
    "stranger",
    "former co-organizer",
    "owner",
    "co-organizer",
    "auditor",
    "auditor with numbers",
    "administrator",
}
"""All who are signed in. Beside them somebody comes who is not."""
WHO_READ_ALL = {"auditor", "auditor with numbers", "administrator"}
WHO_READ_IT = {"owner", "co-organizer"} | WHO_READ_ALL
PAGES = {
    "attempt_list": EVERYBODY,
    "attempt_tally": EVERYBODY,
    "attempt_detail": WHO_READ_IT,
    "person_detail": WHO_READ_IT,
    "conference_history": WHO_READ_IT,
    "organizer_history": WHO_READ_IT,
    "entry_list": WHO_READ_ALL,
    "entry_detail": WHO_READ_ALL,
    "entry_export": WHO_READ_ALL,
    "seal_list": WHO_READ_ALL,
    # What the owner has kept, and the file that they have ordered.
    "saved_filter_create": EVERYBODY,
    "saved_filter_delete": {"owner"},
    "history_export_list": EVERYBODY,
    "history_export_detail": {"owner"} | WHO_READ_ALL,
    "history_export_file": {"owner"},
}
# Those that take something in.
FORMS = {"saved_filter_create", "saved_filter_delete", "history_export_list", "entry_export"}
NUMBER = "13812345678"


@pytest.fixture
def attempt(organizer: User) -> Attempt:
    """A call that the organizer ordered, of somebody with a number."""
    sent = SentInvitationFactory(conference=ConferenceFactory(owner=organizer))
    person = InviteeFactory(
        invitation=sent,
        channel=Channel.PHONE,
        value=f"+86{NUMBER}",
        nick="Guest",
        state=InviteeState.INVITED,
    )
    made: Attempt = AttemptFactory(invitation=sent, sent_to=[person])
    SavedFilter.objects.create(user=organizer, name="Failed", query="outcome=failed")
    HistoryExport.objects.create(user=organizer, file_format=ExportFormat.CSV, time_zone="UTC")
    return made


@pytest.fixture
def visitors(
    attempt: Attempt, signed_in: SignedIn, organizer: User, auditor: User, administrator: User
) -> dict[str, Client]:
    """Everybody who might come."""
    people: dict[str, User] = {
        "stranger": UserFactory(),
        "former co-organizer": UserFactory(),
        "owner": organizer,
        "co-organizer": UserFactory(),
        "auditor": auditor,
        "auditor with numbers": UserFactory(role=auditor.role, may_see_phone_numbers=True),
        "administrator": administrator,
    }
    attempt.conference.co_organizers.add(people["co-organizer"], people["former co-organizer"])
    attempt.conference.co_organizers.remove(people["former co-organizer"])
    return {"anonymous": Client()} | {name: signed_in(user) for name, user in people.items()}


def address(page: str, attempt: Attempt) -> str:
    """The address of ``page`` for what ``attempt`` has of its noun."""
    entry = AuditEntry.objects.first()
    assert entry is not None
    keys = {
        "attempt_detail": attempt.pk,
        "person_detail": attempt.people_sent.get().person_id,
        "conference_history": attempt.conference_id,
        "organizer_history": attempt.organizer_id,
        "entry_detail": entry.pk,
        "saved_filter_delete": SavedFilter.objects.get().pk,
        "history_export_detail": HistoryExport.objects.get().pk,
        "history_export_file": HistoryExport.objects.get().pk,
    }
    return reverse(f"invites:{page}", args=[keys[page]] if page in keys else [])


def visit(client: Client, page: str, attempt: Attempt) -> HttpResponse:
    """What ``page`` answers; nothing that it does lasts."""
    with transaction.atomic():
        answer: HttpResponse = client.get(address(page, attempt))  # type: ignore[assignment]
        transaction.set_rollback(True)
    return answer


class TestRights:
    def test_table_names_every_address(self) -> None:
        there = {each.name for each in urls.urlpatterns if str(each.pattern).startswith("history/")}
        assert there == set(PAGES)

    @pytest.mark.parametrize("visitor", ["anonymous", *sorted(EVERYBODY)])
    def test_everybody_gets_where_they_may_and_nowhere_else(
        self, attempt: Attempt, visitors: dict[str, Client], visitor: str
    ) -> None:
        wrong = []
        for page, may in PAGES.items():
            answer = visit(visitors[visitor], page, attempt)
            if visitor == "anonymous":
                is_right = answer.status_code == HTTPStatus.FOUND and answer["Location"].startswith(
                    reverse("login")
                )
            else:
                gets_in = answer.status_code not in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
                is_right = gets_in is (visitor in may)
            if not is_right:
                wrong.append((page, answer.status_code))
        assert wrong == []

    @pytest.mark.parametrize("visitor", ["stranger", "former co-organizer"])
    def test_list_shows_nothing_to_whoever_may_see_nothing(
        self, attempt: Attempt, visitors: dict[str, Client], visitor: str
    ) -> None:
        page = visitors[visitor].get(reverse("invites:attempt_list")).content.decode()
        assert f'href="/history/{attempt.pk}/"' not in page
        assert "Guest" not in page

    def test_number_stands_on_no_page_of_whoever_may_not_see_it(
        self, attempt: Attempt, visitors: dict[str, Client]
    ) -> None:
        seen = []
        for page in sorted(set(PAGES) - {"history_export_file"}):
            text = visit(visitors["auditor"], page, attempt).content.decode().replace(" ", "")
            if NUMBER in text:
                seen.append(page)
        assert seen == []
        told = visit(visitors["auditor with numbers"], "person_detail", attempt).content.decode()
        assert NUMBER in told.replace(" ", "")

    def test_what_is_only_read_takes_nothing_in(self, attempt: Attempt, visitors: dict[str, Client]) -> None:
        for page in sorted(set(PAGES) - FORMS):
            answer = visitors["administrator"].post(address(page, attempt))
            assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED, page

    def test_what_is_not_there_is_not_found(self, visitors: dict[str, Client]) -> None:
        with_key = [each for each in urls.urlpatterns if str(each.pattern).startswith("history/")]
        for page in (each.name for each in with_key if "<int:pk>" in str(each.pattern)):
            missing = reverse(f"invites:{page}", args=[10**12])
            assert visitors["administrator"].get(missing).status_code == HTTPStatus.NOT_FOUND, page
