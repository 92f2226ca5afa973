"""The address that DingTalk posts events to: what is taken, and that nothing forged, garbled or old is."""

import json
import time
from urllib.parse import urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from dashboard.environment import DingTalkEnvironment
from invites.dingtalk.callback import CallbackCipher, Sealed
from invites.dingtalk.events import MEETING_CHANGED, MEMBERS_CHANGED, TICKET_ISSUED
from invites.dingtalk.sandbox.people import SANDBOX_CLIENT_ID
from invites.models import App, Conference, Member, ReceivedEvent
from invites.models.app import AppKind, EventMode
from invites.models.received_event import EventWay
from tests.dingtalk.odd_events import DATA
from tests.factories import ConferenceFactory
from tests.invites.heard import member

pytestmark = pytest.mark.django_db
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
CIPHER = CallbackCipher(token="the-token", aes_key=KEY, receivers=["client"])


@pytest.fixture
def app() -> App:
    return App.objects.create(
        name="internal",
        kind=AppKind.INTERNAL,
        base_url="http://127.0.0.1:9",
        client_id="client",
        client_secret="secret",
        event_mode=EventMode.CALLBACK,
        event_token="the-token",
        event_aes_key=KEY,
    )


@pytest.fixture
def meeting(app: App) -> Conference:
    conference: Conference = ConferenceFactory(app=app, conference_id="c0ffee")
    return conference


def sealed(event: object, *, cipher: CallbackCipher = CIPHER, ago: float = 0.0) -> Sealed:
    return cipher.seal(json.dumps(event), timestamp=str(round((time.time() - ago) * 1000)))


def event_of(meeting: Conference, event_id: str = "e-1") -> dict[str, object]:
    return {
        "eventId": event_id,
        "eventType": MEMBERS_CHANGED,
        "data": {"conferenceId": meeting.conference_id, "openMemberModels": [member("u")]},
    }


def post(app: App, what: Sealed, body: object = None) -> "tuple[int, str]":
    """Status and text of the answer to ``what``, sent without a session and with no token of ours."""
    query = urlencode({"signature": what.signature, "timestamp": what.timestamp, "nonce": what.nonce})
    answer = Client(enforce_csrf_checks=True).post(
        f"/dingtalk/events/{app.pk}/?{query}",
        data=json.dumps({"encrypt": what.encrypted}) if body is None else body,
        content_type="application/json",
    )
    return answer.status_code, answer.content.decode()


def said(text: str) -> str:
    """What an answer says, decrypted."""
    answer = json.loads(text)
    return CIPHER.open(
        Sealed(
            signature=answer["msg_signature"],
            timestamp=answer["timeStamp"],
            nonce=answer["nonce"],
            encrypted=answer["encrypt"],
        )
    )


class TestEventCallback:
    def test_event_is_applied_and_answered_encrypted(self, app: App, meeting: Conference) -> None:
        status, text = post(app, sealed(event_of(meeting)))
        assert (status, said(text)) == (200, "success")
        assert Member.objects.get().union_id == "u"
        assert ReceivedEvent.objects.get().way == EventWay.CALLBACK

    def test_one_that_comes_again_is_answered_and_changes_nothing(
        self, app: App, meeting: Conference
    ) -> None:
        what = sealed(event_of(meeting))
        post(app, what)
        Member.objects.update(attendance="left")
        status, text = post(app, what)
        assert (status, said(text)) == (200, "success")
        assert Member.objects.get().attendance == "left"

    def test_address_is_checked_by_dingtalk_without_an_event(self, app: App) -> None:
        status, text = post(app, sealed({"EventType": "check_url"}))
        assert (status, said(text)) == (200, "success")
        assert not ReceivedEvent.objects.exists()

    @pytest.mark.parametrize("ago", [600, -600])
    def test_old_one_is_refused(self, app: App, meeting: Conference, ago: float) -> None:
        assert post(app, sealed(event_of(meeting), ago=ago)) == (400, "refused")

    @pytest.mark.parametrize(
        ("token", "key", "receiver"),
        [("other", KEY, "client"), ("the-token", KEY[::-1], "client"), ("the-token", KEY, "another")],
    )
    def test_forged_one_is_refused_and_not_told_why(
        self, app: App, meeting: Conference, token: str, key: str, receiver: str
    ) -> None:
        forger = CallbackCipher(token=token, aes_key=key, receivers=[receiver])
        assert post(app, sealed(event_of(meeting), cipher=forger)) == (400, "refused")
        assert not ReceivedEvent.objects.exists()

    def test_too_much_is_refused(self, app: App) -> None:
        assert post(app, sealed({}), body=b"x" * (1024 * 1024 + 1)) == (400, "refused")

    @given(body=st.binary(max_size=200) | st.text().map(str.encode), words=st.tuples(*[st.text()] * 3))
    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
    def test_nothing_garbled_is_an_error_of_ours(
        self, app: App, body: bytes, words: tuple[str, str, str]
    ) -> None:
        safe = [word.encode(errors="replace").decode() for word in words]
        what = Sealed(signature=safe[0], timestamp=safe[1], nonce=safe[2], encrypted="")
        assert post(app, what, body=body)[0] == 400

    @given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)))
    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
    def test_nor_is_anything_that_is_rightly_signed(self, app: App, what: object) -> None:
        assert post(app, sealed(what))[0] in {200, 400}

    @given(kind=st.sampled_from([MEETING_CHANGED, MEMBERS_CHANGED, TICKET_ISSUED]), data=DATA)
    @hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    def test_nor_is_an_event_of_ours_with_anything_in_it(
        self, app: App, meeting: Conference, kind: str, data: dict[str, object]
    ) -> None:
        data |= {"conferenceId": meeting.conference_id}
        assert post(app, sealed({"eventType": kind, "data": data}))[0] == 200

    @pytest.mark.parametrize(
        "change", [{"enabled": False}, {"event_mode": EventMode.STREAM}, {"event_mode": EventMode.NONE}]
    )
    def test_app_that_takes_none_has_no_such_address(self, app: App, change: dict[str, object]) -> None:
        what = sealed({"EventType": "check_url"})
        App.objects.update(**change)
        assert post(app, what)[0] == 404

    @pytest.mark.parametrize("missing", ["event_token", "event_aes_key", "client_id"])
    def test_app_that_lacks_what_it_is_checked_with_takes_none(self, app: App, missing: str) -> None:
        what = sealed({"EventType": "check_url"})
        App.objects.update(**{missing: ""})
        assert post(app, what) == (400, "refused")

    def test_environment_s_app_is_checked_with_what_the_environment_says(
        self, app: App, settings: Settings
    ) -> None:
        settings.DINGTALK = DingTalkEnvironment(
            base_url="http://127.0.0.1:9", client_id="client", client_secret="secret"
        )
        settings.DINGTALK_EVENTS = "callback"
        settings.DINGTALK_EVENT_TOKEN, settings.DINGTALK_EVENT_AES_KEY = "the-token", KEY
        described = App.objects.create(name="environment", kind=AppKind.ENVIRONMENT)
        status, text = post(described, sealed({"EventType": "check_url"}))
        assert (status, said(text)) == (200, "success")

    def test_so_is_the_sandbox_whose_way_the_environment_decides_too(self, settings: Settings) -> None:
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:9"
        settings.DINGTALK_EVENTS = "callback"
        settings.DINGTALK_EVENT_TOKEN, settings.DINGTALK_EVENT_AES_KEY = "the-token", KEY
        sandbox = App.objects.create(name="sandbox", kind=AppKind.SANDBOX)
        cipher = CallbackCipher(token="the-token", aes_key=KEY, receivers=[SANDBOX_CLIENT_ID])
        assert post(sandbox, sealed({"EventType": "check_url"}, cipher=cipher))[0] == 200

    def test_other_methods_are_not_allowed(self, app: App, client: Client) -> None:
        assert client.get(f"/dingtalk/events/{app.pk}/").status_code == 405

    def test_neither_token_nor_key_stand_in_any_line(
        self, app: App, meeting: Conference, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        post(app, sealed(event_of(meeting)))
        post(app, sealed(event_of(meeting), ago=900))
        for secret in ("the-token", KEY):
            assert secret not in caplog.text
