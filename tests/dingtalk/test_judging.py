"""What each answer of DingTalk means for the people of an invitation."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from invites.dingtalk import (
    AddressShutOut,
    Broken,
    ConferenceOver,
    DingTalkError,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    StaleToken,
    Throttled,
    TokenUnavailable,
    UnknownPerson,
    UnreadableAnswer,
    WrongParameters,
    codes,
)
from tests.dingtalk.calling import TOKEN, client_answering, invite

FORBIDDEN = "Forbidden.AccessDenied"
GATEWAY_PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"
SHUT_OUT_PAGE = "<html><script>var punish = true;</script></html>"


def json_answer(status: int, /, **fields: Any) -> httpx.Response:
    return httpx.Response(status, json=fields)


def named(status: int, code: str) -> httpx.Response:
    return json_answer(status, code=code, message="No.", requestid="RQ-1")


def failure_of(response: httpx.Response) -> DingTalkError:
    with client_answering(response) as client, pytest.raises(DingTalkError) as caught:
        invite(client)
    return caught.value


@dataclass(frozen=True, kw_only=True)
class Row:
    response: httpx.Response
    kind: type[DingTalkError]
    code: str


OUTCOMES = {
    # 200 that says no
    "success false": Row(response=json_answer(200, success=False), kind=Refused, code="notSuccessful"),
    "success false with a reason": Row(
        response=json_answer(200, success=False, code="paramsError"), kind=WrongParameters, code="paramsError"
    ),
    "success false with a neutral code": Row(
        response=json_answer(200, success=False, code="0"), kind=Refused, code="notSuccessful"
    ),
    "200 with a code": Row(response=named(200, "unheardOf"), kind=Refused, code="unheardOf"),
    "200 with a code and success as text": Row(
        response=json_answer(200, success="false", code="confClosed"), kind=ConferenceOver, code="confClosed"
    ),
    "200 with systemError": Row(response=named(200, "systemError"), kind=Refused, code="systemError"),
    "200 with errcode": Row(
        response=json_answer(200, errcode=60001, errmsg="no"), kind=Refused, code="60001"
    ),
    "200 with errcode of a stale token": Row(
        response=json_answer(200, errcode=40014, errmsg="invalid"), kind=StaleToken, code="40014"
    ),
    "200 with errcode of an expired token": Row(
        response=json_answer(200, errcode=42001, errmsg="expired"), kind=StaleToken, code="42001"
    ),
    "200 with errcode of an unknown token": Row(
        response=json_answer(200, errcode=33001, errmsg="invalid"), kind=StaleToken, code="33001"
    ),
    "200 with errcode of a missing permission": Row(
        response=json_answer(200, errcode=60011, errmsg="no"), kind=NotAuthorised, code="60011"
    ),
    "200 with errcode of a throttle": Row(
        response=json_answer(200, errcode=90018, errmsg="barred"), kind=Throttled, code="90018"
    ),
    "200 with errcode 88 and the true code beside it": Row(
        response=json_answer(200, errcode=88, sub_code="90018", sub_msg="barred"),
        kind=Throttled,
        code="90018",
    ),
    "200 with errcode 88 alone": Row(response=json_answer(200, errcode=88), kind=Refused, code="88"),
    # 200 and others that say nothing
    "200 with an empty object": Row(
        response=json_answer(200), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with errcode 0": Row(
        response=json_answer(200, errcode=0, errmsg="ok"), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with success as text": Row(
        response=json_answer(200, success="true"), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with success as number": Row(
        response=json_answer(200, success=1), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with success as list": Row(
        response=json_answer(200, success=[]), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with a code of no readable type": Row(
        response=json_answer(200, code={"a": 1}), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 that says both yes and no": Row(
        response=json_answer(200, success=True, code="systemError"),
        kind=UnreadableAnswer,
        code="unreadableAnswer",
    ),
    "200 with an array": Row(
        response=httpx.Response(200, json=[1]), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with null": Row(
        response=httpx.Response(200, json=None, text="null"), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with HTML": Row(
        response=httpx.Response(200, html="<p>hello</p>"), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with cut JSON": Row(
        response=httpx.Response(200, text='{"succ'), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with deeply nested JSON": Row(
        response=httpx.Response(200, text="[" * 200_000), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 without a body": Row(response=httpx.Response(200), kind=UnreadableAnswer, code="unreadableAnswer"),
    "200 with bytes that are no text": Row(
        response=httpx.Response(200, content=b"\xff\xfe\x00"), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "200 with the page of a shut-out": Row(
        response=httpx.Response(200, html=SHUT_OUT_PAGE), kind=UnreadableAnswer, code="unreadableAnswer"
    ),
    "204": Row(response=httpx.Response(204), kind=OutcomeUnknown, code="http_204"),
    "301": Row(
        response=httpx.Response(301, headers={"location": "https://elsewhere.invalid/"}),
        kind=OutcomeUnknown,
        code="redirected",
    ),
    "307": Row(
        response=httpx.Response(307, headers={"location": "https://elsewhere.invalid/"}),
        kind=OutcomeUnknown,
        code="redirected",
    ),
    "302 to no address": Row(
        response=httpx.Response(302, headers={"location": "https://elsewhere.invalid:port/"}),
        kind=OutcomeUnknown,
        code="redirected",
    ),
    "304 without a location": Row(response=httpx.Response(304), kind=OutcomeUnknown, code="redirected"),
    # 4xx
    "400 with a code nobody has heard of": Row(
        response=named(400, "unheardOf"), kind=Refused, code="unheardOf"
    ),
    "400 with systemError": Row(response=named(400, "systemError"), kind=Refused, code="systemError"),
    "400 with a number for a code": Row(
        response=json_answer(400, code=40035, message="no"), kind=Refused, code="40035"
    ),
    "400 without a code": Row(response=json_answer(400, message="no"), kind=Refused, code="http_400"),
    "400 with success false": Row(response=json_answer(400, success=False), kind=Refused, code="http_400"),
    "413 with HTML": Row(
        response=httpx.Response(413, html=GATEWAY_PAGE), kind=WrongParameters, code="http_413"
    ),
    "400 with HTML": Row(response=httpx.Response(400, html=GATEWAY_PAGE), kind=Refused, code="http_400"),
    "401 bare": Row(response=httpx.Response(401), kind=StaleToken, code="http_401"),
    "401 with JSON but no code": Row(response=json_answer(401, a=1), kind=StaleToken, code="http_401"),
    "401 with a code nobody has heard of": Row(
        response=named(401, "unheardOf"), kind=Refused, code="unheardOf"
    ),
    "403 with HTML": Row(response=httpx.Response(403, html="<p>no</p>"), kind=Refused, code="http_403"),
    "404 with HTML": Row(response=httpx.Response(404, html=GATEWAY_PAGE), kind=Refused, code="http_404"),
    "404 empty": Row(response=httpx.Response(404), kind=Refused, code="http_404"),
    "429 with HTML": Row(
        response=httpx.Response(429, html="<p>slow down</p>"), kind=Throttled, code="http_429"
    ),
    "429 empty": Row(response=httpx.Response(429), kind=Throttled, code="http_429"),
    "429 with a code nobody has heard of": Row(
        response=named(429, "unheardOf"), kind=Throttled, code="unheardOf"
    ),
    "429 with a code that says something else": Row(
        response=named(429, "confClosed"), kind=ConferenceOver, code="confClosed"
    ),
    "a limit per second by a new name": Row(
        response=named(403, f"{FORBIDDEN}.QpsLimitForSomethingNew"),
        kind=Throttled,
        code=f"{FORBIDDEN}.QpsLimitForSomethingNew",
    ),
    "a limit per minute by a new name": Row(
        response=named(403, f"{FORBIDDEN}.QpmLimitForSomethingNew"),
        kind=Throttled,
        code=f"{FORBIDDEN}.QpmLimitForSomethingNew",
    ),
    # 5xx
    "500 with systemError": Row(response=named(500, "systemError"), kind=Broken, code="systemError"),
    "500 with a code nobody has heard of": Row(
        response=named(500, "unheardOf"), kind=Broken, code="unheardOf"
    ),
    "503 with a code nobody has heard of": Row(
        response=named(503, "ServiceUnavailable"), kind=Broken, code="ServiceUnavailable"
    ),
    "500 with a throttle": Row(response=named(500, "systemBusy"), kind=Throttled, code="systemBusy"),
    "500 with a stale token": Row(
        response=named(500, "InvalidAuthentication"), kind=StaleToken, code="InvalidAuthentication"
    ),
    "500 with an unknown person": Row(
        response=named(500, "unknownUserError"), kind=UnknownPerson, code="unknownUserError"
    ),
    "500 without a code": Row(
        response=json_answer(500, message="oops"), kind=OutcomeUnknown, code="http_500"
    ),
    "502 with HTML": Row(
        response=httpx.Response(502, html=GATEWAY_PAGE), kind=OutcomeUnknown, code="http_502"
    ),
    "503 empty": Row(response=httpx.Response(503), kind=OutcomeUnknown, code="http_503"),
    "504 with HTML": Row(
        response=httpx.Response(504, html=GATEWAY_PAGE), kind=OutcomeUnknown, code="http_504"
    ),
    # Shut out
    "403 with the page of a shut-out": Row(
        response=httpx.Response(403, html=SHUT_OUT_PAGE), kind=AddressShutOut, code="addressShutOut"
    ),
    "400 with the JSON of a shut-out": Row(
        response=json_answer(400, status=1111, punish="deny"), kind=AddressShutOut, code="addressShutOut"
    ),
    "429 with the page of a shut-out": Row(
        response=httpx.Response(429, html=SHUT_OUT_PAGE), kind=AddressShutOut, code="addressShutOut"
    ),
    "502 with the page of a shut-out": Row(
        response=httpx.Response(502, html=SHUT_OUT_PAGE), kind=AddressShutOut, code="addressShutOut"
    ),
    "503 with the JSON of a shut-out": Row(
        response=json_answer(503, status=1111, punish="deny"), kind=AddressShutOut, code="addressShutOut"
    ),
    "302 with the page of a shut-out": Row(
        response=httpx.Response(302, html=SHUT_OUT_PAGE), kind=AddressShutOut, code="addressShutOut"
    ),
    "a shut-out that names a code too": Row(
        response=json_answer(403, code="deny", punish="deny"), kind=AddressShutOut, code="addressShutOut"
    ),
    "a code whose message has the word of the shut-out": Row(
        response=json_answer(400, code="paramsError", message="nick: punish"),
        kind=WrongParameters,
        code="paramsError",
    ),
}

# Every code of the contract, under the statuses that its documentation names.
CODES: dict[str, tuple[tuple[int, ...], type[DingTalkError]]] = {
    "unknownUserError": ((400,), UnknownPerson),
    "paramsError": ((400,), WrongParameters),
    "systemError": ((500,), Broken),
    "confClosed": ((400,), ConferenceOver),
    "resourceClose": ((400,), ConferenceOver),
    "conference.not.found": ((500,), ConferenceOver),
    "InvalidAuthentication": ((400, 401), StaleToken),
    "invalidAccessToken": ((400, 401), StaleToken),
    "accesstoken.expired": ((400, 401), StaleToken),
    f"{FORBIDDEN}.AccessTokenPermissionDenied": ((403, 400), NotAuthorised),
    "permissions.error": ((403, 400), NotAuthorised),
    "apiPermissionDenied": ((403, 400), NotAuthorised),
    f"{FORBIDDEN}.IpNotInWhiteList": ((403,), NotAuthorised),
    f"{FORBIDDEN}.QpsLimitForApi": ((403, 400, 429), Throttled),
    f"{FORBIDDEN}.QpsLimitForAppkeyAndApi": ((403, 400, 429), Throttled),
    f"{FORBIDDEN}.QpmLimitForAppkeyAndApi": ((403, 400, 429), Throttled),
    f"{FORBIDDEN}.QpsLimitForSuitekeyAndOrgAndApi": ((403, 400, 429), Throttled),
    f"{FORBIDDEN}.QpmLimitForSuitekeyAndOrgAndApi": ((403, 400, 429), Throttled),
    "qps.exceed.limit": ((403, 400, 429), Throttled),
    "system.busy": ((403, 400, 429), Throttled),
    "systemBusy": ((403, 400, 429), Throttled),
    f"{FORBIDDEN}.ApiCountLimitForOrg": ((403,), QuotaExhausted),
    "orgAccessForbidden": ((400,), Refused),
    "paramsTitleError": ((400,), Refused),
    "waterLimitError": ((404,), WrongParameters),
    "permissionError": ((404,), Refused),
    "missingRoomId": ((400,), Refused),
    "paramError": ((400,), Refused),
    "noPermission": ((403,), Refused),
    "roomNotFound": ((404,), Refused),
    "invalidClientIdOrSecret": ((400,), NotAuthorised),
    "invalidSuiteKey": ((400,), NotAuthorised),
    "invalidSuiteTicket": ((400,), NotAuthorised),
    "invalidAuthInfo": ((400,), NotAuthorised),
    "invalidParameter.corporation.invalidAuthorizationCorporationId": ((400,), NotAuthorised),
}

# Where an answer may repeat the token of the request.
ECHOES = {
    "in the message": f'{{"code":"paramsError","message":"token {TOKEN} is bad","requestid":"{TOKEN}"}}',
    "in the code": f'{{"code":"bad-{TOKEN}","message":"no"}}',
    "with escapes": '{"code":"paramsError","message":"tok\\u002d5f0c6d and tok\\u002D5f0c6d"}',
    "in a page": f"<html>{TOKEN}</html>",
    "in required scopes": (
        f'{{"code":"apiPermissionDenied","accessdenieddetail":{{"requiredScopes":["{TOKEN}"]}}}}'
    ),
}

# What the sender does next hangs on these three facts alone.
FACTS = {
    NotSent: (False, True, "call"),
    TokenUnavailable: (False, True, "call"),
    OutcomeUnknown: (True, False, "call"),
    UnreadableAnswer: (True, False, "call"),
    Refused: (False, False, "call"),
    WrongParameters: (False, False, "call"),
    UnknownPerson: (False, False, "person"),
    ConferenceOver: (False, False, "conference"),
    QuotaExhausted: (False, False, "organisation"),
    Broken: (True, False, "call"),
    NotAuthorised: (False, False, "app"),
    StaleToken: (False, True, "call"),
    Throttled: (False, True, "rate"),
    AddressShutOut: (False, True, "address"),
}


def descendants(kind: type[DingTalkError]) -> set[type[DingTalkError]]:
    return {kind}.union(*(descendants(child) for child in kind.__subclasses__()))


class TestInvitationOutcome:
    @pytest.mark.parametrize("row", OUTCOMES.values(), ids=OUTCOMES.keys())
    def test_answer_has_its_class_and_code(self, row: Row) -> None:
        error = failure_of(row.response)

        assert (type(error), error.code) == (row.kind, row.code)

    @pytest.mark.parametrize("row", OUTCOMES.values(), ids=OUTCOMES.keys())
    def test_status_of_the_answer_is_told(self, row: Row) -> None:
        error = failure_of(row.response)

        assert error.http_status == row.response.status_code

    @pytest.mark.parametrize(
        ("code", "status"), [(code, status) for code, (found, _) in CODES.items() for status in found]
    )
    def test_documented_code_has_its_class(self, code: str, status: int) -> None:
        error = failure_of(named(status, code))

        assert (type(error), error.code, error.request_id) == (CODES[code][1], code, "RQ-1")

    @pytest.mark.parametrize("code", [code for code in CODES if code != "systemError"])
    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 503])
    def test_documented_code_counts_more_than_the_status(self, code: str, status: int) -> None:
        assert type(failure_of(named(status, code))) is CODES[code][1]

    @pytest.mark.parametrize(
        "body",
        [
            {"success": True},
            {"success": True, "code": "0", "message": "ok"},
            {"success": True, "errcode": 0, "errmsg": "ok"},
            {"success": True, "code": None},
            {"success": True, "something": {"new": [1]}},
        ],
    )
    def test_success_true_with_nothing_wrong_beside_it_is_success(self, body: dict[str, Any]) -> None:
        with client_answering(json_answer(200, **body)) as client:
            answer = invite(client)

        assert answer.http_status == 200

    def test_success_keeps_request_id_and_an_excerpt(self) -> None:
        with client_answering(json_answer(200, success=True, requestId="RQ-9", filler="x" * 5000)) as client:
            answer = invite(client)

        assert answer.request_id == "RQ-9"
        assert answer.body.startswith('{"success":true')
        assert len(answer.body) == 2000


class TestFacts:
    def test_every_class_states_its_facts(self) -> None:
        stated = {
            kind: (kind.may_have_rung, kind.worth_retrying, kind.about.value)
            for kind in descendants(DingTalkError) - {DingTalkError}
        }

        assert stated == FACTS

    def test_nothing_that_may_have_rung_is_repeated_without_a_person(self) -> None:
        assert not [kind for kind in descendants(DingTalkError) if kind.may_have_rung and kind.worth_retrying]

    def test_fixed_token_is_not_worth_retrying(self) -> None:
        error = failure_of(named(401, "InvalidAuthentication"))

        assert isinstance(error, StaleToken)
        assert (error.refreshable, error.worth_retrying) == (False, False)


class TestCodes:
    def test_table_has_every_code_of_the_contract_and_no_other(self) -> None:
        assert set(codes.DOCUMENTED) == set(CODES)

    def test_our_codes_and_dingtalks_do_not_meet(self) -> None:
        assert not set(codes.OWN) & (set(codes.DOCUMENTED) | set(codes.OLD_STYLE))

    @pytest.mark.parametrize("code", ["deadline", "http_404", "addressShutOut"])
    def test_code_of_dingtalks_that_looks_like_ours_is_set_apart(self, code: str) -> None:
        assert failure_of(named(400, code)).code == f"dingtalk.{code}"

    @pytest.mark.parametrize(
        ("response", "rest"),
        [
            (named(403, f"{FORBIDDEN}.QpsLimitForApi"), 1.0),
            (named(403, f"{FORBIDDEN}.QpmLimitForAppkeyAndApi"), 60.0),
            (named(403, f"{FORBIDDEN}.QpmLimitForSomethingNew"), 60.0),
            (named(429, "unheardOf"), 1.0),
            (httpx.Response(429), 1.0),
            (httpx.Response(403, html=SHUT_OUT_PAGE), 300.0),
        ],
    )
    def test_throttle_suggests_a_rest(self, response: httpx.Response, rest: float) -> None:
        error = failure_of(response)

        assert isinstance(error, Throttled)
        assert (error.rest, error.retry_after) == (rest, None)


class TestRetryAfter:
    def retry_after(self, value: str) -> float | None:
        error = failure_of(httpx.Response(429, headers={"retry-after": value}))
        assert isinstance(error, Throttled)
        return error.retry_after

    def test_seconds_are_read_and_lengthen_the_rest(self) -> None:
        error = failure_of(httpx.Response(429, headers={"retry-after": "7"}))

        assert isinstance(error, Throttled)
        assert (error.retry_after, error.rest) == (7.0, 7.0)

    def test_date_is_read(self) -> None:
        when = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)

        assert self.retry_after(when) == pytest.approx(30, abs=2)

    def test_date_in_the_past_means_now(self) -> None:
        assert self.retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0

    @pytest.mark.parametrize(
        "value", ["soon", "-5", "inf", "1e9", "", "²", f"Mon, 01 Jan 2029 00:00:00 +{'9' * 20}"]
    )
    def test_nonsense_is_left_aside(self, value: str) -> None:
        response = httpx.Response(429, headers=[(b"retry-after", value.encode())])
        error = failure_of(response)

        assert isinstance(error, Throttled)
        assert error.retry_after is None


class TestText:
    def test_capitalised_fields_are_preferred(self) -> None:
        error = failure_of(
            json_answer(
                400,
                Code="paramsError",
                Message="the right one",
                RequestId="RQ-C",
                code="other",
                message="the other",
                requestid="RQ-o",
            )
        )

        assert (error.code, error.message, error.request_id) == ("paramsError", "the right one", "RQ-C")

    def test_camel_case_request_id_is_read(self) -> None:
        assert failure_of(json_answer(400, code="paramsError", requestId="RQ-7")).request_id == "RQ-7"

    def test_required_scopes_are_told(self) -> None:
        error = failure_of(
            json_answer(
                403,
                code=f"{FORBIDDEN}.AccessTokenPermissionDenied",
                message="No permission.",
                accessdenieddetail={"requiredScopes": ["VideoConference.Conference.Write"]},
            )
        )

        assert error.required_scopes == ("VideoConference.Conference.Write",)
        assert error.message == "No permission. (required: VideoConference.Conference.Write)"

    @pytest.mark.parametrize(
        "detail", [None, "text", [], {"requiredScopes": "text"}, {"requiredScopes": [1]}]
    )
    def test_scopes_of_the_wrong_type_are_left_aside(self, detail: Any) -> None:
        error = failure_of(json_answer(403, code="apiPermissionDenied", accessdenieddetail=detail))

        assert (error.code, error.required_scopes) == ("apiPermissionDenied", ())

    def test_message_is_one_line_of_bounded_length(self) -> None:
        error = failure_of(json_answer(400, code="paramsError", message="a\x00b\nc\u202ed" + "x" * 9000))

        assert error.message.startswith("a b c dxxx")
        assert len(error.message) == 500

    def test_half_a_surrogate_pair_does_no_harm(self) -> None:
        error = failure_of(
            httpx.Response(
                400, content=b'{"code":"paramsError","message":"a \\ud83d b","requestid":"\\udc00"}'
            )
        )

        assert (error.message, error.request_id) == ("a ? b", "?")

    def test_body_is_an_excerpt(self) -> None:
        error = failure_of(httpx.Response(502, text="y" * 9000))

        assert error.body == "y" * 2000

    def test_error_reads_as_code_and_message(self) -> None:
        assert str(failure_of(named(400, "paramsError"))) == "paramsError: No."

    def test_chinese_message_stays_as_it_is(self) -> None:
        assert failure_of(json_answer(400, code="paramsError", message="参数错误")).message == "参数错误"


class TestSecrecy:
    @pytest.mark.parametrize("body", ECHOES.values(), ids=ECHOES.keys())
    def test_token_that_the_answer_echoes_is_struck_out(self, body: str) -> None:
        error = failure_of(httpx.Response(400, text=body))

        told = f"{error!r} {error} {error.__dict__}"
        assert TOKEN not in told
        assert "u002d5f0c6d" not in told.lower()
        assert "***" in told

    def test_token_at_the_end_of_the_excerpt_is_struck_out_too(self) -> None:
        error = failure_of(httpx.Response(502, text="z" * 1995 + TOKEN))

        assert error.body == "z" * 1995 + "***"

    def test_token_in_an_answer_that_says_yes_is_struck_out(self) -> None:
        with client_answering(json_answer(200, success=True, token=TOKEN)) as client:
            answer = invite(client)

        assert TOKEN not in repr(answer)

    @pytest.mark.parametrize(
        "failure",
        [httpx.ReadError(f"lost {TOKEN}"), httpx.ConnectError("refused"), httpx.ReadTimeout("late")],
    )
    def test_no_error_leads_to_the_request(self, failure: httpx.RequestError) -> None:
        def fail(request: httpx.Request) -> httpx.Response:
            failure.request = request
            raise failure

        with client_answering(fail) as client, pytest.raises(DingTalkError) as caught:
            invite(client)

        assert TOKEN not in str(caught.value)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
