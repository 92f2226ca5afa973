"""What can be wrong with a file, in a code and in a sentence."""

from collections.abc import Mapping
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

PROBLEMS: Final[Mapping[str, StrOrPromise]] = {
    "empty": _("This file is empty."),
    "too_large": _("This file is too large: at most %(megabytes)s MB can be read."),
    "too_many_rows": _(
        "This file has too many rows: at most %(most)s can be read. Cut it into several files."
    ),
    "too_many_columns": _(
        "Row %(row)s has more than %(most)s columns. Delete the columns that are not needed, then try again."
    ),
    "long_cell": _(
        "Row %(row)s has a cell of more than %(most)s characters. There may be a quotation mark too many or too few."
    ),
    "long_line": _("Row %(row)s is longer than any list of people would have it. This may not be a list."),
    "binary": _("This file is not a list of people. CSV, Excel (.xlsx) and vCard (.vcf) can be read."),
    "nul_bytes": _(
        "Row %(row)s has a NUL byte in it, so this file is damaged. Save it once more where it was made."
    ),
    "encoding": _("The characters of this file cannot be made out. Save it as UTF-8, then try again."),
    "mixed_encoding": _(
        "Line %(row)s has characters in another encoding than the rest, or damaged ones. Mend it, then try again."
    ),
    "broken_csv": _(
        "This file cannot be read from row %(row)s on. Save it once more as CSV, then try again."
    ),
    "encrypted": _("This file is protected by a password. Remove the password, then try again."),
    "old_excel": _(
        "This is a file of an old Excel, or one that is protected by a password. Save it as .xlsx without a password, "
        "then try again."
    ),
    "not_a_workbook": _("This is an archive, but not an Excel file (.xlsx)."),
    "broken_workbook": _("This Excel file is damaged. Open it, save it once more, then try again."),
    "unpacks_too_large": _(
        "This Excel file unpacks to far more than a list of people would. It was not opened. Copy the list into a new "
        "file, then try again."
    ),
    "no_cards": _("There is no vCard in this file."),
}


def explain(code: str, detail: Mapping[str, object]) -> str:
    """The sentence for a ``code`` and its ``detail``; a general one for a code that is not known any more."""
    sentence = str(PROBLEMS.get(code, PROBLEMS["binary"]))
    words = {"row": "?", "most": "?", "megabytes": "?", **detail}
    if isinstance(most := words["most"], int):
        words["most"] = number_format(most, force_grouping=True)
    return sentence % words


class Unreadable(Exception):  # noqa: N818 - a name says what happened
    """A file cannot be read, as a whole or from a row on; ``code`` and ``detail`` go into `explain`.

    Both are plain data, so that they can be kept; nothing from inside the file is in them.
    """

    def __init__(self, code: str, **detail: object) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)

    def __str__(self) -> str:
        return explain(self.code, self.detail)
