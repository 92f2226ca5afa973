"""What DingTalk answers in a history that looks real: how often, with which words, after how long."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

SUCCEEDED, FAILED, UNKNOWN = "succeeded", "failed", "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. ``people_state`` is that in which it leaves its people; ``milliseconds`` the usual time."""

    state: str
    people_state: str
    code: str = ""
    status: int | None = 200
    messages: tuple[str, ...] = ("",)
    milliseconds: float = 180

    def excerpt(self, message: str, request_id: str) -> str:
        """The beginning of the answer, as it is kept."""
        if self.state == SUCCEEDED:
            return '{"success":true}'
        if self.status is None or self.state == UNKNOWN:
            return ""
        return json.dumps(
            {"code": self.code, "requestid": request_id, "message": message}, ensure_ascii=False
        )


TAKEN = Answer(state=SUCCEEDED, people_state="invited")


def _refused(code: str, status: int, *messages: str, again: bool = False, milliseconds: float = 60) -> Answer:
    """An answer that says no; ``again`` where its people go on waiting for another try."""
    return Answer(
        state=FAILED,
        people_state="pending" if again else "failed",
        code=code,
        status=status,
        messages=messages,
        milliseconds=milliseconds,
    )


def _unheard(code: str, message: str, *, status: int | None = None, milliseconds: float = 400) -> Answer:
    """A call of which nobody knows what came of it."""
    return Answer(
        state=UNKNOWN,
        people_state="unknown",
        code=code,
        status=status,
        messages=(message,),
        milliseconds=milliseconds,
    )


UNKNOWN_USER = _refused("unknownUserError", 400, "未知用户", "unknown user: {value}", "用户不存在：{value}")
CONFERENCE_OVER = _refused("confClosed", 400, "会议已结束", "the conference has been closed")
# Tried again at once or after a pause, and then taken.
PASSING = (
    _refused(
        "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
        403,
        "You have called this api too often: the appkey is limited to 20 a second, {number} were made",
        "请求被限流，appkey({number})对接口的调用频率超过了每秒限制",
        again=True,
    ),
    _refused(
        "InvalidAuthentication", 401, "不合法的access_token", "The access token is invalid.", again=True
    ),
    Answer(
        state=FAILED,
        people_state="pending",
        code="notConnected",
        status=None,
        messages=("No connection to DingTalk.",),
        milliseconds=5,
    ),
)
PASSING_SHARES = (12, 6, 3)
FINAL = (
    _refused("systemError", 500, "系统异常，请稍后重试 ({number})", milliseconds=900),
    _refused("paramsError", 400, "参数错误: invitees[{number}].nick", "参数错误"),
    _refused(
        "Forbidden.AccessDenied.AccessTokenPermissionDenied",
        403,
        "应用尚未开通所需的权限：[VideoConference.Conference.Write]",
    ),
    _refused("noPermission", 400, "operator {operator} has no permission"),
    _unheard("readTimeout", "DingTalk did not answer in time.", milliseconds=10_400),
    _unheard("connectionLost", "The connection broke before the answer was whole."),
    _unheard("http_502", "DingTalk's gateway answered 502.", status=502),
    _unheard("deadline", "The time for the call was over before the answer was.", milliseconds=15_100),
    _unheard("processDied", "The process that made this call has died.", milliseconds=45_000),
)
FINAL_SHARES = (4, 3, 1, 2, 9, 5, 3, 2, 1)

# Codes that came on a few days only, long ago: what is found by them lies deep down.
RARE = _refused("accesstoken.expired", 401, "access_token已过期", again=True)
BROKEN_DAY = _unheard("http_504", "DingTalk's gateway answered 504.", status=504, milliseconds=30_000)


def took(choose: random.Random, answer: Answer) -> int:
    """Milliseconds from claim to answer: mostly near the usual, now and then a multiple of it."""
    return max(1, round(answer.milliseconds * choose.lognormvariate(0, 0.5)))


def message_of(choose: random.Random, answer: Answer, *, value: str, operator: str) -> str:
    """DingTalk's words, which name somebody now and then."""
    text = choose.choice(answer.messages)
    return (
        text.format(value=value, operator=operator, number=choose.randrange(10, 90)) if "{" in text else text
    )


def pick(choose: random.Random, answers: Sequence[Answer], shares: Sequence[int]) -> Answer:
    """One of ``answers``, as often as its share says."""
    return choose.choices(answers, shares)[0]
