"""The documented rule of what called people do."""

import pytest

from invites.dingtalk.sandbox import AttendStatus, SandboxServer
from invites.dingtalk.sandbox.life import attendance, deciding_digit
from tests.dingtalk.sandbox.driving import Call, FakeClock, invite_path, people


def status_after(value: str, seconds: float, *, calls: int = 1, pace: float = 1.0) -> AttendStatus:
    return attendance(value, rung_at=100.0, call=calls, now=100.0 + seconds, pace=pace).status


class TestRule:
    @pytest.mark.parametrize("digit", range(7))
    def test_who_ends_in_0_to_6_joins_that_many_seconds_later_than_two(self, digit: int) -> None:
        assert status_after(f"id-{digit}", 0.1) is AttendStatus.INITIALISED
        assert status_after(f"id-{digit}", 1.9 + digit) is AttendStatus.CALLING
        assert status_after(f"id-{digit}", 2.0 + digit) is AttendStatus.IN_MEETING
        assert status_after(f"id-{digit}", 100_000) is AttendStatus.IN_MEETING

    def test_who_ends_in_7_declines_every_time(self) -> None:
        assert status_after("id-7", 4.9) is AttendStatus.CALLING
        assert status_after("id-7", 5) is AttendStatus.FAILED
        assert status_after("id-7", 5, calls=4) is AttendStatus.FAILED
        assert attendance("id-7", rung_at=0, call=1, now=5, pace=1).declined

    def test_who_ends_in_8_lets_the_first_call_ring_out_and_joins_at_the_second(self) -> None:
        assert status_after("id-8", 29.9) is AttendStatus.CALLING
        assert status_after("id-8", 30) is AttendStatus.FAILED
        assert not attendance("id-8", rung_at=0, call=1, now=30, pace=1).declined
        assert status_after("id-8", 4, calls=2) is AttendStatus.IN_MEETING

    def test_who_ends_in_9_joins_and_leaves_a_minute_later(self) -> None:
        assert status_after("id-9", 4) is AttendStatus.IN_MEETING
        assert status_after("id-9", 63.9) is AttendStatus.IN_MEETING
        gone = attendance("id-9", rung_at=100, call=1, now=500, pace=1)
        assert (gone.status, gone.joined_at, gone.left_at) == (AttendStatus.LEFT, 104, 164)

    def test_pace_multiplies_every_delay(self) -> None:
        assert status_after("id-8", 2.9, pace=0.1) is AttendStatus.CALLING
        assert status_after("id-8", 3.0, pace=0.1) is AttendStatus.FAILED
        assert status_after("id-6", 0.0, pace=0) is AttendStatus.IN_MEETING

    def test_an_id_without_a_last_digit_has_one_all_the_same(self) -> None:
        digits = {deciding_digit(f"{number}x") for number in range(200)}
        assert digits == set(range(10))
        assert deciding_digit("someone") == deciding_digit("someone")
        assert deciding_digit("٣") in range(10), "only ASCII digits decide directly"


class TestLifeInAConference:
    def test_joining_and_leaving_have_their_times(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        started = clock.now
        call("POST", invite_path(conference_id), people("id-9"))
        clock.forward(100)
        member = call("GET", f"/v1.0/conference/videoConferences/{conference_id}/members").json[
            "memberModels"
        ]
        assert member == [
            {
                "attendStatus": 6,
                "conferenceId": conference_id,
                "userNick": "nick of id-9",
                "host": False,
                "coHost": False,
                "outerOrgMember": False,
                "pstnJoin": False,
                "unionId": "id-9",
                "joinTime": round((started + 4) * 1000),
                "leaveTime": round((started + 64) * 1000),
                "duration": 60_000,
            }
        ]

    def test_the_end_of_a_conference_ends_every_call_and_every_stay(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        call("POST", invite_path(conference_id), people("in-0", "ringing-8", "declined-7"))
        clock.forward(20)
        sandbox.close_conference(conference_id)
        clock.forward(1000)
        standing = {each.person.value: each.standing for each in sandbox.members(conference_id)}
        assert standing["in-0"].status is AttendStatus.LEFT
        assert standing["in-0"].left_at == clock.now - 1000
        assert standing["ringing-8"].status is AttendStatus.FAILED
        assert standing["declined-7"].status is AttendStatus.FAILED

    def test_a_lock_keeps_out_whoever_rings_and_whoever_is_called_until_it_is_open_again(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        lock = f"/v1.0/conference/videoConferences/{conference_id}/lock"
        call("POST", invite_path(conference_id), people("in-0", "slow-5"))
        clock.forward(3)
        assert call("POST", lock, {"action": "lock"}).json == {"success": True}
        assert call("POST", invite_path(conference_id), people("late-1")).json == {"success": True}
        clock.forward(60)
        assert _statuses(sandbox, conference_id) == {"in-0": 3, "slow-5": 4, "late-1": 4}
        call("POST", lock, {"action": "unlock"})
        clock.forward(60)
        assert _statuses(sandbox, conference_id) == {"in-0": 3, "slow-5": 4, "late-1": 4}
        call("POST", invite_path(conference_id), people("slow-5", "late-1"))
        clock.forward(10)
        assert _statuses(sandbox, conference_id) == {"in-0": 3, "slow-5": 3, "late-1": 3}

    @pytest.mark.parametrize("fields", [{}, {"action": "close"}, {"action": 1}])
    def test_a_lock_without_a_known_action_is_refused(
        self, call: Call, conference_id: str, fields: dict[str, object]
    ) -> None:
        got = call("POST", f"/v1.0/conference/videoConferences/{conference_id}/lock", fields)
        assert (got.status, got.code) == (400, "paramsError")

    def test_an_ended_conference_is_not_locked(
        self, sandbox: SandboxServer, call: Call, conference_id: str
    ) -> None:
        sandbox.close_conference(conference_id)
        got = call("POST", f"/v1.0/conference/videoConferences/{conference_id}/lock", {"action": "lock"})
        assert got.code == "confClosed"

    def test_ringing_somebody_who_is_in_the_meeting_changes_nothing(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        call("POST", invite_path(conference_id), people("in-0"))
        clock.forward(10)
        call("POST", invite_path(conference_id), people("in-0"))
        (member,) = sandbox.members(conference_id)
        assert member.standing.status is AttendStatus.IN_MEETING
        assert member.seconds_in_meeting == 8

    def test_ringing_again_calls_those_who_are_not_there(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        call("POST", invite_path(conference_id), people("absent-8", "declines-7"))
        clock.forward(60)
        call("POST", invite_path(conference_id), people("absent-8", "declines-7"))
        clock.forward(1)
        assert {each.standing.status for each in sandbox.members(conference_id)} == {AttendStatus.CALLING}
        clock.forward(30)
        statuses = {each.person.value: each.standing.status for each in sandbox.members(conference_id)}
        assert statuses == {"absent-8": AttendStatus.IN_MEETING, "declines-7": AttendStatus.FAILED}

    def test_a_removed_person_stays_removed_until_called_again(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        call("POST", invite_path(conference_id), people("in-0"))
        clock.forward(10)
        kicked = call(
            "POST",
            f"/v1.0/conference/videoConferences/{conference_id}/members/kick",
            {"userList": [{"unionId": "in-0"}]},
        )
        clock.forward(10)
        assert kicked.json == {"success": True}
        (member,) = sandbox.members(conference_id)
        assert (member.standing.status, member.seconds_in_meeting) == (AttendStatus.REMOVED, 8)
        call("POST", invite_path(conference_id), people("in-0"))
        clock.forward(2)
        assert sandbox.members(conference_id)[0].standing.status is AttendStatus.IN_MEETING

    def test_the_information_counts_who_is_in_who_was_and_who_was_called(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        called = people("in-0", "in-1", "left-9", "declined-7", "absent-8")
        call("POST", invite_path(conference_id), called)
        clock.forward(100)
        found = call("GET", f"/v1.0/conference/videoConferences/{conference_id}").json["confInfo"]
        assert isinstance(found, dict)
        assert (found["activeNum"], found["attendNum"], found["invitedNum"]) == (2, 3, 5)

    def test_somebody_who_was_there_still_counts_while_being_called_again(
        self, sandbox: SandboxServer, clock: FakeClock, call: Call, conference_id: str
    ) -> None:
        call("POST", invite_path(conference_id), people("left-9"))
        clock.forward(100)
        call("POST", invite_path(conference_id), people("left-9"))
        found = call("GET", f"/v1.0/conference/videoConferences/{conference_id}").json["confInfo"]
        assert isinstance(found, dict)
        assert (found["activeNum"], found["attendNum"], found["invitedNum"]) == (0, 1, 1)


class TestDemoConferences:
    def test_the_demo_conferences_show_every_settled_state(self, sandbox: SandboxServer) -> None:
        statuses = {each.standing.status for each in sandbox.members("5a9db0c000000000000000a1")}
        assert statuses == {
            AttendStatus.IN_MEETING,
            AttendStatus.FAILED,
            AttendStatus.REMOVED,
            AttendStatus.LEFT,
        }


def _statuses(sandbox: SandboxServer, conference_id: str) -> dict[str, int]:
    return {each.person.value: int(each.standing.status) for each in sandbox.members(conference_id)}
