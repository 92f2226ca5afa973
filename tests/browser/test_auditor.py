"""An auditor's story in a real browser: from a filter to a file, and from the file to a digest that was verified."""

import csv
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect

from invites import sealing
from invites.models import SealedDay, User
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, sideways
from tests.invites.sealed import DayOfHistory, make_day
from tests.keeping import tampering


@pytest.fixture
def history(worker: None) -> list[DayOfHistory]:
    """Two days on which somebody was called, sealed."""
    days = [make_day(4), make_day(2)]
    sealing.seal_due()
    return days


class TestAuditor:
    @pytest.mark.parametrize("look", [Look()], ids=str)
    def test_filter_leads_to_a_file_and_the_file_to_a_verified_digest(
        self, page: Page, sign_in: SignIn, auditor: User, history: list[DayOfHistory]
    ) -> None:
        wanted = history[0]
        sign_in(auditor)
        page.goto("/history/")
        rows = page.locator("#attempts tbody tr")
        expect(rows).to_have_count(2)
        # Filter: who was called.
        page.get_by_role("searchbox").first.fill("person-4")
        expect(rows).to_have_count(1)
        expect(page).to_have_url(f"{page.url.split('?')[0]}?q=person-4")
        page.reload()
        expect(rows).to_have_count(1)
        # The file of it.
        page.get_by_role("link", name="Export").click()
        page.get_by_role("button", name="Make the file").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        with Path(download.value.path()).open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
        # Whoever stood in the call that was found is in it, with masked numbers, and each line names its day.
        assert {line["Attempt"] for line in lines} == {str(wanted.attempt.pk)}
        assert "+8613800000004" not in str(lines)
        days = {line["Sealed with the day"] for line in lines}
        assert days == {wanted.day.isoformat()}
        # The seal of that day, which somebody has verified.
        page.goto("/history/")
        page.get_by_role("link", name="Seals").click()
        expect(page.get_by_text("Not verified yet")).to_be_visible()
        call_command("verify_history")
        page.reload()
        expect(page.get_by_text("Everything is as it was sealed: 4 days, 14 rows.")).to_be_visible()
        digest = SealedDay.objects.get(day=days.pop()).hex
        expect(page.locator(f"#seal-{wanted.day}")).to_contain_text(digest)

    @pytest.mark.parametrize("look", [Look()], ids=str)
    def test_row_that_somebody_has_changed_is_named(
        self, page: Page, sign_in: SignIn, auditor: User, history: list[DayOfHistory]
    ) -> None:
        with tampering() as cursor:
            cursor.execute(
                "UPDATE invites_attempt SET people_state = 'invited' WHERE id = %s", [history[0].attempt.pk]
            )
        with pytest.raises(SystemExit):
            call_command("verify_history")
        sign_in(auditor)
        page.goto("/history/seals/")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("A row is not as it was sealed.")
        expect(alert).to_contain_text(f"Attempt {history[0].attempt.pk}")

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_seals_fit_the_page(
        self,
        page: Page,
        sign_in: SignIn,
        auditor: User,
        history: list[DayOfHistory],
        screenshot: Screenshot,
    ) -> None:
        call_command("verify_history")
        sign_in(auditor)
        page.goto("/history/seals/")
        assert sideways(page) == 0
        screenshot("seals")
