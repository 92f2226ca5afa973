"""Asks of each operation that the product needs whether the app may call it. Nothing is rung, made or ended by it.

DingTalk looks at the token, the address and the permission of a call before it looks at what the call is about
(*unverified*). So each operation is asked for something that cannot be: a conference that never was, nobody to invite,
a meeting without anybody who makes it. An answer about *that* shows that the call got through.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from invites.dingtalk import calls, directory_calls, judging
from invites.dingtalk.calls import Call
from invites.dingtalk.directory import WHOLE_COMPANY
from invites.dingtalk.errors import ConferenceOver, DingTalkError, UnknownPerson, WrongParameters
from invites.dingtalk.judging import Reading

NO_CONFERENCE: Final = "0" * 24
"""A conferenceId in the form of DingTalk's that belongs to no conference."""

NOBODY: Final = "connection-test"
"""Stands for a person, in the company or by unionId, whom nobody is."""

NO_NUMBER: Final = "000000000"

_CONFERENCE: Final = f"{calls.CONFERENCES}/{NO_CONFERENCE}"

# In the order in which they are asked: what only reads goes first.
CALLS: Final[Mapping[str, Call]] = MappingProxyType(
    {
        call.operation: call
        for call in (
            calls.info_request(conference_id=NO_CONFERENCE),
            calls.members_request(conference_id=NO_CONFERENCE, max_results=1),
            calls.ongoing_request(union_id=NOBODY),
            calls.room_code_request(room_code=NO_NUMBER),
            # Without a body's fields: the creator and the title, without which there is no meeting, are both missing.
            Call(operation=calls.CREATE_CONFERENCE, method="POST", path=calls.CONFERENCES, body={}),
            # And here all people are.
            Call(
                operation=calls.INVITE_USERS,
                method="POST",
                path=calls.invite_path(NO_CONFERENCE),
                body={"inviteeList": []},
            ),
            calls.lock_request(conference_id=NO_CONFERENCE, action="unlock"),
            calls.close_request(conference_id=NO_CONFERENCE, union_id=NOBODY),
            calls.user_request(union_id=NOBODY),
            directory_calls.search_users(query_word=NOBODY, offset=0, size=1),
            directory_calls.batch_get_users(user_ids=[NOBODY]),
            directory_calls.list_user_groups(offset=0, size=1),
            directory_calls.list_departments(department_id=WHOLE_COMPANY),
            directory_calls.list_people(department_id=WHOLE_COMPANY, cursor=0, size=1),
        )
    }
)

# Answers about what cannot be, which the classes of these errors do not tell already.
_ABOUT_NOTHING: Final = frozenset(
    {"roomNotFound", "missingRoomId", "paramError", "noPermission", "paramsTitleError", "permissionError"}
)


class Probes:
    """The questions. ``ask`` makes a call by a deadline, with a token."""

    def __init__(self, *, ask: Callable[[Call, float | None], Reading]) -> None:
        self._ask = ask

    def make(self, operation: str, *, deadline: float | None = None) -> None:
        """Asks about one of `CALLS`, and returns where the app may call it.

        Raises DingTalkError where it may not, or where nobody can tell.
        """
        try:
            reading = self._ask(CALLS[operation], deadline)
        except DingTalkError as error:
            if not _got_through(error):
                raise
            return
        if operation == calls.CREATE_CONFERENCE and reading.payload and reading.payload.get("conferenceId"):
            raise judging.unreadable(reading, because="a meeting was made although nobody was named")


def _got_through(error: DingTalkError) -> bool:
    return isinstance(error, UnknownPerson | WrongParameters | ConferenceOver) or error.code in _ABOUT_NOTHING


def charged_calls() -> int:
    """How many calls of the organisation's monthly quota it takes to ask about all of them."""
    return sum(not calls.is_exempt(operation) for operation in CALLS)
