"""The history and the list of codes, as each role sees them."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites.explaining import explain
from invites.models import Attempt, Invitation, User
from invites.models.attempt import AttemptState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationSource, InvitationState
from invites.models.invitee import Channel, InviteeState
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AppFactory,
    AttemptFactory,
    BatchFactory,
    ConferenceFactory,
    InviteeFactory,
    SentInvitationFactory,
)

LIST = "/history/"
HTMX = htmx("attempts")


def shown(client: Client, query: str = "", **headers: str) -> list[int]:
    """The attempts in the list at an address, in their order."""
    response = client.get(f"{LIST}?{query}", headers=headers)
    assert response.status_code == 200
    return [attempt.pk for attempt in response.context["attempts"]]


def failed(**facts: object) -> Attempt:
    facts = {"state": AttemptState.FAILED, "error_code": "confClosed", "http_status": 400} | facts
    return AttemptFactory(**facts)


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    return SentInvitationFactory(conference__owner=organizer, conference__title="Planning of the harvest")


@pytest.fixture
def by_phone(invitation: Invitation) -> Attempt:
    """An attempt at somebody who is reached by phone."""
    person = InviteeFactory(
        invitation=invitation,
        channel=Channel.PHONE,
        value="+8613812345678",
        nick="Guest",
        state=InviteeState.INVITED,
    )
    return AttemptFactory(invitation=invitation, sent_to=[person])


class TestAttemptList:
    def test_newest_attempt_stands_first(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        first, second = AttemptFactory.create_batch(2, invitation=invitation)
        assert shown(signed_in(organizer)) == [second.pk, first.pk]

    def test_row_tells_who_when_whom_and_what_came_back(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        people = InviteeFactory.create_batch(5, invitation=invitation)
        failed(invitation=invitation, people=5, sent_to=people, duration_ms=1234)
        page = signed_in(organizer).get(LIST).content.decode()
        for text in ("Planning of the harvest", "organizer", people[0].nick, people[2].nick, "and 2 more"):
            assert text in page
        assert people[3].nick not in page
        assert "1.23 s" in page
        assert '/codes/#confClosed"' in page
        assert str(explain("confClosed").what) in page

    @pytest.mark.parametrize("field", ["person", "q"])
    def test_whoever_was_looked_for_is_named_before_others(
        self, field: str, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        people = InviteeFactory.create_batch(5, invitation=invitation)
        AttemptFactory(invitation=invitation, people=5, sent_to=people)
        (row,) = signed_in(organizer).get(LIST, {field: people[4].nick}).context["attempts"]
        assert [each.nick for each in row.first_people] == [people[each].nick for each in (4, 0, 1)]

    def test_command_line_stands_where_nobody_was_signed_in(
        self, administrator: User, signed_in: SignedIn
    ) -> None:
        AttemptFactory(invitation__sent_by=None, invitation__source=InvitationSource.COMMAND_LINE)
        assert "Command line" in signed_in(administrator).get(LIST).content.decode()

    def test_empty_history_says_what_belongs_there(self, organizer: User, signed_in: SignedIn) -> None:
        page = signed_in(organizer).get(LIST).content.decode()
        assert "Nobody has been invited yet" in page
        assert 'class="btn btn-primary" href="/conferences/"' in page

    def test_empty_history_leads_an_auditor_nowhere_else(self, auditor: User, signed_in: SignedIn) -> None:
        page = signed_in(auditor).get(LIST).content.decode()
        assert "Nobody has been invited yet" in page
        assert 'href="/conferences/"' not in page

    def test_filters_that_fit_nothing_offer_the_way_back(
        self, organizer: User, by_phone: Attempt, signed_in: SignedIn
    ) -> None:
        page = signed_in(organizer).get(f"{LIST}?q=nowhere").content.decode()
        assert "Nothing fits these filters" in page
        assert "Nobody has been invited yet" not in page

    @pytest.mark.parametrize("count", [1, 20])
    def test_number_of_queries_does_not_grow_with_rows(
        self,
        count: int,
        organizer: User,
        invitation: Invitation,
        signed_in: SignedIn,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        people = InviteeFactory.create_batch(4, invitation=invitation)
        for _row in range(count):
            AttemptFactory(invitation=invitation, people=4, sent_to=people)
        client = signed_in(organizer)
        # Session, user; whose conferences, own and shared, three questions to them, attempts, their people; saved
        # filters, days that were removed, and the banner's two.
        with django_assert_num_queries(12):
            client.get(LIST)

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, db: None) -> None:
        assert client.get(LIST)["Location"] == f"/sign-in/?next={LIST}"


class TestWhoSeesWhichAttempts:
    def test_organizer_sees_own_and_shared_conferences_alone(
        self, organizer: User, other_organizer: User, signed_in: SignedIn
    ) -> None:
        own = AttemptFactory(invitation__conference__owner=organizer)
        shared = AttemptFactory(invitation__conference__owner=other_organizer)
        shared.invitation.conference.co_organizers.add(organizer)
        foreign = AttemptFactory(invitation__conference__owner=other_organizer)
        client = signed_in(organizer)
        assert shown(client) == [shared.pk, own.pk]
        assert client.get(f"{LIST}{foreign.pk}/").status_code == 404

    @pytest.mark.parametrize("role", ["auditor", "administrator"])
    def test_auditor_and_administrator_see_all(
        self, role: str, request: pytest.FixtureRequest, signed_in: SignedIn
    ) -> None:
        client = signed_in(request.getfixturevalue(role))
        attempt = AttemptFactory(sent_to=[InviteeFactory()])
        assert shown(client) == [attempt.pk]
        assert client.get(f"{LIST}{attempt.pk}/").status_code == 200

    def test_organizer_cannot_filter_by_conference_of_others(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        foreign = AttemptFactory(invitation__conference__title="Foreign title")
        conference = foreign.invitation.conference_id
        response = signed_in(organizer).get(f"{LIST}?conference={conference}")
        assert response.status_code == 422
        assert "Foreign title" not in response.content.decode()


class TestFilters:
    def test_by_conference(self, auditor: User, signed_in: SignedIn) -> None:
        wanted, _other = AttemptFactory.create_batch(2)
        assert shown(signed_in(auditor), f"conference={wanted.invitation.conference_id}") == [wanted.pk]

    def test_conference_outside_the_offered_ones_stays_chosen(
        self, auditor: User, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.forms.attempt._OFFERED", 1)
        old, _new = AttemptFactory.create_batch(2)
        conference = old.invitation.conference
        page = signed_in(auditor).get(f"{LIST}?conference={conference.pk}&more=on").content.decode()
        assert f'<option value="{conference.pk}" selected>' in page

    def test_by_outcome(self, auditor: User, signed_in: SignedIn) -> None:
        AttemptFactory()
        wanted = failed()
        assert shown(signed_in(auditor), "outcome=failed") == [wanted.pk]

    def test_whole_code_means_that_code_alone(self, auditor: User, signed_in: SignedIn) -> None:
        wanted = failed(error_code="system.busy")
        failed(error_code="system.busyToo")
        assert shown(signed_in(auditor), "code=system.busy") == [wanted.pk]

    def test_beginning_of_a_code_finds_its_family(self, auditor: User, signed_in: SignedIn) -> None:
        wanted = [failed(error_code="http_404").pk, failed(error_code="http_502").pk]
        failed()
        assert shown(signed_in(auditor), "code=HTTP_") == wanted[::-1]

    def test_filters_narrow_together(self, auditor: User, signed_in: SignedIn) -> None:
        wanted = failed(error_code="paramsError", error_message="conference id")
        failed(error_code="paramsError", error_message="union id")
        assert shown(signed_in(auditor), "code=paramsError&text=conference+id") == [wanted.pk]

    @pytest.mark.parametrize(
        "query",
        [
            "outcome=nonsense",
            "conference=0",
            "conference=x",
            "before=x",
            f"before={2**70}",
            "q=%00",
            f"q={'x' * 101}",
        ],
    )
    def test_filter_that_cannot_be_is_said_at_its_field(
        self, query: str, auditor: User, signed_in: SignedIn
    ) -> None:
        AttemptFactory()
        response = signed_in(auditor).get(f"{LIST}?{query}")
        assert response.status_code == 422
        assert response.context["form"].errors
        assert not response.context["attempts"]

    def test_fragment_comes_alone_and_puts_the_filters_into_the_address(
        self, auditor: User, signed_in: SignedIn
    ) -> None:
        wanted = failed()
        response = signed_in(auditor).get(f"{LIST}?q=&conference=&outcome=failed&code=", headers=HTMX)
        page = response.content.decode()
        assert page.lstrip().startswith('<div id="attempts"')
        assert f'id="attempt-{wanted.pk}"' in page
        assert response["HX-Replace-Url"] == f"{LIST}?outcome=failed"

    def test_unknown_target_gets_the_whole_page(self, auditor: User, signed_in: SignedIn) -> None:
        response = signed_in(auditor).get(LIST, headers=htmx("content"))
        assert "<html" in response.content.decode()


class TestSearch:
    @pytest.mark.parametrize(
        "text",
        [
            "harvest",
            "HARVEST",
            "Zhang",
            "zhang-union",
            "organizer",
            "unknownUser",
            "zs",
            "union",
            "REQ-77",
            " Zhang ",
        ],
    )
    def test_text_is_found_wherever_it_may_stand(
        self, text: str, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        person = InviteeFactory(invitation=invitation, nick="Zhang San", value="zhang-union")
        wanted = failed(
            invitation=invitation,
            error_code="unknownUserError",
            error_message="no such user here",
            request_id="REQ-77",
            sent_to=[person],
        )
        failed(invitation__conference__owner=organizer, invitation__sent_by=None)
        assert shown(signed_in(organizer), f"q={text}") == [wanted.pk]

    @pytest.mark.parametrize("text", ["%25", "_", "%5C", "%27", "h%25t"])
    def test_wildcards_of_sql_are_ordinary_characters(
        self, text: str, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        AttemptFactory(invitation=invitation)
        assert shown(signed_in(organizer), f"q={text}") == []

    def test_wildcards_are_found_where_they_stand(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        person = InviteeFactory(invitation=invitation, nick="100%_sure")
        wanted = AttemptFactory(invitation=invitation, sent_to=[person])
        AttemptFactory(invitation=invitation)
        assert shown(signed_in(organizer), "q=100%25_s") == [wanted.pk]

    def test_attempt_with_many_fitting_people_stands_once(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        people = InviteeFactory.create_batch(3, invitation=invitation)
        wanted = AttemptFactory(invitation=invitation, people=3, sent_to=people)
        assert shown(signed_in(organizer), "q=Name+of+person") == [wanted.pk]


class TestSearchByPhoneNumber:
    @pytest.mark.parametrize(
        "typed",
        ["13812345678", "138 1234 5678", "138-1234-5678", "%2B86 138 1234 5678", "0086 13812345678", "5678"],
    )
    def test_number_is_found_as_people_write_it(
        self, typed: str, organizer: User, by_phone: Attempt, signed_in: SignedIn
    ) -> None:
        assert shown(signed_in(organizer), f"q={typed}") == [by_phone.pk]

    @pytest.mark.parametrize("typed", ["020 7946 0958", "%2B44 (0)20 7946 0958", "(020) 79460958"])
    def test_trunk_prefix_of_a_country_does_not_matter(
        self, typed: str, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        person = InviteeFactory(
            invitation=invitation, channel=Channel.PHONE, value="+442079460958", nick="Desk"
        )
        wanted = AttemptFactory(invitation=invitation, sent_to=[person])
        assert shown(signed_in(organizer), f"q={typed}") == [wanted.pk]

    @pytest.mark.parametrize("typed", ["13812345678", "5678", "%2B86138", "138", "138 1234 5678"])
    def test_auditor_who_may_not_see_numbers_cannot_find_by_them(
        self, typed: str, auditor: User, by_phone: Attempt, signed_in: SignedIn
    ) -> None:
        assert shown(signed_in(auditor), f"q={typed}") == []

    def test_auditor_cannot_find_by_digits_in_a_message(
        self, auditor: User, by_phone: Attempt, signed_in: SignedIn
    ) -> None:
        failed(invitation=by_phone.invitation, error_message="error:13812345678")
        client = signed_in(auditor)
        assert shown(client, "text=error:138") == []
        assert shown(client, "text=138") == []
        assert shown(client, "text=error") != []

    def test_auditor_who_may_see_numbers_finds_by_them(
        self, auditor: User, by_phone: Attempt, signed_in: SignedIn
    ) -> None:
        auditor.may_see_phone_numbers = True
        auditor.save()
        assert shown(signed_in(auditor), "q=138 1234 5678") == [by_phone.pk]

    def test_auditor_still_finds_by_name_and_by_numeric_union_id(
        self, auditor: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        person = InviteeFactory(invitation=invitation, value="013812345", nick="Li Si")
        wanted = AttemptFactory(invitation=invitation, sent_to=[person])
        client = signed_in(auditor)
        assert shown(client, "q=Li Si") == [wanted.pk]
        assert shown(client, "q=013812345") == [wanted.pk]


class TestPages:
    @pytest.fixture
    def attempts(self, invitation: Invitation) -> list[int]:
        """130 attempts, newest first."""
        now = timezone.now()
        batches = [BatchFactory(invitation=invitation) for _row in range(130)]
        made = Attempt.objects.bulk_create(
            AttemptFactory.build(invitation=invitation, batch=batch, started_at=now) for batch in batches
        )
        return sorted((attempt.pk for attempt in made), reverse=True)

    def test_pages_lead_to_older_and_back(
        self, attempts: list[int], organizer: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        assert shown(client) == attempts[:50]
        first = client.get(LIST).context
        assert first["newer"] is None
        second = client.get(first["older"]).context
        assert [attempt.pk for attempt in second["attempts"]] == attempts[50:100]
        third = client.get(second["older"]).context
        assert [attempt.pk for attempt in third["attempts"]] == attempts[100:]
        assert third["older"] is None
        back = client.get(third["newer"]).context
        assert [attempt.pk for attempt in back["attempts"]] == attempts[50:100]
        start = client.get(back["newer"]).context
        assert [attempt.pk for attempt in start["attempts"]] == attempts[:50]

    def test_rows_that_arrive_move_nothing_on_an_older_page(
        self, attempts: list[int], organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        older = client.get(LIST).context["older"]
        AttemptFactory.create_batch(3, invitation=invitation, number=2)
        assert [attempt.pk for attempt in client.get(older).context["attempts"]] == attempts[50:100]

    def test_links_keep_the_filters(self, attempts: list[int], organizer: User, signed_in: SignedIn) -> None:
        context = signed_in(organizer).get(f"{LIST}?q=harvest&outcome=succeeded&code=").context
        assert context["older"] == f"{LIST}?q=harvest&outcome=succeeded&before={attempts[49]}"

    def test_older_page_costs_the_same_number_of_queries(
        self,
        attempts: list[int],
        organizer: User,
        signed_in: SignedIn,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client = signed_in(organizer)
        # As the first page, and where to go on; days that were removed are told on the last page only.
        with django_assert_num_queries(12):
            client.get(f"{LIST}?before={attempts[49]}")


class TestUnderWay:
    def test_list_asks_again_only_while_something_is_under_way(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        attempt = started(invitation)
        assert 'hx-trigger="every 2s"' in client.get(LIST).content.decode()
        finish(attempt)
        assert 'hx-trigger="every 2s"' not in client.get(LIST).content.decode()

    def test_page_of_attempt_asks_again_only_while_it_is_under_way(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        attempt = started(invitation)
        page = client.get(f"{LIST}{attempt.pk}/").content.decode()
        assert 'hx-trigger="every 2s"' in page
        assert "Nothing yet." in page
        finish(attempt)
        fragment = client.get(f"{LIST}{attempt.pk}/", headers=htmx("attempt")).content.decode()
        assert fragment.lstrip().startswith('<div id="attempt"')
        assert "every 2s" not in fragment


def started(invitation: Invitation) -> Attempt:
    person = InviteeFactory(invitation=invitation, state=InviteeState.SENDING)
    return AttemptFactory(
        invitation=invitation,
        state=AttemptState.STARTED,
        finished_at=None,
        duration_ms=None,
        http_status=None,
        sent_to=[person],
    )


def finish(attempt: Attempt) -> None:
    Attempt.objects.finish(
        attempt.pk,
        state=AttemptState.SUCCEEDED,
        people_state=InviteeState.INVITED,
        finished_at=timezone.now(),
        duration_ms=9,
    )


class TestAttemptDetail:
    def test_body_is_what_went_over_the_wire(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        invitation = SentInvitationFactory(
            conference=invitation.conference, operator_union_id="op-1", sent_by=organizer
        )
        people = [
            InviteeFactory(invitation=invitation, position=1, value="u1", nick="张三"),
            InviteeFactory(
                invitation=invitation, position=2, channel=Channel.PHONE, value="+8613812345678", nick="Guest"
            ),
        ]
        attempt = AttemptFactory(invitation=invitation, people=2, sent_to=people[::-1])
        told = signed_in(organizer).get(f"{LIST}{attempt.pk}/").context["told"]
        conference_id = invitation.conference.conference_id
        assert told.method == "POST"
        assert told.path == f"/v1.0/conference/videoConferences/{conference_id}/users/invite"
        assert json.loads(told.body) == {
            "inviteeList": [{"unionId": "u1", "nick": "张三"}],
            "phoneInviteeList": [{"phoneNumber": "13812345678", "nick": "Guest"}],
            "unionId": "op-1",
        }
        assert "张三" in told.body

    def test_answer_stands_with_status_code_message_and_request_id(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        attempt = failed(
            invitation=invitation,
            error_message="the meeting <has> ended",
            request_id="REQ-78",
            response_excerpt='{"code": "confClosed"}',
            sent_to=[InviteeFactory(invitation=invitation, state=InviteeState.FAILED)],
        )
        page = signed_in(organizer).get(f"{LIST}{attempt.pk}/").content.decode()
        for text in (
            "400",
            "confClosed",
            "the meeting &lt;has&gt; ended",
            "REQ-78",
            "0.12 s",
            'data-copy="REQ-78"',
        ):
            assert text in page
        assert "{&quot;code&quot;: &quot;confClosed&quot;}" in page
        assert str(explain("confClosed").action) in page

    def test_time_line_names_every_try_of_the_batch_and_of_its_halves(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        people = InviteeFactory.create_batch(2, invitation=invitation, state=InviteeState.FAILED)
        whole = failed(invitation=invitation, error_code="unknownUserError", people=2, sent_to=people)
        halves = [
            AttemptFactory(
                invitation=invitation,
                batch__half_of=whole.batch,
                started_at=timezone.now() + timedelta(seconds=1),
                sent_to=[person],
            )
            for person in people
        ]
        other = AttemptFactory(invitation=invitation, sent_to=people)
        client = signed_in(organizer)
        steps = client.get(f"{LIST}{whole.pk}/").context["time_line"].steps
        tries = [step.attempt.pk for step in steps if step.attempt]
        assert tries == [whole.pk, halves[0].pk, halves[1].pk]
        page = client.get(f"{LIST}{halves[0].pk}/").content.decode()
        assert f'href="/history/{whole.pk}/"' in page
        assert f'href="/history/{other.pk}/"' not in page
        assert f'href="/invitations/{invitation.pk}/"' in page

    def test_people_who_wait_for_a_repetition_are_told_so(
        self, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        person = InviteeFactory(invitation=invitation, state=InviteeState.PENDING)
        attempt = failed(invitation=invitation, error_code="system.busy", sent_to=[person])
        page = signed_in(organizer).get(f"{LIST}{attempt.pk}/").content.decode()
        assert "Nobody: it goes on by itself" in page

    @pytest.mark.parametrize("count", [1, 20])
    def test_number_of_queries_does_not_grow_with_people(
        self,
        count: int,
        organizer: User,
        invitation: Invitation,
        signed_in: SignedIn,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        people = InviteeFactory.create_batch(count, invitation=invitation)
        attempt = AttemptFactory(invitation=invitation, people=count, sent_to=people)
        client = signed_in(organizer)
        # Session, user, the attempt, its people; of the time line changes of the list, repetitions and tries; and the
        # banner's two.
        with django_assert_num_queries(9):
            client.get(f"{LIST}{attempt.pk}/")

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, by_phone: Attempt) -> None:
        assert client.get(f"{LIST}{by_phone.pk}/").status_code == 302

    def test_nothing_can_be_posted(self, organizer: User, by_phone: Attempt, signed_in: SignedIn) -> None:
        assert signed_in(organizer).post(f"{LIST}{by_phone.pk}/").status_code == 405


class TestInvitingAgain:
    @pytest.mark.parametrize(
        ("state", "again"),
        [
            (InviteeState.FAILED, "failed"),
            (InviteeState.SKIPPED, "failed"),
            (InviteeState.UNKNOWN, "unknown"),
            (InviteeState.INVITED, ""),
        ],
    )
    def test_it_is_offered_for_people_who_were_not_reached(
        self, state: InviteeState, again: str, organizer: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        attempt = failed(invitation=invitation, sent_to=[InviteeFactory(invitation=invitation, state=state)])
        response = signed_in(organizer).get(f"{LIST}{attempt.pk}/")
        assert response.context["again"] == again
        posts = f'action="/invitations/{invitation.pk}/again/"' in response.content.decode()
        assert posts == (again == "failed")

    def test_it_is_not_offered_to_an_auditor(
        self, auditor: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        person = InviteeFactory(invitation=invitation, state=InviteeState.FAILED)
        attempt = failed(invitation=invitation, sent_to=[person])
        assert signed_in(auditor).get(f"{LIST}{attempt.pk}/").context["again"] == ""

    @pytest.mark.parametrize("obstacle", ["ended", "under way"])
    def test_it_is_not_offered_when_it_makes_no_sense(
        self, obstacle: str, organizer: User, signed_in: SignedIn
    ) -> None:
        conference = ConferenceFactory(owner=organizer)
        sent = SentInvitationFactory(conference=conference)
        if obstacle == "ended":
            conference.status = ConferenceStatus.ENDED
            conference.save()
        else:
            sent.state, sent.finished_at = InvitationState.SENDING, None
            sent.save()
        person = InviteeFactory(invitation=sent, state=InviteeState.FAILED)
        attempt = failed(invitation=sent, sent_to=[person])
        assert signed_in(organizer).get(f"{LIST}{attempt.pk}/").context["again"] == ""


class TestMaskedNumbers:
    @pytest.fixture
    def echoed(self, invitation: Invitation) -> Attempt:
        """An attempt whose answer repeats the number that was sent."""
        person = InviteeFactory(
            invitation=invitation, channel=Channel.PHONE, value="+8613812345678", nick="Guest"
        )
        return failed(
            invitation=invitation,
            error_message="error:13812345678",
            response_excerpt='{"phone": "+86 13812345678", "also": "8613812345678"}',
            sent_to=[person],
        )

    def test_auditor_sees_the_number_nowhere(
        self, auditor: User, echoed: Attempt, signed_in: SignedIn
    ) -> None:
        page = signed_in(auditor).get(f"{LIST}{echoed.pk}/").content.decode()
        assert "13812345678" not in page
        assert "138 1234 5678" not in page
        assert "•••5678" in page

    def test_organizer_sees_the_number(self, organizer: User, echoed: Attempt, signed_in: SignedIn) -> None:
        assert "13812345678" in signed_in(organizer).get(f"{LIST}{echoed.pk}/").content.decode()

    def test_number_of_another_country_is_masked_too(
        self, auditor: User, invitation: Invitation, signed_in: SignedIn
    ) -> None:
        sent = SentInvitationFactory(conference__app=AppFactory(default_country="CN"))
        person = InviteeFactory(invitation=sent, channel=Channel.PHONE, value="+442079460958", nick="Desk")
        attempt = AttemptFactory(invitation=sent, sent_to=[person])
        page = signed_in(auditor).get(f"{LIST}{attempt.pk}/").content.decode()
        assert "2079460958" not in page
        assert "statusCode" in page
