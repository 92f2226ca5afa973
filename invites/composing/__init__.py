"""Puts a draft together: reads what is pasted, finds out who that is, folds them into the list. Must not send.

text ──reading──▶ entries and bad lines ──recognising──▶ people ──folding──▶ invitees ──editing──▶ the stored draft
"""

from invites.composing.editing import (
    Change,
    add_book,
    add_contacts,
    add_group,
    add_invitation,
    add_text,
    carry_lines_over,
    clear,
    correct_line,
    find_draft,
    open_draft,
    remove,
    remove_line,
    remove_lines,
    rename,
    ring_again,
)
from invites.composing.searching import Suggestion, suggest
from invites.composing.summary import Room, Summary, room_for, summarise

__all__ = [
    "Change",
    "Room",
    "Suggestion",
    "Summary",
    "add_book",
    "add_contacts",
    "add_group",
    "add_invitation",
    "add_text",
    "carry_lines_over",
    "clear",
    "correct_line",
    "find_draft",
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
