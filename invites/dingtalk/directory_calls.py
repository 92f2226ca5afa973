"""The requests of the directory's operations as plain values. Pure; must not send anything.

Those of the older interface (`topapi`) stand in no module of the vendor's library. What they look like is common
knowledge that could not be tried against the live service: it stands here and in `directory_answers` alone.
"""

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from invites.dingtalk import calls
from invites.dingtalk.calls import Call, needed

# A page of the older interface holds at most this many people.
MOST_PEOPLE = 100

# No documentation of the international edition names its host of the older interface.
_OLD_HOSTS = {"api.dingtalk.com": "oapi.dingtalk.com", "api.dingtalk.io": "oapi.dingtalk.io"}


def old_base_url(base_url: str) -> str:
    """Where the older interface is for the API at ``base_url``: on a host of its own, or on the same one."""
    host = urlsplit(base_url).hostname or ""
    return f"https://{_OLD_HOSTS[host]}" if host in _OLD_HOSTS else base_url


def search_users(*, query_word: str, offset: int, size: int) -> Call:
    """The request for the ids of people whose name contains a word."""
    body = {"offset": offset, "queryWord": needed(query_word, "word to search for"), "size": size}
    return Call(operation=calls.SEARCH_USER, method="POST", path="/v1.0/contact/users/search", body=body)


def search_departments(*, query_word: str, offset: int, size: int) -> Call:
    """The request for the ids of departments whose name contains a word."""
    body = {"offset": offset, "queryWord": needed(query_word, "word to search for"), "size": size}
    path = "/v1.0/contact/departments/search"
    return Call(operation=calls.SEARCH_DEPARTMENT, method="POST", path=path, body=body)


def batch_get_users(*, user_ids: Sequence[str]) -> Call:
    """The request for people by their ids inside the company, which go into the query as a JSON text."""
    if not user_ids:
        raise ValueError("there is nobody to ask about")
    ids = [needed(user_id, "id of a person") for user_id in user_ids]
    return Call(
        operation=calls.BATCH_GET_USER,
        method="GET",
        path="/v1.0/contact/users/batch/get",
        query={"userIdList": json.dumps(ids, ensure_ascii=False, separators=(",", ":"))},
    )


def list_user_groups(*, offset: int, size: int) -> Call:
    """The request for one page of the user groups."""
    path = "/v1.0/contact/userGroups/listUserGroups"
    query = {"offset": str(offset), "size": str(size)}
    return Call(operation=calls.LIST_USER_GROUPS, method="GET", path=path, query=query)


def list_user_group_members(*, group_code: str, offset: int, size: int) -> Call:
    """The request for one page of the people in a user group."""
    path = "/v1.0/contact/userGroups/listUserGroupMembers"
    query = {
        "groupCode": needed(group_code, "code of the group"),
        "offset": str(offset),
        "size": str(size),
    }
    return Call(operation=calls.LIST_USER_GROUP_MEMBERS, method="GET", path=path, query=query)


def list_departments(*, department_id: int) -> Call:
    """The request for the departments directly below one."""
    return _old(calls.LIST_DEPARTMENTS, dept_id=department_id)


def get_department(*, department_id: int) -> Call:
    """The request for one department."""
    return _old(calls.GET_DEPARTMENT, dept_id=department_id)


def list_people(*, department_id: int, cursor: int, size: int) -> Call:
    """The request for one page of the people who stand directly in a department."""
    return _old(calls.LIST_PEOPLE, cursor=cursor, dept_id=department_id, size=size)


def _old(operation: str, **body: int) -> Call:
    return Call(operation=operation, method="POST", path=f"/{operation}", body=body, is_old_style=True)
