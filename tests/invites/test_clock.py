"""The clock of the installation, wherever somebody looks from."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from invites import clock
from invites.models import Invitation
from invites.sending import freeze
from tests.factories import InvitationFactory, InviteeFactory, UserFactory

FARTHEST = [ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Niue")]


class TestDayOf:
    def test_day_is_that_of_the_installation_and_not_of_the_viewer(self, settings: Settings) -> None:
        settings.TIME_ZONE = "Asia/Shanghai"
        late = datetime(2026, 3, 31, 16, 30, tzinfo=UTC)
        with timezone.override("America/New_York"):
            assert clock.day_of(late).isoformat() == "2026-04-01"

    def test_it_begins_when_it_does_for_the_installation(self, settings: Settings) -> None:
        settings.TIME_ZONE = "Asia/Shanghai"
        with timezone.override("America/New_York"):
            begins = clock.beginning_of(date(2026, 4, 1))
        assert begins == datetime(2026, 3, 31, 16, tzinfo=UTC)


@pytest.mark.django_db
class TestDayOfAnInvitation:
    @pytest.mark.parametrize("zone", FARTHEST, ids=str)
    def test_press_from_afar_belongs_to_the_day_that_it_is_here(self, zone: ZoneInfo) -> None:
        # It is always another day in one of the two: what is sealed by day must not depend on who looks.
        draft: Invitation = InvitationFactory()
        InviteeFactory(invitation=draft)
        with timezone.override(zone), transaction.atomic():
            freeze(invitation=draft, user=UserFactory())
        draft.refresh_from_db()
        assert draft.sent_at is not None
        assert draft.day == clock.day_of(draft.sent_at)
