"""Asks the company's directory: who is in it, its departments and its user groups. None of it is taken from the quota.

Got from a client, whose connections, tokens and deadline it shares. Every method asks once, and once more after a stale
token; each raises DingTalkError, and ValueError, with nothing sent, for what is wrong by construction.
"""

from collections.abc import Callable, Sequence

from invites.dingtalk import directory_answers, directory_calls
from invites.dingtalk.answers import parsed
from invites.dingtalk.calls import Call
from invites.dingtalk.directory_calls import MOST_PEOPLE
from invites.dingtalk.judging import Reading
from invites.dingtalk.types import (
    Department,
    DirectoryPeople,
    FoundIds,
    GroupMembersPage,
    PeoplePage,
    UserGroupsPage,
)

WHOLE_COMPANY = 1
"""The id of the department that is the company itself."""


class Directory:
    """The directory of one app's company. ``ask`` makes a call by a deadline; ``country`` is that of plain numbers."""

    def __init__(self, *, ask: Callable[[Call, float | None], Reading], country: str) -> None:
        self._ask, self._country = ask, country

    def search_users(
        self, *, query_word: str, offset: int = 0, size: int = 20, deadline: float | None = None
    ) -> FoundIds:
        """The ids inside the company of people whose name contains a word."""
        call = directory_calls.search_users(query_word=query_word, offset=offset, size=size)
        return parsed(self._ask(call, deadline), directory_answers.found_ids)

    def search_departments(
        self, *, query_word: str, offset: int = 0, size: int = 20, deadline: float | None = None
    ) -> FoundIds:
        """The ids of departments whose name contains a word."""
        call = directory_calls.search_departments(query_word=query_word, offset=offset, size=size)
        return parsed(self._ask(call, deadline), directory_answers.found_ids)

    def batch_get_users(self, *, user_ids: Sequence[str], deadline: float | None = None) -> DirectoryPeople:
        """The people with these ids inside the company."""
        reading = self._ask(directory_calls.batch_get_users(user_ids=user_ids), deadline)
        return parsed(reading, lambda fields: directory_answers.people_by_id(fields, country=self._country))

    def list_user_groups(
        self, *, offset: int = 0, size: int = 100, deadline: float | None = None
    ) -> UserGroupsPage:
        """One page of the user groups."""
        reading = self._ask(directory_calls.list_user_groups(offset=offset, size=size), deadline)
        return parsed(reading, directory_answers.user_groups_page)

    def list_user_group_members(
        self, *, group_code: str, offset: int = 0, size: int = 50, deadline: float | None = None
    ) -> GroupMembersPage:
        """One page of the people in a user group."""
        call = directory_calls.list_user_group_members(group_code=group_code, offset=offset, size=size)
        return parsed(self._ask(call, deadline), directory_answers.group_members_page)

    def list_departments(
        self, *, department_id: int = WHOLE_COMPANY, deadline: float | None = None
    ) -> tuple[Department, ...]:
        """The departments directly below one."""
        reading = self._ask(directory_calls.list_departments(department_id=department_id), deadline)
        return parsed(reading, directory_answers.departments)

    def get_department(self, *, department_id: int, deadline: float | None = None) -> Department:
        """One department."""
        reading = self._ask(directory_calls.get_department(department_id=department_id), deadline)
        return parsed(reading, directory_answers.department)

    def list_people(
        self, *, department_id: int, cursor: int = 0, size: int = MOST_PEOPLE, deadline: float | None = None
    ) -> PeoplePage:
        """One page of the people who stand directly in a department."""
        call = directory_calls.list_people(department_id=department_id, cursor=cursor, size=size)
        return parsed(
            self._ask(call, deadline),
            lambda fields: directory_answers.people_page(fields, country=self._country),
        )
