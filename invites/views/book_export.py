"""Files of a book's people to take away."""

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from invites import exporting, limiting, permissions
from invites.forms.contact import ContactFilterForm


@require_safe
@permissions.allow(permissions.may_organize)
def book_export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Whoever the search and the group in the query leave of a book, as a file of the kind that it names."""
    book = get_object_or_404(permissions.readable_books(request.user), pk=pk)
    try:
        kind = exporting.Kind(request.GET.get("format", ""))
    except ValueError as error:
        raise Http404 from error
    limiting.spend(permissions.organizer(request.user), limiting.Kind.EXPORTING)
    filters = ContactFilterForm(request.GET, book=book)
    numbers = permissions.may_see_phone_numbers(request.user)
    name = exporting.file_name(book=book, group=filters.group_chosen, kind=kind)
    return StreamingHttpResponse(
        exporting.write(filters.found(), kind=kind, with_numbers=numbers),
        content_type=exporting.CONTENT_TYPES[kind],
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""},
    )
