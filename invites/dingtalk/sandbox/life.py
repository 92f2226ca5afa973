"""What an invited person does, worked out from the time alone: no timers, the same after every restart.

    INITIALISED -> CALLING -> IN_MEETING -> LEFT        (last digit 9; everybody when the conference ends)
                           |             -> REMOVED
                           -> FAILED                    (7 declines, 8 does not answer the first call)

The last digit of the unionId or phone number decides; an id that ends in no digit takes the last decimal digit of its
CRC-32. 0 to 6 join, the sooner the smaller; 7 declines; 8 lets the first call ring out and joins when called again;
9 joins and leaves a minute later. All times are multiplied by the sandbox's pace.
"""

import zlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

INITIALISED_SECONDS: Final = 0.5
JOINS_FIRST_SECONDS: Final = 2.0
DECLINES_SECONDS: Final = 5.0
RINGS_OUT_SECONDS: Final = 30.0
SLOW_JOIN_SECONDS: Final = 4.0
STAYS_SECONDS: Final = 60.0

LAST_JOINING_DIGIT: Final = 6
DECLINING_DIGIT: Final = 7
ABSENT_DIGIT: Final = 8


class AttendStatus(IntEnum):
    """The attendStatus of the members operation."""

    INITIALISED = 1
    CALLING = 2
    IN_MEETING = 3
    FAILED = 4
    REMOVED = 5
    LEFT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """Where a person stands. Times are in seconds since 1970; None for what has not happened."""

    status: AttendStatus
    joined_at: float | None = None
    left_at: float | None = None
    declined: bool = False


def deciding_digit(value: str) -> int:
    """The digit from 0 to 9 that decides what the person with this unionId or phone number does."""
    last = value[-1:]
    return (
        int(last) if last.isascii() and last.isdigit() else zlib.crc32(value.encode("utf-8", "replace")) % 10
    )


def attendance(value: str, *, rung_at: float, call: int, now: float, pace: float) -> Attendance:
    """Where the person stands at `now`, who was rung at `rung_at` for the `call`-th time (from 1)."""
    digit, elapsed = deciding_digit(value), now - rung_at
    if digit == DECLINING_DIGIT and elapsed >= DECLINES_SECONDS * pace:
        return Attendance(status=AttendStatus.FAILED, declined=True)
    if digit == ABSENT_DIGIT and call == 1 and elapsed >= RINGS_OUT_SECONDS * pace:
        return Attendance(status=AttendStatus.FAILED)
    joins_after = _joins_after(digit, call=call)
    if joins_after is None or elapsed < joins_after * pace:
        initialised = elapsed < INITIALISED_SECONDS * pace
        return Attendance(status=AttendStatus.INITIALISED if initialised else AttendStatus.CALLING)
    joined_at = rung_at + joins_after * pace
    left_at = joined_at + STAYS_SECONDS * pace
    if digit > ABSENT_DIGIT and now >= left_at:
        return Attendance(status=AttendStatus.LEFT, joined_at=joined_at, left_at=left_at)
    return Attendance(status=AttendStatus.IN_MEETING, joined_at=joined_at)


def _joins_after(digit: int, *, call: int) -> float | None:
    if digit <= LAST_JOINING_DIGIT:
        return JOINS_FIRST_SECONDS + digit
    if digit == DECLINING_DIGIT or (digit == ABSENT_DIGIT and call == 1):
        return None
    return SLOW_JOIN_SECONDS
