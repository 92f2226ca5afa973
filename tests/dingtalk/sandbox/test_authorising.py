"""The authorisation server that the sandbox plays: the page, the way back, the codes and what they buy."""

import base64
import hashlib
from functools import partial
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from invites.dingtalk.sandbox import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SandboxServer
from tests.dingtalk.sandbox.driving import Call, FakeClock, Got, call_at

BACK = "http://127.0.0.1:8000/back/?kept=1"
ASKED = {
    "client_id": SANDBOX_CLIENT_ID,
    "redirect_uri": BACK,
    "response_type": "code",
    "scope": "openid corpid",
    "state": "s&t ate",
}
PERSON = "sandbox-person-01"


def page(call: Call, **changed: str) -> Got:
    return call("GET", f"/oauth2/auth?{urlencode(ASKED | changed)}", token=None)


def way_back(got: Got) -> dict[str, list[str]]:
    assert got.status == 302
    assert got.headers["location"].startswith("http://127.0.0.1:8000/back/?")
    return parse_qs(urlsplit(got.headers["location"]).query)


def code_of(call: Call, person: str = PERSON, **changed: str) -> str:
    return way_back(page(call, person=person, **changed))["authCode"][0]


def buy(call: Call, code: str, **changed: str) -> Got:
    body = {
        "clientId": SANDBOX_CLIENT_ID,
        "clientSecret": SANDBOX_CLIENT_SECRET,
        "code": code,
        "grantType": "authorization_code",
    }
    return call("POST", "/v1.0/oauth2/userAccessToken", body | changed, token=None)


class TestPage:
    def test_it_lists_who_one_can_be_and_leads_back_with_a_code(self, call: Call) -> None:
        body = page(call).body.decode()
        assert "张三" in body
        assert "Stranger" in body
        assert "<script" not in body
        back = way_back(page(call, person=PERSON))
        assert (back["kept"], back["state"]) == (["1"], ["s&t ate"])

    def test_whoever_does_not_agree_goes_back_without_one(self, call: Call) -> None:
        back = way_back(page(call, person="denied"))
        assert back["error"] == ["access_denied"]
        assert "authCode" not in back

    @pytest.mark.parametrize(
        "changed",
        [
            {"client_id": "somebody-else"},
            {"response_type": "token"},
            {"scope": "email"},
            {"redirect_uri": "https://evil.example/"},
            {"redirect_uri": "http://127.0.0.1.evil.example/"},
            {"redirect_uri": "http://127.0.0.1:8000@evil.example/"},
            {"redirect_uri": "javascript:alert(1)"},
            {"redirect_uri": ""},
            {"person": "sandbox-nobody"},
            {"code_challenge": "x", "code_challenge_method": "plain"},
        ],
    )
    def test_what_is_wrong_leads_nowhere(self, call: Call, changed: dict[str, str]) -> None:
        got = page(call, **{"person": PERSON, **changed})
        assert got.status == 400
        assert "location" not in got.headers

    def test_what_it_was_asked_is_escaped(self, call: Call) -> None:
        assert "<b>" not in page(call, state='"><b>').body.decode()


class TestToken:
    def test_code_buys_a_token_that_says_who_it_is(self, call: Call) -> None:
        bought = buy(call, code_of(call)).json
        assert (bought["corpId"], bought["expireIn"]) == ("sandbox-corp-id", 7200)
        me = call("GET", "/v1.0/contact/users/me", token=bought["accessToken"]).json
        assert (me["nick"], me["unionId"], me["openId"]) == ("张三", PERSON, f"open-{PERSON}")

    def test_stranger_is_of_another_company(self, call: Call) -> None:
        bought = buy(call, code_of(call, "sandbox-stranger-01")).json
        assert bought["corpId"] == "sandbox-other-corp-id"
        assert call("GET", "/v1.0/contact/users/me", token=bought["accessToken"]).status == 200

    def test_code_works_for_five_minutes(self) -> None:
        clock = FakeClock()
        with SandboxServer(clock=clock) as sandbox:
            call = partial(call_at, sandbox)
            code = code_of(call)
            clock.forward(301)
            assert buy(call, code).code == "invalidParameter.authCode.notFound"

    def test_code_works_once(self, call: Call) -> None:
        code = code_of(call)
        assert buy(call, code).status == 200
        assert buy(call, code).code == "invalidParameter.authCode.notFound"
        assert buy(call, "made-up").status == 400

    @pytest.mark.parametrize(
        "changed", [{"clientSecret": "wrong"}, {"clientId": "wrong"}, {"grantType": "password"}]
    )
    def test_wrong_app_gets_none_and_spends_no_code(self, call: Call, changed: dict[str, str]) -> None:
        code = code_of(call)
        assert buy(call, code, **changed).status == 400
        assert buy(call, code).status == 200

    def test_code_that_was_asked_for_with_a_challenge_needs_its_verifier(self, call: Call) -> None:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).rstrip(b"=").decode()
        asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
        assert buy(call, code_of(call, **asked)).status == 400
        assert buy(call, code_of(call, **asked), code_verifier="another").status == 400
        assert buy(call, code_of(call, **asked), code_verifier="verifier").status == 200

    def test_tokens_of_people_and_of_apps_do_not_stand_for_each_other(self, call: Call) -> None:
        token = buy(call, code_of(call)).json["accessToken"]
        assert call("GET", f"/v1.0/contact/users/{PERSON}", token=token).status == 401
        assert call("GET", "/v1.0/contact/users/me").status == 401

    def test_log_keeps_neither_code_nor_token(self, sandbox: SandboxServer, call: Call) -> None:
        code = code_of(call)
        token = str(buy(call, code).json["accessToken"])
        kept = repr(sandbox.received)
        assert code not in kept
        assert token not in kept
        assert SANDBOX_CLIENT_SECRET not in kept
