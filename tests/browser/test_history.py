"""The history, the codes, one's account and the administration in a real browser."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from invites.models import Attempt, Invitation, User
from invites.models.app import AppKind
from invites.models.attempt import AttemptState
from invites.models.batch import BatchState
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.browser.test_invitation import wait_until
from tests.factories import AppFactory, AttemptFactory, InviteeFactory, SentInvitationFactory

LONG_CODE = "Forbidden.AccessDenied.AccessTokenPermissionDenied"


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    return SentInvitationFactory(
        conference__owner=organizer, conference__title="产品周会 · " + "long title " * 3
    )


@pytest.fixture
def failed(invitation: Invitation) -> Attempt:
    people = [
        InviteeFactory(
            invitation=invitation,
            position=position,
            channel=Channel.PHONE if position == 2 else Channel.UNION_ID,
            value="+8613812345678" if position == 2 else f"union{position}" * 6,
            nick=nick,
            state=InviteeState.FAILED,
        )
        for position, nick in enumerate(["张三", "مثال تجريبي", "Guest", "Maria-Theresia " * 4, "Bob"])
    ]
    return AttemptFactory(
        invitation=invitation,
        people=5,
        state=AttemptState.FAILED,
        error_code=LONG_CODE,
        error_message="error: " + "x" * 120,
        request_id="9A7B6C5D-1234-5678-ABCD-000000000001",
        response_excerpt="y" * 400,
        http_status=403,
        sent_to=people,
    )


class TestHistory:
    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_every_page_of_it_fits(
        self, page: Page, sign_in: SignIn, organizer: User, failed: Attempt, screenshot: Screenshot
    ) -> None:
        sign_in(organizer)
        for name, url in (
            ("history", "/history/"),
            ("attempt", f"/history/{failed.pk}/"),
            ("codes", "/codes/"),
            ("settings", "/settings/"),
        ):
            page.goto(url)
            assert sideways(page) == 0
            screenshot(name)

    @pytest.mark.parametrize("look", [Look(), Look(language="zh-CN")], ids=str)
    def test_list_fits_between_phone_and_desktop(
        self, page: Page, sign_in: SignIn, organizer: User, failed: Attempt
    ) -> None:
        sign_in(organizer)
        page.goto("/history/")
        for width in (768, 800, 992, 1024, 1100):
            page.set_viewport_size({"width": width, "height": 800})
            assert sideways(page) == 0, f"sideways at {width} pixels"

    @pytest.mark.parametrize("look", [Look(), Look(size="phone", language="zh-CN")], ids=str)
    def test_nothing_jumps_when_the_counts_come(
        self, page: Page, sign_in: SignIn, organizer: User, failed: Attempt
    ) -> None:
        for code in (
            "systemError",
            "readTimeout",
            "confClosed",
            "unknownUserError",
            "paramsError",
            "noPermission",
        ):
            AttemptFactory(invitation=failed.invitation, state=AttemptState.FAILED, error_code=code)
        counts: list[Route] = []

        def hold(route: Route) -> None:
            counts.append(route)

        page.route("**/history/counts/**", hold)
        sign_in(organizer)
        page.goto("/history/")
        row = page.locator("#attempts tbody tr").first
        wait_until(page, lambda: len(counts) > 0)
        expect(page.locator("#tally.htmx-request")).to_be_visible()
        before = row.bounding_box()
        counts[0].continue_()
        expect(page.locator("#tally strong")).to_be_visible()
        assert row.bounding_box() == before
        assert sideways(page) == 0

    def test_older_invitations_of_a_conference_are_read_from_their_top(
        self, page: Page, sign_in: SignIn, organizer: User, invitation: Invitation
    ) -> None:
        SentInvitationFactory.create_batch(10, conference=invitation.conference)
        sign_in(organizer)
        page.goto(f"/history/conferences/{invitation.conference_id}/")
        page.locator("#invitations a[rel=next]").press("Enter")
        expect(page.locator("#invitations .list-group-item")).to_have_count(1)
        expect(page.locator("#invitations-heading")).to_be_focused()

    def test_list_follows_what_is_typed_and_the_address_with_it(
        self, page: Page, sign_in: SignIn, organizer: User, failed: Attempt
    ) -> None:
        AttemptFactory(invitation=failed.invitation)
        sign_in(organizer)
        page.goto("/history/")
        rows = page.locator("#attempts tbody tr")
        expect(rows).to_have_count(2)
        page.keyboard.press("/")
        page.keyboard.type("张三")
        expect(rows).to_have_count(1)
        expect(page.locator("#filter_q")).to_be_focused()
        page.select_option("#filter_outcome", "succeeded")
        expect(page.locator("#attempts tbody tr")).to_have_count(0)
        expect(page).to_have_url(re.compile(r"/history/\?q=%E5%BC%A0%E4%B8%89&outcome=succeeded$"))

    def test_folded_filters_come_when_they_are_unfolded_and_keep_what_is_set(
        self, page: Page, sign_in: SignIn, organizer: User, failed: Attempt
    ) -> None:
        AttemptFactory(invitation=failed.invitation)
        sign_in(organizer)
        page.goto(f"/history/?code={failed.error_code}")
        page.select_option("#filter_outcome", "failed")
        expect(page).to_have_url(re.compile(r"outcome=failed&code="))
        expect(page.locator("#filter_code")).to_have_count(0)
        page.locator(".history-filter summary").click()
        expect(page.locator("#filter_code")).to_have_value(failed.error_code)
        settled(page)
        page.fill("#filter_code", "")
        page.locator("#filter_request").focus()
        expect(page).to_have_url(re.compile(r"/history/\?outcome=failed$"))

    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_filters_work_without_scripts(
        self, page: Page, sign_in: SignIn, organizer: User, failed: Attempt
    ) -> None:
        AttemptFactory(invitation=failed.invitation)
        sign_in(organizer)
        page.goto("/history/")
        page.select_option("#filter_outcome", "failed")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("#attempts tbody tr")).to_have_count(1)

    def test_row_leads_to_the_attempt_and_its_code_to_the_explanation(
        self, page: Page, sign_in: SignIn, organizer: User, failed: Attempt
    ) -> None:
        sign_in(organizer)
        page.goto("/history/")
        page.locator("#attempts tbody").get_by_role("link", name=LONG_CODE).click()
        expect(page.locator(":target")).to_be_in_viewport()
        page.go_back()
        # The link covers its whole row, so a press beside its words counts as well.
        page.locator("#attempts tbody tr .history-people").click(force=True, position={"x": 2, "y": 2})
        expect(page).to_have_url(re.compile(rf"/history/{failed.pk}/$"))

    def test_attempt_under_way_becomes_its_outcome_by_itself(
        self, page: Page, sign_in: SignIn, organizer: User, invitation: Invitation
    ) -> None:
        invitation.state, invitation.finished_at = InvitationState.SENDING, None
        invitation.save()
        person = InviteeFactory(invitation=invitation, state=InviteeState.SENDING)
        attempt = AttemptFactory(
            invitation=invitation,
            batch__state=BatchState.TAKEN,
            state=AttemptState.STARTED,
            finished_at=None,
            duration_ms=None,
            http_status=None,
            sent_to=[person],
        )
        sign_in(organizer)
        page.goto("/history/")
        row = page.locator("#attempts tbody tr")
        expect(row).to_contain_text("Under way")
        row.get_by_role("link").first.focus()
        Attempt.objects.finish(
            attempt.pk,
            state=AttemptState.SUCCEEDED,
            people_state=InviteeState.INVITED,
            finished_at=timezone.now(),
            duration_ms=1500,
        )
        expect(row).to_contain_text("Succeeded")
        expect(row.get_by_role("link").first).to_be_focused()
        expect(page.locator("#attempts")).not_to_have_attribute("hx-trigger", "every 2s")


class TestAdministration:
    def test_pages_of_the_administration_obey_the_policy(
        self, page: Page, sign_in: SignIn, administrator: User, failed: Attempt
    ) -> None:
        """The browser's complaints about anything inline would fail this test."""
        app = AppFactory(kind=AppKind.INTERNAL, client_id="cid", client_secret="a-secret", access_token="")
        sign_in(administrator)
        for path in (
            "",
            "invites/app/",
            "invites/app/add/",
            f"invites/app/{app.pk}/change/",
            f"invites/app/{app.pk}/delete/",
            "invites/user/",
            f"invites/user/{administrator.pk}/change/",
            "invites/attempt/",
            f"invites/attempt/{failed.pk}/change/",
            "invites/invitation/",
            "invites/invitee/",
            "invites/conference/",
            "invites/contact/",
        ):
            page.goto(f"/admin/{path}")
            expect(page.locator("#site-name")).to_have_text("Conference Invites")
