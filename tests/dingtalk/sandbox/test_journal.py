"""What the journal keeps: enough to start again, enough to compare with, and no secret."""

import json
from pathlib import Path

import pytest

from invites.dingtalk.sandbox import AttendStatus, SandboxServer
from tests.dingtalk.sandbox.driving import FakeClock, Got, call_at, invite_path, people

CREDENTIALS = {"appKey": "sandbox-client-id", "appSecret": "sandbox-client-secret"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "sandbox.jsonl"


def lines(path: Path, kind: str) -> list[dict[str, object]]:
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [record for record in records if record["kind"] == kind]


def invite(server: SandboxServer, conference_id: str, *union_ids: str) -> Got:
    return call_at(server, "POST", invite_path(conference_id), people(*union_ids))


class TestRestart:
    def test_conferences_people_and_ends_outlive_the_process(self, path: Path, clock: FakeClock) -> None:
        with SandboxServer(journal=path, clock=clock) as first:
            kept = first.add_conference(title="Kept 会议", people=["host-0"])
            ended = first.add_conference(title="Ended", people=["x-1"])
            invite(first, kept.conference_id, "a-1", "b-9", "c-8")
            path_of_kick = f"/v1.0/conference/videoConferences/{kept.conference_id}/members/kick"
            clock.forward(10)
            call_at(first, "POST", path_of_kick, {"userList": [{"unionId": "a-1"}]})
            first.close_conference(ended.conference_id)
            clock.forward(25)
            invite(first, kept.conference_id, "c-8")
            before = [first.members(each.conference_id) for each in (kept, ended)]
        with SandboxServer(journal=path, clock=clock) as second:
            assert [second.members(each.conference_id) for each in (kept, ended)] == before
            found = call_at(second, "GET", f"/v1.0/conference/videoConferences/{kept.conference_id}").json
            assert isinstance(found["confInfo"], dict)
            assert (found["confInfo"]["title"], found["confInfo"]["roomCode"]) == (
                "Kept 会议",
                kept.room_code,
            )
            assert invite(second, ended.conference_id, "z").code == "confClosed"

    def test_a_lock_outlives_the_process(self, path: Path, clock: FakeClock) -> None:
        with SandboxServer(journal=path, clock=clock) as first:
            conference_id = first.add_conference(people=["rings-8"]).conference_id
            first.lock_conference(conference_id)
        with SandboxServer(journal=path, clock=clock) as second:
            invite(second, conference_id, "a-0")
            clock.forward(60)
            assert {each.standing.status for each in second.members(conference_id)} == {AttendStatus.FAILED}

    def test_life_goes_on_while_nothing_runs(self, path: Path, clock: FakeClock) -> None:
        with SandboxServer(journal=path, clock=clock) as first:
            conference_id = first.add_conference().conference_id
            invite(first, conference_id, "a-9")
        clock.forward(30)
        with SandboxServer(journal=path, clock=clock) as second:
            (member,) = second.members(conference_id)
            assert member.standing.status is AttendStatus.IN_MEETING

    def test_a_second_call_after_a_restart_counts_as_the_second(self, path: Path, clock: FakeClock) -> None:
        with SandboxServer(journal=path, clock=clock) as first:
            conference_id = first.add_conference().conference_id
            invite(first, conference_id, "a-8")
        clock.forward(60)
        with SandboxServer(journal=path, clock=clock) as second:
            invite(second, conference_id, "a-8")
            clock.forward(5)
            assert second.members(conference_id)[0].standing.status is AttendStatus.IN_MEETING

    def test_the_demo_conferences_are_written_once_and_keep_their_past(
        self, path: Path, clock: FakeClock
    ) -> None:
        for _ in range(3):
            with SandboxServer(journal=path, clock=clock):
                clock.forward(3600)
        assert len(lines(path, "created")) == 4

    def test_a_line_cut_short_by_a_crash_is_passed_over_and_the_next_one_stands_alone(
        self, path: Path, clock: FakeClock
    ) -> None:
        with SandboxServer(journal=path, clock=clock, demo=False) as first:
            conference_id = first.add_conference().conference_id
        with path.open("a", encoding="utf-8") as file:
            file.write('{"kind":"invited","at":1800000000,"conferen')
        with SandboxServer(journal=path, clock=clock, demo=False) as second:
            assert invite(second, conference_id, "a-0").json == {"success": True}
        with SandboxServer(journal=path, clock=clock, demo=False) as third:
            assert [member.person.value for member in third.members(conference_id)] == ["a-0"]

    @pytest.mark.parametrize(
        "line",
        [
            "not json",
            "[]",
            "7",
            "{}",
            '{"kind":"invited"}',
            '{"kind":"created","at":"x","conferenceId":"a"}',
            '{"kind":"invited","at":1,"conferenceId":"nowhere","people":[]}',
            '{"kind":"invited","at":1,"conferenceId":"a","people":[7]}',
            '{"kind":"invited","at":1,"conferenceId":"a","people":[{"channel":"pigeon","value":"x","nick":"y"}]}',
            '{"kind":"dance","at":1,"conferenceId":"a"}',
        ],
    )
    def test_a_line_that_says_nothing_is_passed_over(self, path: Path, line: str) -> None:
        path.parent.mkdir()
        path.write_text(f"{line}\n", encoding="utf-8")
        with SandboxServer(journal=path, demo=False) as server:
            conference_id = server.add_conference().conference_id
            assert invite(server, conference_id, "a").json == {"success": True}

    def test_a_stopped_sandbox_comes_back_at_the_same_address(self, path: Path) -> None:
        server = SandboxServer(journal=path).start()
        conference_id, address = server.add_conference().conference_id, server.base_url
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            invite(server, conference_id, "a")
        with server:
            assert server.base_url == address
            assert invite(server, conference_id, "a").json == {"success": True}


class TestLines:
    def test_every_received_invitation_is_there_with_its_people(self, path: Path) -> None:
        with SandboxServer(journal=path, demo=False) as server:
            conference_id = server.add_conference().conference_id
            body = {
                "unionId": "operator",
                "inviteeList": [{"unionId": "a", "nick": "阿"}],
                "phoneInviteeList": [{"phoneNumber": "1000000061", "nick": "客户"}],
            }
            got = call_at(server, "POST", invite_path(conference_id), body)
        (line,) = [each for each in lines(path, "received") if each["operation"] == "invite"]
        assert line["conferenceId"] == conference_id
        assert line["operator"] == "operator"
        assert line["requestId"] == got.headers["x-acs-request-id"]
        assert line["people"] == [
            {"channel": "union_id", "value": "a", "nick": "阿"},
            {"channel": "phone", "value": "+861000000061", "nick": "客户"},
        ]

    def test_refused_and_spoilt_invitations_are_there_too(self, path: Path) -> None:
        with SandboxServer(journal=path, demo=False) as server:
            conference_id = server.add_conference().conference_id
            invite(server, conference_id, "unknown-1")
            call_at(server, "POST", invite_path(conference_id), people("a"), token="stale")
            invite(server, "0" * 24, "a")
            server.add_fault("throttled")
            invite(server, conference_id, "b")
        assert len(lines(path, "received")) == 4
        assert [(each["status"], each["code"], each["fault"]) for each in lines(path, "answered")] == [
            (400, "unknownUserError", None),
            (401, "InvalidAuthentication", None),
            (400, "resourceClose", None),
            (429, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "throttled"),
        ]
        assert lines(path, "invited") == []

    def test_the_line_is_written_before_the_answer_leaves(self, path: Path) -> None:
        with SandboxServer(journal=path, demo=False) as server:
            conference_id = server.add_conference().conference_id
            server.add_fault("hang", seconds=60)
            with pytest.raises(TimeoutError):
                call_at(server, "POST", invite_path(conference_id), people("a"), timeout=0.3)
            assert len(lines(path, "received")) == 1
            assert len(lines(path, "invited")) == 1

    def test_what_cannot_be_written_is_not_answered(self, path: Path) -> None:
        with SandboxServer(journal=path, demo=False) as server:
            conference_id = server.add_conference().conference_id
            server.stop()
            path.unlink()
            path.mkdir()
            server.start()
            with pytest.raises(ConnectionError):
                invite(server, conference_id, "a")
            assert server.members(conference_id) == []

    def test_no_token_and_no_secret_is_kept_anywhere(self, path: Path) -> None:
        with SandboxServer(journal=path) as server:
            got = call_at(server, "POST", "/v1.0/oauth2/accessToken", CREDENTIALS, token=None)
            token = str(got.json["accessToken"])
            call_at(server, "POST", "/v1.0/oauth2/accessToken", CREDENTIALS | {"appSecret": "wrong-secret"})
            call_at(server, "GET", f"/gettoken?appsecret=old-secret&access_token={token}", token=token)
            call_at(server, "POST", "/v1.0/oauth2/other", {"secret": "other-secret"}, token=token)
            created = call_at(
                server,
                "POST",
                "/v1.0/conference/videoConferences",
                {"userId": "a", "confTitle": "T"},
                token=token,
            ).json
            log = call_at(server, "GET", "/_sandbox/log").body.decode()
            memory = repr(server.received) + repr(server)
        kept = path.read_text(encoding="utf-8")
        secrets = ["sandbox-client-secret", "wrong-secret", "old-secret", "other-secret", token]
        assert [secret for secret in secrets if secret in kept + log + memory] == []
        assert f'"{created["hostPassword"]}"' not in kept

    def test_only_its_owner_can_read_it(self, path: Path) -> None:
        with SandboxServer(journal=path):
            assert path.stat().st_mode & 0o777 == 0o600

    def test_without_a_journal_nothing_is_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        with SandboxServer() as server:
            invite(server, server.add_conference().conference_id, "a")
        assert list(tmp_path.iterdir()) == []
