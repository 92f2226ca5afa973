"""The directory's operations, over one company. Each returns the payload of a 200 or refuses.

Those of the older interface are answered as they are here, under `result`; `answers.in_old_style` adds the rest.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from invites.dingtalk.sandbox.answers import RefusedError
from invites.dingtalk.sandbox.company import DEPARTMENTS, USER_GROUPS, Colleague, Company, Department
from invites.dingtalk.sandbox.invitees import is_known_union_id, required_text
from invites.dingtalk.sandbox.people import open_id_of
from invites.dingtalk.sandbox.routes import Operation
from invites.dingtalk.sandbox.state import nick_of
from invites.dingtalk.sandbox.traffic import Request

MOST_FOUND: Final = 100
COUNTRY_CODES: Final = ("86", "44", "61", "1")
NO_SUCH_DEPARTMENT: Final = "60003"

type Payload = dict[str, object]


class DirectoryOperations:
    """People, departments and user groups."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self.table: Mapping[Operation, Callable[[Request], Payload]] = {
            Operation.CONTACT_GET: self._contact_get,
            Operation.CONTACT_SEARCH: self._contact_search,
            Operation.CONTACT_BATCH: self._contact_batch,
            Operation.DEPARTMENT_SEARCH: _department_search,
            Operation.USER_GROUPS: _user_groups,
            Operation.USER_GROUP_MEMBERS: self._user_group_members,
            Operation.DEPARTMENTS_BELOW: _departments_below,
            Operation.DEPARTMENT_GET: _department_get,
            Operation.DEPARTMENT_PEOPLE: self._department_people,
        }

    def _contact_get(self, request: Request) -> Payload:
        union_id = request.resolved.path["unionId"]
        if not is_known_union_id(union_id) or self._company.has_left(union_id):
            raise RefusedError("unknownUserError", status=404)
        colleague = self._company.find(union_id)
        return {
            "nick": colleague.name if colleague else nick_of(union_id),
            "unionId": union_id,
            "openId": open_id_of(union_id),
            "visitor": False,
            **_mobile(colleague, number="mobile", country="stateCode"),
        }

    def _contact_search(self, request: Request) -> Payload:
        word = required_text(request.fields, "queryWord").casefold()
        exact = request.fields.get("fullMatchField") == 1
        found = [
            each.user_id
            for each in self._company.colleagues()
            if (each.name.casefold() == word if exact else word in each.name.casefold())
        ]
        return _found(request, found)

    def _contact_batch(self, request: Request) -> Payload:
        wanted = _user_ids(request)
        found = [each for each in self._company.colleagues() if each.user_id in wanted]
        unauthorized = sorted(wanted - {each.user_id for each in found})
        return {"userList": [_entry(each) for each in found], "unauthorizedUserIdList": unauthorized}

    def _user_group_members(self, request: Request) -> Payload:
        members = self._company.members_of(required_text(request.resolved.query, "groupCode"))
        if members is None:
            raise RefusedError("paramError", "no such group")
        rows = [{"userId": each.user_id, "name": each.name} for each in members]
        return {"result": _page_of(request, "members", rows)}

    def _department_people(self, request: Request) -> Payload:
        department = _department(request)
        people = self._company.people_in(department.department_id)
        start, size = _count(request.fields, "cursor", 0), _count(request.fields, "size", MOST_FOUND)
        if not 0 < size <= MOST_FOUND:
            raise RefusedError("paramsError", f"size must be from 1 to {MOST_FOUND}")
        end = start + size
        page: Payload = {
            "has_more": end < len(people),
            "list": [_entry(each) for each in people[start:end]],
        }
        return {"result": page | ({"next_cursor": end} if end < len(people) else {})}


def _department_search(request: Request) -> Payload:
    word = required_text(request.fields, "queryWord").casefold()
    return _found(request, [each.department_id for each in DEPARTMENTS if word in each.name.casefold()])


def _user_groups(request: Request) -> Payload:
    rows = [{"groupCode": each.code, "groupType": "static", "name": each.name} for each in USER_GROUPS]
    return {"result": _page_of(request, "groups", rows)}


def _departments_below(request: Request) -> Payload:
    department = _department(request)
    return {"result": [_facts(each) for each in DEPARTMENTS if each.parent_id == department.department_id]}


def _department_get(request: Request) -> Payload:
    return {"result": _facts(_department(request))}


def _department(request: Request) -> Department:
    department_id = _count(request.fields, "dept_id", 1)
    found = next((each for each in DEPARTMENTS if each.department_id == department_id), None)
    if found is None:
        raise RefusedError(NO_SUCH_DEPARTMENT, "no such department")
    return found


def _facts(department: Department) -> Payload:
    facts: Payload = {"dept_id": department.department_id, "name": department.name}
    return facts if department.parent_id is None else facts | {"parent_id": department.parent_id}


def _found(request: Request, ids: Sequence[object]) -> Payload:
    offset, size = _count(request.fields, "offset", 0), _count(request.fields, "size", MOST_FOUND)
    end = offset + min(size, MOST_FOUND)
    return {"hasMore": end < len(ids), "totalCount": len(ids), "list": list(ids[offset:end])}


def _page_of(request: Request, name: str, rows: Sequence[object]) -> Payload:
    """One page by offset and size, which stand in the query."""
    query = request.resolved.query
    numbers = {key: query.get(key, "") for key in ("offset", "size")}
    if not all(value.isascii() and value.isdecimal() for value in numbers.values() if value):
        raise RefusedError("paramError", "offset and size must be numbers")
    start, size = int(numbers["offset"] or 0), int(numbers["size"] or MOST_FOUND)
    end = start + min(size, MOST_FOUND)
    page: Payload = {name: list(rows[start:end]), "hasMore": end < len(rows)}
    return page | ({"nextOffset": end} if end < len(rows) else {})


def _user_ids(request: Request) -> set[str]:
    try:
        user_ids = json.loads(required_text(request.resolved.query, "userIdList"))
    except (ValueError, RecursionError) as error:
        raise RefusedError("paramsError", "error:userIdList must be a JSON list") from error
    if not isinstance(user_ids, list):
        raise RefusedError("paramsError", "error:userIdList must be a JSON list")
    return {user_id for user_id in user_ids if isinstance(user_id, str)}


def _entry(colleague: Colleague) -> Payload:
    return {
        "userid": colleague.user_id,
        "unionid": colleague.union_id,
        "name": colleague.name,
        "nickname": colleague.name,
        **_mobile(colleague, number="mobile", country="state_code"),
    }


def _mobile(colleague: Colleague | None, *, number: str, country: str) -> Payload:
    if colleague is None or colleague.phone_number is None:
        return {}
    digits = colleague.phone_number.removeprefix("+")
    code = next((code for code in COUNTRY_CODES if digits.startswith(code)), "")
    return {number: digits.removeprefix(code), country: code}


def _count(fields: Mapping[str, object], name: str, default: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RefusedError("paramsError", f"error:{name} must be a number")
    return value
