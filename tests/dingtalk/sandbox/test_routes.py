"""Paths: decoded once, segment by segment."""

import pytest

from invites.dingtalk.sandbox.routes import Operation, resolve

PREFIX = "/v1.0/conference/videoConferences"


class TestConferenceId:
    @pytest.mark.parametrize(
        ("segment", "conference_id"),
        [
            ("607452e0", "607452e0"),
            ("a%2Fb", "a/b"),
            ("a%252Fb", "a%2Fb"),
            ("%E4%B8%AD", "中"),
            ("a+b", "a+b"),
            ("%2e%2e", ".."),
            ("100%", "100%"),
            ("%FF", "\N{REPLACEMENT CHARACTER}"),
            ("", ""),
        ],
    )
    def test_one_segment_is_decoded_once(self, segment: str, conference_id: str) -> None:
        target = resolve("POST", f"{PREFIX}/{segment}/users/invite")
        assert target.operation is Operation.INVITE
        assert target.path == {"conferenceId": conference_id}

    @pytest.mark.parametrize("segment", ["a/b", "../x", "q?x=1", "a//b"])
    def test_more_or_less_than_one_segment_is_no_invitation(self, segment: str) -> None:
        assert resolve("POST", f"{PREFIX}/{segment}/users/invite").operation is None

    def test_the_method_decides_too(self) -> None:
        assert resolve("GET", f"{PREFIX}/x").operation is Operation.INFO
        assert resolve("DELETE", f"{PREFIX}/x?unionId=u").operation is Operation.CLOSE
        assert resolve("POST", f"{PREFIX}/x").operation is None
        assert resolve("POST", f"{PREFIX}/query").operation is Operation.BATCH_INFO
        assert resolve("GET", f"{PREFIX}/x/users/invite").operation is None

    def test_fixed_paths_come_before_patterns(self) -> None:
        assert resolve("GET", "/v1.0/contact/users/batch/get").operation is Operation.CONTACT_BATCH
        assert resolve("GET", "/v1.0/contact/users/batch").operation is Operation.CONTACT_GET


class TestQuery:
    def test_fields_are_form_decoded_and_blank_ones_kept(self) -> None:
        assert resolve("GET", f"{PREFIX}/x/members?nextToken=&maxResults=3&q=a+b%2Bc").query == {
            "nextToken": "",
            "maxResults": "3",
            "q": "a b+c",
        }

    def test_a_query_of_absurd_length_is_refused(self) -> None:
        with pytest.raises(ValueError, match="fields"):
            resolve("GET", f"{PREFIX}/x?{'&'.join('a=1' for _ in range(101))}")
