"""What was done to a book and by whom, and undoing it."""

from django.contrib import messages
from django.http import HttpRequest

from invites.models import BookChange

UNDO = "undo-"
"""How the tags of a message begin that offers to undo a change: its key follows."""


def say_done(request: HttpRequest, text: str, change: BookChange | None) -> None:
    """Tells that something was done, with a button that undoes it where that is possible."""
    undo = f"{UNDO}{change.pk}" if change is not None and change.is_undoable else ""
    messages.success(request, text, extra_tags=undo)
