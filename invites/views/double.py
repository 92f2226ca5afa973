"""People of a book who may be one and the same, and making one of them."""

from dataclasses import dataclass
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.curating import Double
from invites.errors import ContactGone
from invites.forms.double import DoublesForm, MergeForm
from invites.models import Contact
from invites.views.book_change import say_done

PAGE = 20
"""Names shown at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDouble:
    """People of one name with what is ticked of them: everybody where they are likely one person, else nobody; where
    they were posted (``form``), what was.
    """

    double: Double
    form: MergeForm | None = None

    @property
    def ticked(self) -> list[str]:
        """The keys of those who are ticked."""
        if self.form is not None:
            return self.form.ticked
        return [str(contact.pk) for contact in self.double.people] if self.double.is_likely else []

    @property
    def chosen(self) -> list[str]:
        """The unionId and the number that are chosen to stay."""
        return (
            []
            if self.form is None
            else [self.form.data.get("union_id", ""), self.form.data.get("phone_number", "")]
        )


@require_safe
@permissions.allow(permissions.may_organize)
def double_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The people of a book who share a name, by name."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    form = DoublesForm(request.GET)
    found = curating.find_doubles(book, after=form.cursor, only_likely=form.only_likely, most=PAGE)
    context = {
        "book": book,
        "doubles": [ShownDouble(double=double) for double in found.doubles],
        "next_name": found.next_name,
        "only_likely": form.only_likely,
        "is_continued": bool(form.cursor),
    }
    return page_or_fragment(request, "invites/double_list.html", context, fragments={"more_doubles"})


@require_POST
@permissions.allow(permissions.may_organize)
def double_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes one of the people who were ticked; where it is not clear how they are reached then, asks."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    back = reverse("invites:double_list", args=[book.pk]) + DoublesForm(request.GET).query()
    form = MergeForm(request.POST, book=book)
    if form.is_valid():
        chosen: Double = form.cleaned_data["contact"]
        change = curating.merge_contacts(
            book=book,
            contacts=Contact.objects.among(contact.pk for contact in chosen.people),
            union_id=form.cleaned_data["union_id"],
            phone_number=form.cleaned_data["phone_number"],
            user=permissions.organizer(request.user),
        )
        say_done(request, _("“%(name)s” is one person now.") % {"name": chosen.nick}, change)
        return redirect(back)
    double = curating.double_called(book, form.data.get("name", ""))
    if double is None:
        raise ContactGone
    context = {"book": book, "shown": ShownDouble(double=double, form=form), "cancel_url": back}
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return page_or_fragment(request, "invites/double_merge.html", context, status=status)
