"""The company of the sandbox: who works in which department, and who is in which user group. Thread-safe.

It begins with the demo people at every start. What is changed through the control endpoint lasts until the sandbox
ends. Knows nothing of HTTP.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from invites.dingtalk.sandbox.people import (
    DEMO_ORGANIZER,
    DEMO_PEOPLE,
    ENGINEERING,
    FINANCE,
    PRODUCT,
    SALES,
    SUPPORT,
    UNION_ID_PREFIX,
)

WHOLE_COMPANY: Final = 1


@dataclass(frozen=True, slots=True)
class Department:
    """A department; `parent_id` is None for the company itself."""

    department_id: int
    name: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class UserGroup:
    """A user group, whose members are named by their ids inside the company."""

    code: str
    name: str
    user_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody in the directory. `phone_number` is in E.164, or None where the directory shows none."""

    user_id: str
    union_id: str
    name: str
    phone_number: str | None
    department_id: int


DEPARTMENTS: Final = (
    Department(WHOLE_COMPANY, "Sandbox Ltd 沙箱公司", None),
    Department(10, PRODUCT, WHOLE_COMPANY),
    Department(20, ENGINEERING, WHOLE_COMPANY),
    Department(21, "Platform 平台", 20),
    Department(22, "Apps 应用", 20),
    Department(30, SALES, WHOLE_COMPANY),
    Department(31, "Sales abroad 海外销售", 30),
    Department(40, SUPPORT, WHOLE_COMPANY),
    Department(50, FINANCE, WHOLE_COMPANY),
)
USER_GROUPS: Final = (
    UserGroup(
        "sandbox-group-1",
        "First aiders 急救员",
        ("staff-person-01", "staff-person-02", "staff-person-21", "staff-person-33"),
    ),
    UserGroup("sandbox-group-2", "New starters 新员工", ("staff-person-14", "staff-person-28")),
)
_BY_NAME: Final = {department.name: department.department_id for department in DEPARTMENTS}
# Who does not stand directly in the department of their name, but in one below it.
_BELOW: Final = {13: 21, 14: 21, 15: 22, 16: 22, 21: 31, 22: 31, 23: 31, 24: 31}


class Company:
    """The directory as it is now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._colleagues = {each.user_id: each for each in _at_first()}
        self._left: set[str] = set()

    def colleagues(self) -> list[Colleague]:
        """Everybody, in the order in which they came."""
        with self._lock:
            return list(self._colleagues.values())

    def has_left(self, union_id: str) -> bool:
        """Whether this was somebody's id who is no longer there."""
        with self._lock:
            return union_id in self._left

    def find(self, union_id: str) -> Colleague | None:
        """The colleague with this unionId."""
        return next((each for each in self.colleagues() if each.union_id == union_id), None)

    def people_in(self, department_id: int) -> list[Colleague]:
        """Those who stand directly in a department."""
        return [each for each in self.colleagues() if each.department_id == department_id]

    def members_of(self, code: str) -> list[Colleague] | None:
        """Those in a user group who are still there; None for an unknown group."""
        group = next((group for group in USER_GROUPS if group.code == code), None)
        if group is None:
            return None
        return [each for each in self.colleagues() if each.user_id in group.user_ids]

    def add(self, *, name: str, department_id: int, user_id: str, phone_number: str | None) -> Colleague:
        """Somebody new, or somebody back. Raises ValueError for an id that is taken or a department that is none."""
        if all(each.department_id != department_id for each in DEPARTMENTS):
            raise ValueError("no such department")
        with self._lock:
            if user_id in self._colleagues:
                raise ValueError("this userId is taken")
            union_id = f"{UNION_ID_PREFIX}{user_id.removeprefix('staff-')}"
            colleague = Colleague(user_id, union_id, name, phone_number, department_id)
            self._colleagues[user_id] = colleague
            self._left.discard(union_id)
            return colleague

    def remove(self, user_id: str) -> Colleague:
        """Lets somebody leave. Raises ValueError for somebody who is not there."""
        with self._lock:
            if user_id not in self._colleagues:
                raise ValueError("nobody has this userId")
            colleague = self._colleagues.pop(user_id)
            self._left.add(colleague.union_id)
            return colleague

    def rename(self, user_id: str, name: str) -> Colleague:
        """Gives somebody another name. Raises ValueError for somebody who is not there."""
        with self._lock:
            if user_id not in self._colleagues:
                raise ValueError("nobody has this userId")
            self._colleagues[user_id] = replace(self._colleagues[user_id], name=name)
            return self._colleagues[user_id]


def _at_first() -> Iterable[Colleague]:
    for number, person in enumerate((DEMO_ORGANIZER, *DEMO_PEOPLE)):
        department_id = _BELOW.get(number, _BY_NAME[person.department])
        yield Colleague(person.user_id, person.union_id, person.nick, person.phone_number, department_id)
