"""Puts a draft together: reads what is pasted, finds out who that is, folds them into the list. Must not send.

text ──reading──▶ entries and bad lines ──recognising──▶ people ──folding──▶ invitees ──editing──▶ the stored draft
"""

from invites.composing.editing import (
    Change,
    add_book,
    add_contacts,
    add_found,
    add_group,
    add_invitation,
    add_text,
    carry_lines_over,
    clear,
    correct_line,
    find_draft,
    invite_anyway,
    keep_anyway,
    open_draft,
    remove,
    remove_line,
    remove_lines,
    rename,
    ring_again,
)
from invites.composing.gathering import fold, gather
from invites.composing.leaving_out import MOST_LINES as MOST_LEFT_OUT
from invites.composing.leaving_out import find_marks
from invites.composing.reading import Entry
from invites.composing.recognising import Person
from invites.composing.searching import Suggestion, listed, may_be_a_colleague, suggest
from invites.composing.summary import Room, Summary, room_for, summarise

__all__ = [
    "MOST_LEFT_OUT",
    "Change",
    "Entry",
    "Person",
    "Room",
    "Suggestion",
    "Summary",
    "add_book",
    "add_contacts",
    "add_found",
    "add_group",
    "add_invitation",
    "add_text",
    "carry_lines_over",
    "clear",
    "correct_line",
    "find_draft",
    "find_marks",
    "fold",
    "gather",
    "invite_anyway",
    "keep_anyway",
    "listed",
    "may_be_a_colleague",
    "open_draft",
    "remove",
    "remove_line",
    "remove_lines",
    "rename",
    "ring_again",
    "room_for",
    "suggest",
    "summarise",
]
