"""Codes explained: none is missing, none is guessed, and every text says whether somebody was called."""

import dataclasses

import pytest
from django.utils.translation import override

from invites import delivering, inviting
from invites.dingtalk import codes
from invites.explaining import (
    APP_UNAVAILABLE,
    CATALOGUE,
    CONFERENCE_LOCKED,
    PROCESS_DIED,
    TIME_IS_UP,
    UNKNOWN_CODE,
    UNKNOWN_OPERATOR,
    Mover,
    explain,
)

DOCUMENTED_BY_DINGTALK = [
    "unknownUserError",
    "paramsError",
    "systemError",
    "confClosed",
    "InvalidAuthentication",
    "invalidAccessToken",
    "accesstoken.expired",
    "Forbidden.AccessDenied.AccessTokenPermissionDenied",
    "permissions.error",
    "apiPermissionDenied",
    "Forbidden.AccessDenied.IpNotInWhiteList",
    "Forbidden.AccessDenied.QpsLimitForApi",
    "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
    "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi",
    "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi",
    "Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi",
    "qps.exceed.limit",
    "system.busy",
    "systemBusy",
    "Forbidden.AccessDenied.ApiCountLimitForOrg",
    "resourceClose",
    "conference.not.found",
    "orgAccessForbidden",
    "paramsTitleError",
    "waterLimitError",
    "permissionError",
    "missingRoomId",
    "paramError",
    "noPermission",
    "roomNotFound",
    "invalidClientIdOrSecret",
    "invalidSuiteKey",
    "invalidSuiteTicket",
    "invalidAuthInfo",
    "invalidParameter.corporation.invalidAuthorizationCorporationId",
    "90018",
]
WHY_LEFT_OUT = {
    delivering.PROCESS_DIED,
    delivering.APP_UNAVAILABLE,
    delivering.TOO_LATE,
    inviting.TIME_IS_UP,
    CONFERENCE_LOCKED,
    UNKNOWN_OPERATOR,
}
EVERY_CODE = sorted(
    {
        *DOCUMENTED_BY_DINGTALK,
        *codes.DOCUMENTED,
        *codes.OLD_STYLE,
        *codes.OWN,
        PROCESS_DIED,
        APP_UNAVAILABLE,
        TIME_IS_UP,
        CONFERENCE_LOCKED,
        UNKNOWN_OPERATOR,
    }
    | {
        codes.http_code(status)
        for status in (204, 301, 400, 401, 403, 404, 418, 429, 500, 502, 503, 504, 520)
    }
)


class TestKnownCodes:
    @pytest.mark.parametrize("code", EVERY_CODE)
    def test_every_code_is_explained(self, code: str) -> None:
        explanation = explain(code)
        assert explanation.known
        assert explanation.code == code
        assert str(explanation.what).endswith(".")
        assert str(explanation.action).endswith(".")
        assert explanation.whose_move in Mover.labels

    @pytest.mark.parametrize("code", EVERY_CODE)
    def test_every_explanation_says_whether_somebody_was_called(self, code: str) -> None:
        with override("en"):
            assert "called" in str(explain(code).what)

    @pytest.mark.parametrize("code", sorted(WHY_LEFT_OUT - {delivering.PROCESS_DIED}))
    def test_people_who_were_left_out_were_not_called(self, code: str) -> None:
        with override("en"):
            assert "may have been called" not in str(explain(code).what)

    @pytest.mark.parametrize("code", sorted({*codes.DOCUMENTED, *codes.OLD_STYLE, *codes.OWN}))
    def test_explanation_agrees_with_consequence_about_who_may_have_rung(self, code: str) -> None:
        facts = codes.OWN.get(code) or codes.facts_of(code)
        assert facts is not None
        with override("en"):
            assert ("may have been called" in str(explain(code).what)) == facts.consequence.may_have_rung

    @pytest.mark.parametrize("code", sorted({*codes.DOCUMENTED, *codes.OLD_STYLE, *codes.OWN}))
    def test_what_is_retried_without_a_person_says_so_while_people_wait(self, code: str) -> None:
        facts = codes.OWN.get(code) or codes.facts_of(code)
        assert facts is not None
        goes_on = facts.consequence.worth_retrying or code == "unknownUserError"
        assert (explain(code, still_waiting=True).mover == Mover.NOBODY) == goes_on

    @pytest.mark.parametrize("code", EVERY_CODE)
    def test_people_who_are_left_as_they_are_always_have_somebody_whose_move_it_is(self, code: str) -> None:
        assert explain(code).mover != Mover.NOBODY

    def test_new_name_of_a_limit_is_explained_by_its_family(self) -> None:
        assert explain("Forbidden.AccessDenied.QpsLimitForTuesdays").what == explain("qps.exceed.limit").what
        minute = explain("Forbidden.AccessDenied.QpmLimitForTuesdays")
        assert minute.what == explain("Forbidden.AccessDenied.QpmLimitForAppkeyAndApi").what

    @pytest.mark.parametrize(("code", "kin"), [("http_418", "http_400"), ("http_520", "http_502")])
    def test_status_without_code_is_explained_by_its_hundred(self, code: str, kin: str) -> None:
        assert explain(code).what == explain(kin).what


class TestUnknownCodes:
    @pytest.mark.parametrize("code", ["brandNewError", "dingtalk.http_404", "http_abc", "", "unknown"])
    def test_unknown_code_is_shown_as_it_came_and_not_guessed(self, code: str) -> None:
        explanation = explain(code)
        assert not explanation.known
        assert explanation.code == code
        assert explanation.what == UNKNOWN_CODE.what
        assert explanation.anchor == "unknown"


class TestCatalogue:
    def test_no_code_is_explained_twice(self) -> None:
        listed = [code for entry in CATALOGUE for code in entry.codes]
        assert len(listed) == len(set(listed))

    @pytest.mark.parametrize("code", [*EVERY_CODE, "brandNewError"])
    def test_every_explanation_has_its_place_in_the_list(self, code: str) -> None:
        entry = next(entry for entry in CATALOGUE if explain(code).anchor in entry.codes)
        assert entry.what == explain(code).what

    def test_explanation_cannot_be_changed(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            explain("systemError").code = "other"  # type: ignore[misc]
