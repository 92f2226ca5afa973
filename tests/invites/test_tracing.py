"""The id under which somebody's press is found in the history and in the logs."""

from collections.abc import Iterator

import pytest

from invites import tracing
from invites.models import Attempt, Conference, Invitation, User
from invites.tasks import deliver_invitation
from tests.conftest import SignedIn
from tests.dashboard.lines import Lines, listen
from tests.factories import InvitationFactory, InviteeFactory


@pytest.fixture
def lines() -> Iterator[Lines]:
    yield from listen("json")


class TestFromThePressToTheAttempt:
    """What somebody pressed is found in the logs of a worker and in the history."""

    def test_id_of_the_press_reaches_invitation_attempt_and_lines(
        self,
        transactional_db: None,
        conference: Conference,
        organizer: User,
        signed_in: SignedIn,
        lines: Lines,
    ) -> None:
        draft = InvitationFactory(conference=conference)
        InviteeFactory(invitation=draft, value="somebody")
        answer = signed_in(organizer).post(
            f"/conferences/{conference.pk}/draft/send/",
            {"invitation": draft.pk, "revision": draft.revision},
            headers={"x-request-id": "press-0001"},
        )
        assert answer["X-Request-ID"] == "press-0001"
        invitation = Invitation.objects.get(pk=draft.pk)
        assert invitation.trace_id == "press-0001"
        deliver_invitation.call(invitation.pk)
        attempt = Attempt.objects.get(invitation=invitation)
        assert attempt.trace_id == "press-0001"
        of_attempt = [line for line in lines if line.get("attempt") == attempt.pk]
        assert {line["request_id"] for line in of_attempt} == {"press-0001"}
        assert {line["invitation"] for line in of_attempt} == {invitation.pk}
        assert {"invites.dingtalk.client", "invites.delivering"} <= {line["logger"] for line in of_attempt}
        assert tracing.current() == ""
