"""Reads and writes files of contacts: CSV and pasted tables, XLSX, vCard. Knows formats, and no database.

``sniff`` tells what a file is, ``recognise`` what its columns hold, ``read`` gives its lines, ``texts`` all that stands
in it. They hold a bounded part of a file in memory, and raise `Unreadable`, and nothing else, for what cannot be read.
"""

from invites.files.cells import Mark, read_day, read_mark, split_groups
from invites.files.errors import PROBLEMS, Unreadable, explain
from invites.files.formats import LONGEST_CELL, MOST_BYTES, MOST_ROWS, Field, Format, Line
from invites.files.looking import texts
from invites.files.reading import head, read, sniff
from invites.files.recognising import recognise
from invites.files.writing import (
    HEADINGS,
    Row,
    workbook_text,
    write_csv,
    write_lines_csv,
    write_vcards,
    write_xlsx,
)

__all__ = [
    "HEADINGS",
    "LONGEST_CELL",
    "MOST_BYTES",
    "MOST_ROWS",
    "PROBLEMS",
    "Field",
    "Format",
    "Line",
    "Mark",
    "Row",
    "Unreadable",
    "explain",
    "head",
    "read",
    "read_day",
    "read_mark",
    "recognise",
    "sniff",
    "split_groups",
    "texts",
    "workbook_text",
    "write_csv",
    "write_lines_csv",
    "write_vcards",
    "write_xlsx",
]
