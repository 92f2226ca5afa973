"""Tests of an app: every finding is said as what it is, nobody is rung, nothing is made, and calls are counted."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from django.test import Client
from pytest_django import Settings

from invites import diagnosing
from invites.connecting import close_clients
from invites.diagnosing import Finding, findings_of, to_the_end
from invites.dingtalk.probing import CALLS
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.people import (
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SANDBOX_CORP_ID,
    SANDBOX_FIXED_TOKEN,
    SANDBOX_SUITE_KEY,
    SANDBOX_SUITE_SECRET,
    SANDBOX_SUITE_TICKET,
)
from invites.models import App, AppCheck, Attempt, CallCount, User
from invites.models.app import AppKind
from tests.conftest import SignedIn, htmx
from tests.factories import AppFactory

IP_CODE = "Forbidden.AccessDenied.IpNotInWhiteList"
PERMISSION_CODE = "Forbidden.AccessDenied.AccessTokenPermissionDenied"


@pytest.fixture
def app(sandbox: SandboxServer, db: None) -> App:
    """An internal app at the sandbox."""
    return AppFactory(
        kind=AppKind.INTERNAL,
        base_url=sandbox.base_url,
        client_id=SANDBOX_CLIENT_ID,
        client_secret=SANDBOX_CLIENT_SECRET,
        access_token="",
    )


@pytest.fixture
def other_sandbox() -> Iterator[SandboxServer]:
    """Where the other edition is."""
    with SandboxServer(pace=0) as server:
        yield server
    close_clients()


def found(app: App, user: User) -> dict[str, Finding]:
    """What a whole test finds, by operation."""
    return {finding.operation: finding for finding in findings_of(app, to_the_end(app, user=user))}


def said(finding: Finding) -> str:
    return f"{finding.what} {finding.action}"


class TestFine:
    @pytest.mark.parametrize(
        ("kind", "credentials"),
        [
            (AppKind.INTERNAL, {}),
            (AppKind.FIXED_TOKEN, {"access_token": SANDBOX_FIXED_TOKEN}),
            (
                AppKind.THIRD_PARTY,
                {
                    "client_id": SANDBOX_SUITE_KEY,
                    "client_secret": SANDBOX_SUITE_SECRET,
                    "auth_corp_id": SANDBOX_CORP_ID,
                    "suite_ticket": SANDBOX_SUITE_TICKET,
                },
            ),
        ],
    )
    def test_every_operation_works(
        self, kind: str, credentials: dict[str, str], app: App, administrator: User
    ) -> None:
        App.objects.update(kind=kind, **credentials)
        app.refresh_from_db()
        states = {operation: finding.state for operation, finding in found(app, administrator).items()}
        assert set(states.values()) == {"fine"}
        assert [*states] == diagnosing.operations_of(app)
        assert [*states][-len(CALLS) - 1 : -1] == [*CALLS]

    def test_nobody_is_rung_and_nothing_is_made_or_ended(
        self, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        before = repr(sandbox._exchange.state.conferences())
        found(app, administrator)
        assert repr(sandbox._exchange.state.conferences()) == before
        assert not any(received.people for received in sandbox.received)
        assert {post.status for post in sandbox.invitations} == {400}
        assert not Attempt.objects.exists()

    def test_calls_are_counted_and_as_many_as_were_announced(self, app: App, administrator: User) -> None:
        found(app, administrator)
        charged = CallCount.objects.filter(is_exempt=False)
        assert sum(charged.values_list("calls", flat=True)) == diagnosing.charged_calls() == 8
        assert CallCount.objects.get(operation="InviteUsers").calls == 1

    def test_app_that_is_switched_off_can_be_tested(self, app: App, administrator: User) -> None:
        app.switch(on=False)
        assert {finding.state for finding in found(app, administrator).values()} == {"fine"}

    def test_secret_is_tried_though_a_token_is_at_hand(
        self, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        found(app, administrator)
        sandbox.change_secret("another")
        assert found(app, administrator)["GetAccessToken"].code == "invalidClientIdOrSecret"


class TestFindings:
    def test_wrong_secret_ends_the_test(self, app: App, sandbox: SandboxServer, administrator: User) -> None:
        sandbox.change_secret("another")
        findings = found(app, administrator)
        token = findings.pop("GetAccessToken")
        assert (token.state, token.is_of_credentials) == ("missing", True)
        assert "does not know this client ID with this secret" in said(token)
        assert {finding.state for finding in findings.values()} == {"passed_over"}
        assert not [each for each in sandbox.received if each.operation != "token"]

    @pytest.mark.parametrize(
        ("operation", "name"),
        [("invite", "InviteUsers"), ("create", "CreateVideoConference"), ("contact_search", "SearchUser")],
    )
    def test_missing_permission_is_named_and_only_there(
        self, operation: str, name: str, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        sandbox.add_fault(f"code:{PERMISSION_CODE}", operation=operation)
        findings = found(app, administrator)
        assert findings[name].state == "missing"
        assert "VideoConference.Conference.Write" in said(findings[name])
        assert [each.operation for each in findings.values() if each.code] == [name]

    def test_missing_permission_of_the_older_interface(
        self, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        sandbox.add_fault(f"code:{PERMISSION_CODE}", operation="departments_below")
        finding = found(app, administrator)["topapi/v2/department/listsub"]
        assert (finding.code, finding.state) == ("60011", "missing")
        assert "Read departments" in said(finding)

    @pytest.mark.parametrize(
        ("message", "address"),
        [
            ("ip is not in whitelist, request ip=203.0.113.7 appKey(x)", "203.0.113.7"),
            ("访问ip不在白名单之中,request ip=2001:db8::7", "2001:db8::7"),
            ("not allowed", ""),
        ],
    )
    def test_address_that_is_not_allowed_is_told_where_dingtalk_tells_it(
        self, message: str, address: str, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        sandbox.add_fault(f"code:{IP_CODE}", operation="info", message=message)
        findings = found(app, administrator)
        assert (address or "public address of this server") in said(findings["QueryConferenceInfo"])
        assert findings["InviteUsers"].state == "passed_over"

    @pytest.mark.parametrize(("seconds", "words"), [(600, "10 minutes behind"), (-120, "2 minutes ahead")])
    def test_wrong_clock_is_told(
        self, seconds: int, words: str, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        sandbox.add_fault("wrong_clock", operation="any", times=None, seconds=abs(seconds))
        if seconds < 0:
            sandbox.clear()
            check = to_the_end(app, user=administrator)
            check.lines[-1] |= {"code": "clockWrong", "seconds": seconds}
            clock = findings_of(app, check)[-1]
        else:
            clock = found(app, administrator)["clock"]
        assert words in said(clock)

    @pytest.mark.parametrize(
        ("fault", "code", "state", "words"),
        [
            (
                "quota",
                "Forbidden.AccessDenied.ApiCountLimitForOrg",
                "missing",
                "used up its calls of this month",
            ),
            ("throttled", "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "missing", "too many calls"),
            ("code:systemError", "systemError", "unsure", "did not answer in a way"),
            ("html_502", "http_502", "unsure", "did not answer in a way"),
            ("code:somethingNew", "somethingNew", "unsure", "DingTalk refused"),
            ("code:orgAccessForbidden", "orgAccessForbidden", "missing", "does not let this company"),
        ],
    )
    def test_other_refusals_are_said_in_words(
        self,
        fault: str,
        code: str,
        state: str,
        words: str,
        app: App,
        sandbox: SandboxServer,
        administrator: User,
    ) -> None:
        sandbox.add_fault(fault, operation="create")
        findings = found(app, administrator)
        finding = findings["CreateVideoConference"]
        assert (finding.code, finding.state) == (code, state)
        assert words in said(finding)
        assert findings["InviteUsers"].state == "fine"

    def test_stale_suite_ticket_is_told(self, app: App, administrator: User) -> None:
        suite = {"client_id": SANDBOX_SUITE_KEY, "client_secret": SANDBOX_SUITE_SECRET}
        App.objects.update(
            kind=AppKind.THIRD_PARTY, auth_corp_id=SANDBOX_CORP_ID, suite_ticket="old", **suite
        )
        app.refresh_from_db()
        assert "Stream connection" in said(found(app, administrator)["GetCorpAccessToken"])

    def test_stale_fixed_token_is_told(self, app: App, sandbox: SandboxServer, administrator: User) -> None:
        App.objects.update(kind=AppKind.FIXED_TOKEN, access_token="old")
        app.refresh_from_db()
        first = next(iter(found(app, administrator).values()))
        assert "fixed one, enter a new one" in said(first)

    def test_sandbox_that_is_not_running_is_told(
        self, sandbox_app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        sandbox.stop()
        assert "dingtalk_sandbox" in said(found(sandbox_app, administrator)["GetAccessToken"])

    @pytest.mark.parametrize(
        ("base_url", "words"),
        [
            ("http://127.0.0.1:9", "Nothing listens"),
            ("https://no-such-name.invalid", "name of the host was not found"),
        ],
    )
    def test_host_that_is_not_reached_is_told(
        self, base_url: str, words: str, app: App, administrator: User
    ) -> None:
        App.objects.update(base_url=base_url)
        app.refresh_from_db()
        assert words in said(found(app, administrator)["GetAccessToken"])

    def test_host_without_tls_is_told(self, app: App, sandbox: SandboxServer, administrator: User) -> None:
        App.objects.update(base_url=sandbox.base_url.replace("http:", "https:"))
        app.refresh_from_db()
        assert "No secure connection" in said(found(app, administrator)["GetAccessToken"])

    def test_host_inside_is_not_called(
        self, app: App, sandbox: SandboxServer, administrator: User, settings: Settings
    ) -> None:
        settings.DINGTALK_ALLOW_PRIVATE_HOSTS, settings.DINGTALK_SANDBOX_URL = False, ""
        token = found(app, administrator)["GetAccessToken"]
        assert "private network" in said(token)
        assert not sandbox.received

    def test_nothing_kept_holds_a_secret_or_a_token(
        self, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        sandbox.add_fault(
            "code:invalidClientIdOrSecret", operation="token", message=f"no {SANDBOX_CLIENT_SECRET}"
        )
        found(app, administrator)
        assert SANDBOX_CLIENT_SECRET not in str(AppCheck.objects.get().lines)


class TestOtherEdition:
    def test_it_is_asked_and_says_whether_it_knows_the_app(
        self,
        app: App,
        sandbox: SandboxServer,
        other_sandbox: SandboxServer,
        administrator: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(diagnosing.OTHER_HOST, sandbox.base_url, other_sandbox.base_url)
        sandbox.change_secret("another")
        assert diagnosing.knows_app_elsewhere(app).knows_it
        other_sandbox.change_secret("a third one")
        elsewhere = diagnosing.knows_app_elsewhere(app)
        assert (elsewhere.knows_it, elsewhere.finding.is_of_credentials) == (False, True)
        assert [each.operation for each in other_sandbox.received] == ["token", "token"]

    def test_next_secret_is_not_promoted_by_what_another_host_takes(
        self, app: App, sandbox: SandboxServer, other_sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(diagnosing.OTHER_HOST, sandbox.base_url, other_sandbox.base_url)
        app.next_client_secret = "next"
        app.save()
        other_sandbox.change_secret("next")
        assert diagnosing.knows_app_elsewhere(app).knows_it
        app.refresh_from_db()
        assert app.next_client_secret == "next"


class TestEarlierSettings:
    @pytest.mark.parametrize(
        "changed",
        [
            {"base_url": "https://api.dingtalk.com"},
            {"client_id": "another"},
            {"client_secret": "another"},
            {"next_client_secret": "another"},
            {"kind": AppKind.THIRD_PARTY},
        ],
    )
    def test_what_they_showed_is_told_as_theirs(
        self, changed: dict[str, str], app: App, administrator: User, signed_in: SignedIn
    ) -> None:
        browser, url = signed_in(administrator), f"/settings/apps/{app.pk}/"
        to_the_end(app, user=administrator)
        # What does not matter to DingTalk.
        App.objects.update(name="Another name", batch_size=7, suite_ticket="a new one every few hours")
        assert "earlier settings" not in browser.get(url).content.decode()
        for name, value in changed.items():
            setattr(app, name, value)
        app.save()
        shown = browser.get(url).content.decode()
        assert "This was found with earlier settings" in shown
        assert "Everything works." not in shown
        assert "Changed since its last test" in browser.get("/settings/apps/").content.decode()

    def test_next_secret_that_takes_over_in_the_test_belongs_to_it(
        self, app: App, sandbox: SandboxServer, administrator: User
    ) -> None:
        app.next_client_secret = "next"
        app.save()
        sandbox.change_secret("next")
        to_the_end(app, user=administrator)
        changed, check = App.objects.get(), AppCheck.objects.get()
        assert changed.client_secret == "next"
        assert not diagnosing.is_outdated(changed, check)

    def test_no_step_of_other_settings_is_put_to_a_test_that_is_under_way(
        self, app: App, administrator: User
    ) -> None:
        check = diagnosing.begin(app, user=administrator)
        app.client_id = "another"
        app.save()
        assert diagnosing.go_on(app, done=1).lines == check.lines
        assert diagnosing.begin(app, user=administrator).lines[0]["code"]

    def test_nothing_that_is_kept_tells_a_secret(self, app: App, administrator: User) -> None:
        assert SANDBOX_CLIENT_SECRET not in repr(to_the_end(app, user=administrator).lines)


class TestPage:
    @pytest.fixture
    def browser(self, administrator: User, signed_in: SignedIn) -> Client:
        """The administrator's."""
        return signed_in(administrator)

    def test_whole_test_runs_at_a_press_without_javascript(self, app: App, browser: Client) -> None:
        url = f"/settings/apps/{app.pk}/"
        assert "takes 8 calls" in " ".join(browser.get(url).content.decode().split())
        assert browser.post(f"{url}test/")["Location"] == url
        shown = unescape(browser.get(url).content.decode())
        assert "Everything works." in shown
        assert "by administrator" in shown

    def test_page_goes_on_step_by_step(self, app: App, browser: Client) -> None:
        url = f"/settings/apps/{app.pk}/test/"
        section = browser.post(url, headers=htmx("app_test")).content.decode()
        for step in range(1, len(diagnosing.operations_of(app))):
            [told] = re.findall(r"\{\"steps\": (\d+)\}", section)
            assert int(told) == step
            # A second press of the same page changes nothing.
            for _press in range(2 if step == 3 else 1):
                answer = browser.post(f"{url}step/", {"steps": told}, headers=htmx("app_test"))
            section = answer.content.decode()
        assert "hx-trigger" not in section
        assert "Everything works." in section
        assert browser.post(f"{url}step/", {"steps": "99"}, headers=htmx("app_test")).status_code == 200

    def test_test_that_was_left_can_be_gone_on_with(
        self, app: App, browser: Client, administrator: User
    ) -> None:
        diagnosing.begin(app, user=administrator)
        assert "Go on with the test" in browser.get(f"/settings/apps/{app.pk}/").content.decode()
        for steps in ("1", "x", ""):
            assert browser.post(f"/settings/apps/{app.pk}/test/step/", {"steps": steps}).status_code == 302
        assert len(AppCheck.objects.get().lines) == 2

    def test_step_of_no_test_is_not_found(self, app: App, browser: Client) -> None:
        assert browser.post(f"/settings/apps/{app.pk}/test/step/", {"steps": "0"}).status_code == 404

    def test_other_edition_is_offered_and_asked(
        self,
        app: App,
        sandbox: SandboxServer,
        other_sandbox: SandboxServer,
        browser: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        url = f"/settings/apps/{app.pk}/test/"
        assert browser.post(f"{url}elsewhere/").status_code == 409
        monkeypatch.setitem(diagnosing.OTHER_HOST, sandbox.base_url, other_sandbox.base_url)
        sandbox.change_secret("another")
        browser.post(url)
        assert f"Ask {other_sandbox.base_url}" in browser.get(f"/settings/apps/{app.pk}/").content.decode()
        for headers in ({}, htmx("app_elsewhere")):
            answer = browser.post(f"{url}elsewhere/", headers=headers).content.decode()
            assert f"{other_sandbox.base_url} knows this app" in answer
