"""Turns the JSON of the directory's answers into values. Pure; raises WrongShapeError where it is of another shape."""

from typing import Any

import phonenumbers

from invites.dingtalk.answers import (
    Fields,
    WrongShapeError,
    flag_of,
    list_of,
    number_of,
    object_of,
    text_of,
)
from invites.dingtalk.types import (
    Department,
    DirectoryPeople,
    DirectoryPerson,
    FoundIds,
    GroupMembersPage,
    PeoplePage,
    UserGroup,
    UserGroupsPage,
)


def found_ids(fields: Fields) -> FoundIds:
    """The answer to a search, for people or for departments."""
    listed = list_of(fields, "list", beside=("totalCount", "hasMore"))
    return FoundIds(ids=tuple(_id(value) for value in listed), has_more=flag_of(fields, "hasMore"))


def people_by_id(fields: Fields, *, country: str) -> DirectoryPeople:
    """The answer about several people; ``country`` is that of numbers without a country code."""
    listed = list_of(fields, "userList", beside=("unauthorizedUserIdList",))
    unauthorised = list_of(fields, "unauthorizedUserIdList", beside=("userList",))
    return DirectoryPeople(
        people=tuple(_person(object_of(item), country=country) for item in listed),
        unauthorised=tuple(_id(value) for value in unauthorised),
    )


def user_groups_page(fields: Fields) -> UserGroupsPage:
    """One page of user groups."""
    result = _result(fields)
    listed = list_of(result, "groups", beside=("hasMore",))
    return UserGroupsPage(
        groups=tuple(_user_group(object_of(item)) for item in listed),
        next_offset=_next(result, "hasMore", "nextOffset"),
    )


def group_members_page(fields: Fields) -> GroupMembersPage:
    """One page of the people in a user group."""
    result = _result(fields)
    listed = list_of(result, "members", beside=("hasMore",))
    return GroupMembersPage(
        user_ids=tuple(_id(object_of(item).get("userId")) for item in listed),
        next_offset=_next(result, "hasMore", "nextOffset"),
    )


def departments(fields: Fields) -> tuple[Department, ...]:
    """The departments below one; none for one that has none."""
    result = fields.get("result")
    if not isinstance(result, list):
        # Nothing said must not pass for nothing there.
        raise WrongShapeError("result is no list")
    return tuple(_department(object_of(item)) for item in result)


def department(fields: Fields) -> Department:
    """One department."""
    return _department(_result(fields))


def people_page(fields: Fields, *, country: str) -> PeoplePage:
    """One page of the people in a department; ``country`` is that of numbers without a country code."""
    result = _result(fields)
    listed = list_of(result, "list", beside=("has_more",))
    return PeoplePage(
        people=tuple(_person(object_of(item), country=country) for item in listed),
        next_cursor=_next(result, "has_more", "next_cursor"),
    )


def _result(fields: Fields) -> Fields:
    result = fields.get("result")
    if not isinstance(result, dict):
        raise WrongShapeError("no result")
    return result


def _next(fields: Fields, more: str, place: str) -> int | None:
    """Where the next page begins. More without a place to go on from would be read as the end, and is none."""
    if not flag_of(fields, more):
        return None
    following = number_of(fields, place)
    if not following:
        raise WrongShapeError(f"{more} without {place}")
    return following


def _id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise WrongShapeError("an id is no text")
    return str(value)


def _person(fields: Fields, *, country: str) -> DirectoryPerson:
    return DirectoryPerson(
        user_id=_id(fields.get("userid")),
        union_id=text_of(fields, "unionid"),
        name=text_of(fields, "name"),
        phone_number=_phone_number(fields, country=country),
    )


def _phone_number(fields: Fields, *, country: str) -> str:
    """The number in E.164; nothing where the app may not see it, or where it is no number."""
    written, code = text_of(fields, "mobile"), text_of(fields, "state_code").lstrip("+")
    if code and not written.startswith("+"):
        written = f"+{code}{written}" if written else ""
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _user_group(fields: Fields) -> UserGroup:
    return UserGroup(group_code=_id(fields.get("groupCode")), name=text_of(fields, "name"))


def _department(fields: Fields) -> Department:
    department_id = number_of(fields, "dept_id")
    if department_id is None:
        raise WrongShapeError("no dept_id")
    return Department(
        department_id=department_id,
        name=text_of(fields, "name"),
        parent_id=number_of(fields, "parent_id"),
    )
