"""Reads a department with everything below it, or a user group, page by page and as fast as the app may ask.

Knows no book. Raises DingTalkError where any page cannot be had, DirectoryIncompleteError where the directory holds
somebody back.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import batched

from invites.connecting import client_for
from invites.dingtalk import DirectoryPerson, NotSent, Throttled, calls, codes
from invites.dingtalk.directory import Directory
from invites.models import App
from invites.pacing import LONGEST_PATIENCE, take_turn

SECONDS = 600.0
"""The time for the whole: beyond it a directory is too large to be followed."""

MOST_PEOPLE, MOST_DEPARTMENTS = 100_000, 10_000
BATCH = 50
"""People asked about at once by their ids, which all stand in one request line."""

_TRIES = 3
_SECONDS_FOR_ONE = 15.0


class DirectoryIncompleteError(Exception):
    """The directory names people whom it does not show to the app."""


class TooManyPeopleError(Exception):
    """The part that is followed holds more people than can be read at once."""


class Reader:
    """One reading through ``app``. ``note_progress`` is told before each call how many people have been read."""

    def __init__(self, app: App, *, note_progress: Callable[[int], None]) -> None:
        self._app = app
        self._directory: Directory = client_for(app).directory
        self._note_progress = note_progress
        self._until = time.monotonic() + SECONDS
        self._read: set[str] = set()

    def department(self, department_id: int) -> Iterator[DirectoryPerson]:
        """Everybody in a department and in those below it, once each."""
        waiting, seen = deque([department_id]), {department_id}
        while waiting:
            here = waiting.popleft()
            yield from self._directly_in(here)
            below = self._ask(
                calls.LIST_DEPARTMENTS,
                partial(self._directory.list_departments, department_id=here),
            )
            new = [each.department_id for each in below if each.department_id not in seen]
            seen.update(new)
            waiting.extend(new)
            if len(seen) > MOST_DEPARTMENTS:
                raise TooManyPeopleError

    def user_group(self, group_code: str) -> Iterator[DirectoryPerson]:
        """Everybody in a user group, once each."""
        offset: int | None = 0
        while offset is not None:
            page = self._ask(
                calls.LIST_USER_GROUP_MEMBERS,
                partial(self._directory.list_user_group_members, group_code=group_code, offset=offset),
            )
            offset = page.next_offset
            for ids in batched(page.user_ids, BATCH):
                found = self._ask(
                    calls.BATCH_GET_USER,
                    partial(self._directory.batch_get_users, user_ids=ids),
                )
                if {person.user_id for person in found.people} != set(ids):
                    raise DirectoryIncompleteError
                yield from self._new(found.people)

    def _directly_in(self, department_id: int) -> Iterator[DirectoryPerson]:
        cursor: int | None = 0
        while cursor is not None:
            page = self._ask(
                calls.LIST_PEOPLE,
                partial(self._directory.list_people, department_id=department_id, cursor=cursor),
            )
            cursor = page.next_cursor
            yield from self._new(page.people)

    def _new(self, people: tuple[DirectoryPerson, ...]) -> Iterator[DirectoryPerson]:
        """Those who have not been read yet: somebody may be in several departments."""
        for person in people:
            if person.user_id not in self._read:
                self._read.add(person.user_id)
                yield person
        if len(self._read) > MOST_PEOPLE:
            raise TooManyPeopleError

    def _ask[Answer](self, operation: str, call: Callable[..., Answer]) -> Answer:
        """Makes one call in its turn; one that DingTalk turned away for the rate is made again after a rest."""
        for attempt in range(1, _TRIES + 1):
            self._note_progress(len(self._read))
            self._wait_for_turn(operation)
            try:
                return call(deadline=min(self._until, time.monotonic() + _SECONDS_FOR_ONE))
            except Throttled as error:
                if attempt == _TRIES or error.rest > LONGEST_PATIENCE:
                    raise
                time.sleep(error.rest)
        raise AssertionError("the last attempt returns or raises")

    def _wait_for_turn(self, operation: str) -> None:
        while wait := take_turn(self._app, operation, patience=LONGEST_PATIENCE):
            self._check_time()
            time.sleep(min(wait, LONGEST_PATIENCE))
        self._check_time()

    def _check_time(self) -> None:
        if time.monotonic() >= self._until:
            raise NotSent(message="The directory is too large to be read in time.", code=codes.NO_TIME_LEFT)
