"""The four ways to bring a conference in, in the browser."""

import threading
import time
import uuid
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites.dingtalk.sandbox import DEMO_ORGANIZER, SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.models import App, Conference, ConferenceCreation, User
from invites.models.conference import CreationState
from tests.conftest import SignedIn, htmx
from tests.factories import AppFactory, UserFactory

pytestmark = pytest.mark.django_db

HOST = DEMO_ORGANIZER.union_id
PLANNING = "5a9db0c000000000000000a1"
WAYS = ("conference_create", "conference_choose", "conference_find", "conference_register")
CREATE, CHOOSE, FIND, REGISTER = (f"/conferences/new/{way}" for way in ("", "running/", "number/", "id/"))


@pytest.fixture
def browser(signed_in: SignedIn, organizer: User, sandbox_app: App) -> Client:
    """The organizer's, with the sandbox as the only app."""
    return signed_in(organizer)


def typed(key: uuid.UUID | None = None, **changed: str) -> dict[str, str]:
    """A filled-in form for a new meeting."""
    fields = {"title": "Weekly review", "union_id": "operator-1", "invite_caller": "on"}
    return fields | {"key": str(key or uuid.uuid4())} | changed


def asked(sandbox: SandboxServer, operation: Operation) -> int:
    return sum(received.operation is operation for received in sandbox.received)


class TestWhoMayBringOneIn:
    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client) -> None:
        for way in WAYS:
            address = reverse(f"invites:{way}")
            assertRedirects(client.get(address), f"{reverse('login')}?next={address}")
            # A browser says on which page the form stood.
            posted = client.post(address, headers={"referer": f"http://testserver{address}"})
            assertRedirects(posted, f"{reverse('login')}?next={address}")

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User) -> None:
        for way in WAYS:
            assert signed_in(auditor).get(reverse(f"invites:{way}")).status_code == HTTPStatus.FORBIDDEN
            assert signed_in(auditor).post(reverse(f"invites:{way}")).status_code == HTTPStatus.FORBIDDEN

    def test_reading_any_of_the_pages_asks_dingtalk_nothing(
        self, browser: Client, sandbox: SandboxServer
    ) -> None:
        for way in WAYS:
            response = browser.get(reverse(f"invites:{way}"))
            assertContains(response, 'aria-current="page"')
            assertNotContains(response, 'name="app"')
        assert not sandbox.received

    def test_without_an_app_the_person_learns_who_helps(self, signed_in: SignedIn, organizer: User) -> None:
        response = signed_in(organizer).post(CREATE, typed())
        assertContains(
            response, "An administrator must do that first", status_code=HTTPStatus.UNPROCESSABLE_ENTITY
        )

    def test_app_is_asked_for_where_there_are_several(self, browser: Client) -> None:
        AppFactory()
        for way in WAYS:
            assertContains(browser.get(reverse(f"invites:{way}")), 'name="app"')


class TestConferenceCreate:
    def test_leads_to_the_new_conference(self, browser: Client, sandbox: SandboxServer) -> None:
        response = browser.post(CREATE, typed(), follow=True)
        conference = Conference.objects.get()
        assert response.redirect_chain[-1][0] == reverse("invites:conference_detail", args=[conference.pk])
        assertContains(response, "DingTalk is calling you into it.")

    def test_creator_who_does_not_want_to_be_called_is_not(
        self, browser: Client, sandbox: SandboxServer
    ) -> None:
        fields = typed()
        del fields["invite_caller"]
        assertNotContains(browser.post(CREATE, fields, follow=True), "calling you")
        body = sandbox.received[-1].body
        assert isinstance(body, dict)
        assert body["inviteCaller"] is False

    def test_union_id_is_asked_for_once(self, signed_in: SignedIn, sandbox_app: App) -> None:
        newcomer = UserFactory(union_id="")
        browser = signed_in(newcomer)
        assertNotContains(browser.get(CREATE), "<details")
        browser.post(CREATE, typed(union_id="new-1"))
        newcomer.refresh_from_db()
        assert newcomer.union_id == "new-1"
        assertContains(browser.get(CREATE), "<details")

    def test_wrong_form_asks_nothing_and_keeps_what_was_typed(
        self, browser: Client, sandbox: SandboxServer
    ) -> None:
        response = browser.post(CREATE, typed(title="", union_id="kept-1"))
        assertContains(response, "Enter a title.", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assertContains(response, "kept-1", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert not sandbox.received

    def test_empty_post_is_a_wrong_form(self, browser: Client) -> None:
        assert browser.post(CREATE, {}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY

    def test_refusal_shows_its_code_and_keeps_what_was_typed_under_a_fresh_key(
        self, browser: Client, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault("code:orgAccessForbidden", operation="create", message="the organisation may not")
        fields = typed()
        response = browser.post(CREATE, fields)
        for text in ("orgAccessForbidden", "the organisation may not", "Weekly review", "data-copy"):
            assertContains(response, text, status_code=HTTPStatus.CONFLICT)
        assertNotContains(response, fields["key"], status_code=HTTPStatus.CONFLICT)
        assertNotContains(response, "Look at my running meetings", status_code=HTTPStatus.CONFLICT)
        again = typed(key=response.context["form"]["key"].value())
        assert browser.post(CREATE, again).status_code == HTTPStatus.FOUND

    def test_unsure_outcome_leads_to_the_running_meetings(
        self, browser: Client, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault("html_502", operation="create", effect="after")
        response = browser.post(CREATE, typed())
        assertContains(response, "The meeting may have been created", status_code=HTTPStatus.CONFLICT)
        assertContains(response, CHOOSE, status_code=HTTPStatus.CONFLICT)

    def test_second_press_leads_to_the_same_conference(self, browser: Client, sandbox: SandboxServer) -> None:
        fields = typed()
        first, second = browser.post(CREATE, fields), browser.post(CREATE, fields)
        assert first["Location"] == second["Location"]
        assert asked(sandbox, Operation.CREATE) == 1

    def test_meeting_that_is_somebody_else_s_by_now_is_said_to_be_taken(
        self, browser: Client, sandbox: SandboxServer, other_organizer: User
    ) -> None:
        fields = typed()
        browser.post(CREATE, fields)
        Conference.objects.update(owner=other_organizer)
        waiting = reverse("invites:conference_creating", args=[fields["key"]])
        for response in (browser.post(CREATE, fields), browser.get(waiting)):
            assertContains(response, "already managed by other", status_code=HTTPStatus.CONFLICT)
        assert asked(sandbox, Operation.CREATE) == 1

    @pytest.mark.django_db(transaction=True)
    def test_press_while_the_first_one_waits_leads_to_a_page_that_goes_on_by_itself(
        self, browser: Client, organizer: User, signed_in: SignedIn, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault("latency", operation="create", seconds=1.5)
        fields = typed()
        locations: list[str] = []

        def press_first() -> None:
            locations.append(signed_in(organizer).post(CREATE, fields)["Location"])
            connection.close()

        first = threading.Thread(target=press_first)
        first.start()
        while not asked(sandbox, Operation.CREATE):
            time.sleep(0.02)
        waiting = reverse("invites:conference_creating", args=[fields["key"]])
        assert browser.post(CREATE, fields)["Location"] == waiting
        page = browser.get(waiting)
        assertContains(page, "is creating this meeting")
        assert page["Refresh"] == "1"
        first.join()
        assertRedirects(browser.get(waiting), locations[0])
        assert asked(sandbox, Operation.CREATE) == 1


class TestConferenceCreating:
    def creation(self, user: User, **facts: str) -> ConferenceCreation:
        return ConferenceCreation.objects.create(user=user, app=AppFactory(), title="Weekly", **facts)

    def address(self, creation: ConferenceCreation) -> str:
        return reverse("invites:conference_creating", args=[creation.key])

    def test_of_somebody_else_is_not_there(self, browser: Client, other_organizer: User) -> None:
        creation = self.creation(other_organizer)
        assert browser.get(self.address(creation)).status_code == HTTPStatus.NOT_FOUND

    def test_failure_says_why_and_stops_looking(self, browser: Client, organizer: User) -> None:
        creation = self.creation(organizer, state=CreationState.FAILED, error_code="waterLimitError")
        page = browser.get(self.address(creation))
        assertContains(page, "waterLimitError")
        assert "Refresh" not in page

    def test_press_whose_process_died_stops_looking(self, browser: Client, organizer: User) -> None:
        creation = self.creation(organizer)
        ConferenceCreation.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        page = browser.get(self.address(creation))
        assertContains(page, "may have been created")
        assert "Refresh" not in page


class TestConferenceChoose:
    def test_lists_ones_running_meetings_to_use(self, browser: Client, sandbox: SandboxServer) -> None:
        page = browser.post(CHOOSE, {"union_id": HOST})
        for text in ("Weekly planning", "900000101", "Use this meeting", f'value="{PLANNING}"'):
            assertContains(page, text)

    def test_fragment_has_the_form_and_the_meetings(self, browser: Client, sandbox: SandboxServer) -> None:
        headers = htmx("way")
        page = browser.post(CHOOSE, {"union_id": HOST}, headers=headers)
        assertContains(page, 'id="way"')
        assertContains(page, "2 meetings found.")
        assertNotContains(page, "<html")

    def test_meeting_that_is_registered_already_is_opened(
        self, browser: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        page = browser.post(CHOOSE, {"union_id": HOST})
        assertContains(page, reverse("invites:conference_detail", args=[conference.pk]))
        assertNotContains(page, f'value="{PLANNING}"')

    def test_somebody_in_no_meeting_is_told_so(self, browser: Client, sandbox: SandboxServer) -> None:
        assertContains(browser.post(CHOOSE, {"union_id": "idle-1"}), "You are in no running meeting")

    def test_refusal_keeps_the_union_id(self, browser: Client, sandbox: SandboxServer) -> None:
        page = browser.post(CHOOSE, {"union_id": "sandbox-unknown-7"})
        for text in ("unknownUserError", "sandbox-unknown-7"):
            assertContains(page, text, status_code=HTTPStatus.CONFLICT)

    def test_union_id_with_a_blank_asks_nothing(self, browser: Client, sandbox: SandboxServer) -> None:
        response = browser.post(CHOOSE, {"union_id": "a b"})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert not sandbox.received


class TestConferenceFind:
    def test_finds_a_meeting_however_its_number_is_written(
        self, browser: Client, sandbox: SandboxServer
    ) -> None:
        page = browser.post(FIND, {"room_code": "900-000 103"})
        for text in ("Customer call", "Alex Sample", "Use this meeting"):
            assertContains(page, text)

    def test_number_without_a_meeting_is_told_so(self, browser: Client, sandbox: SandboxServer) -> None:
        assertContains(browser.post(FIND, {"room_code": "1234567"}), "finds no meeting with this number")

    def test_letters_ask_nothing(self, browser: Client, sandbox: SandboxServer) -> None:
        response = browser.post(FIND, {"room_code": "12ab"})
        assertContains(response, "12ab", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert not sandbox.received

    def test_refusal_keeps_the_number(self, browser: Client, sandbox: SandboxServer) -> None:
        sandbox.add_fault("quota", operation="by_room_code")
        response = browser.post(FIND, {"room_code": "900000103"})
        assertContains(response, "900000103", status_code=HTTPStatus.CONFLICT)


class TestConferenceRegister:
    def test_leads_to_the_conference(self, browser: Client, sandbox: SandboxServer) -> None:
        response = browser.post(REGISTER, {"conference_id": PLANNING}, follow=True)
        assertContains(response, "The conference is registered.")
        assertContains(response, "Weekly planning")

    def test_title_can_be_given(self, browser: Client, sandbox: SandboxServer) -> None:
        browser.post(REGISTER, {"conference_id": PLANNING, "title": "Mine"})
        assert Conference.objects.get().title == "Mine"

    def test_app_of_several_is_the_chosen_one(
        self, browser: Client, sandbox: SandboxServer, sandbox_app: App
    ) -> None:
        AppFactory()
        browser.post(REGISTER, {"conference_id": PLANNING, "app": str(sandbox_app.pk)})
        assert Conference.objects.get().app == sandbox_app

    def test_second_registration_opens_the_first(self, browser: Client, conference: Conference) -> None:
        response = browser.post(REGISTER, {"conference_id": conference.conference_id})
        assertRedirects(response, reverse("invites:conference_detail", args=[conference.pk]))
        assert Conference.objects.count() == 1

    def test_conference_of_somebody_else_names_them_and_keeps_the_id(
        self, signed_in: SignedIn, conference: Conference, other_organizer: User
    ) -> None:
        response = signed_in(other_organizer).post(REGISTER, {"conference_id": conference.conference_id})
        for text in ("already managed by organizer", conference.conference_id):
            assertContains(response, text, status_code=HTTPStatus.CONFLICT)

    def test_silent_dingtalk_is_a_warning(self, browser: Client, sandbox: SandboxServer) -> None:
        sandbox.add_fault("code:permissions.error", operation="info")
        response = browser.post(REGISTER, {"conference_id": PLANNING}, follow=True)
        assertContains(response, "DingTalk told nothing about it")
        assertContains(response, "permissions.error")

    def test_unknown_conference_is_refused(self, browser: Client, sandbox: SandboxServer) -> None:
        response = browser.post(REGISTER, {"conference_id": "cafe01"})
        assertContains(response, "roomNotFound", status_code=HTTPStatus.CONFLICT)
        assert not Conference.objects.exists()

    @pytest.mark.parametrize("conference_id", ["a/b", "..", "q?x", "   "])
    def test_id_that_is_no_path_segment_asks_nothing(
        self, browser: Client, sandbox: SandboxServer, conference_id: str
    ) -> None:
        response = browser.post(REGISTER, {"conference_id": conference_id})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert not sandbox.received
