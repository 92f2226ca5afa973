"""What was done to a book and by whom, and undoing it."""

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from dashboard.context import here
from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.errors import AlreadyUndone, CannotBeUndone
from invites.forms.book_change import ChangesForm
from invites.models import BookChange
from invites.views.book_change_told import tell

PAGE = 50
"""Changes shown at a time."""


@require_safe
@permissions.allow(permissions.may_organize)
def change_list(request: HttpRequest, pk: int) -> HttpResponse:
    """What was done to a book, the latest first: all of it for its owner, their own part for others."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    is_owner = permissions.owned_books(request.user).includes(book)
    changes = permissions.book_changes(request.user).of_book(book)
    if not is_owner:
        # No others are among them anyway; said so, an index serves it.
        changes = changes.made_by(permissions.organizer(request.user))
    rows = list(changes.before(ChangesForm(request.GET).cursor).newest_first()[: PAGE + 1])
    context = {
        "book": book,
        "is_owner": is_owner,
        "changes": tell(rows[:PAGE]),
        "next_cursor": rows[PAGE - 1].pk if len(rows) > PAGE else None,
    }
    return page_or_fragment(request, "invites/change_list.html", context, fragments={"more_changes"})


@require_POST
@permissions.allow(permissions.may_organize)
def change_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Undoes a change as far as nobody has changed the same again, and returns to where it was pressed."""
    change = get_object_or_404(permissions.book_changes(request.user).select_related("book"), pk=pk)
    undo(request, change)
    back = here(request)
    return redirect(reverse("invites:book_detail", args=[change.book_id]) if back == "/" else back)


def undo(request: HttpRequest, change: BookChange) -> None:
    """Undoes ``change`` and tells for how many people, or why not."""
    try:
        restored = curating.undo(change, user=permissions.organizer(request.user))
    except AlreadyUndone as answer:
        messages.info(request, str(answer))
    except CannotBeUndone as refusal:
        messages.warning(request, str(refusal))
    else:
        _say_restored(request, restored)


def say_done(request: HttpRequest, text: str, change: BookChange | None) -> None:
    """Tells that something was done, with a button that undoes it where that is possible."""
    # The message carries the address at which it is undone.
    undo = (
        reverse("invites:change_undo", args=[change.pk]) if change is not None and change.is_undoable else ""
    )
    messages.success(request, text, extra_tags=undo)


def _say_restored(request: HttpRequest, restored: curating.Restored) -> None:
    people, left_alone = restored.people, restored.left_alone
    if people:
        text = ngettext("Undone for %(n)s person.", "Undone for %(n)s people.", people) % {
            "n": intcomma(people)
        }
        messages.success(request, text)
    elif not left_alone:
        messages.success(request, _("Undone."))
    if left_alone:
        text = ngettext(
            "%(n)s person was left alone: changed or deleted since, or somebody else has their unionId or number.",
            "%(n)s people were left alone: changed or deleted since, or somebody else has their unionId or number.",
            left_alone,
        )
        messages.warning(request, text % {"n": intcomma(left_alone)})
