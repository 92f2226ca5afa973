"""Taking people into a book from a file or a pasted list: choosing it, its columns, preview, and what came of it."""

from collections.abc import Iterator
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from dashboard.uploads import TOO_LARGE
from invites import absorbing, files, importing, limiting, permissions
from invites.forms.contact_import import ColumnsForm, ImportForm, RowFilterForm
from invites.models import ContactImport
from invites.models.contact_import import ImportState, RowOutcome
from invites.views.book_change import undo
from invites.views.import_shown import columns_of, problem_of, rows_of

LATEST = 10
"""Earlier imports that are listed beside a new one."""


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.IMPORTING)
def import_create(request: HttpRequest, pk: int) -> HttpResponse:
    """The first step: a file or a pasted list. Below it the last imports into the book."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    data, uploads = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = ImportForm(data, uploads, book=book, is_too_large=TOO_LARGE in request.META)
    if data is not None and (begun := form.begin(user=permissions.organizer(request.user))):
        return redirect("invites:import_detail", begun.pk)
    context = {
        "book": book,
        "form": form,
        "imports": ContactImport.objects.of_book(book).newest_first()[:LATEST],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/import_create.html", context, status=status)


@require_safe
@permissions.allow(permissions.may_organize)
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The step that an import is at: its columns, how far it has come, the preview, or what came of it."""
    contact_import = get_object_or_404(permissions.imports(request.user), pk=pk)
    changes_columns = contact_import.state == ImportState.READY and "columns" in request.GET
    form = None
    if contact_import.state == ImportState.UPLOADED or changes_columns:
        form = ColumnsForm(contact_import=contact_import)
    return _step(request, contact_import, form=form)


@require_safe
@permissions.allow(permissions.may_organize)
def import_sample(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """A small file to begin with, with every column that is understood. Its people do not exist."""
    book = get_object_or_404(permissions.writable_books(request.user), pk=pk)
    return _csv(files.write_csv(importing.sample_rows()), name=f"sample-{book.pk}.csv")


@require_POST
@permissions.allow(permissions.may_organize)
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Has the file read with the columns that were chosen."""
    contact_import = get_object_or_404(permissions.imports(request.user), pk=pk)
    form = ColumnsForm(request.POST, contact_import=contact_import)
    if not form.is_valid() and contact_import.state in {ImportState.UPLOADED, ImportState.READY}:
        return _step(request, contact_import, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if form.is_valid():
        user = permissions.organizer(request.user)
        importing.choose_columns(contact_import=contact_import, columns=form.columns(), user=user)
    return redirect("invites:import_detail", pk)


@require_POST
@permissions.allow(permissions.may_organize)
def import_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Has everything of the preview stored."""
    contact_import = get_object_or_404(permissions.imports(request.user), pk=pk)
    importing.confirm(contact_import=contact_import, user=permissions.organizer(request.user))
    return redirect("invites:import_detail", pk)


@require_POST
@permissions.allow(permissions.may_organize)
def import_discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Drops an import before it is stored."""
    contact_import = get_object_or_404(permissions.imports(request.user), pk=pk)
    importing.discard(contact_import=contact_import)
    contact_import.refresh_from_db()
    if contact_import.state != ImportState.DISCARDED:
        return redirect("invites:import_detail", pk)
    messages.info(request, _("The import was discarded. Nothing of it was stored."))
    return redirect("invites:book_detail", contact_import.book_id)


@require_safe
@permissions.allow(permissions.may_organize)
def import_refused(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The refused rows as a file, each with what is wrong, to be mended and imported again."""
    contact_import = get_object_or_404(permissions.imports(request.user), pk=pk)
    refused = contact_import.rows.with_outcome(RowOutcome.REFUSE).in_order()
    lines = (
        (row.cells, str(absorbing.row_problem(row.problem))) for row in refused.iterator(chunk_size=1000)
    )
    headings = contact_import.reading.get("headings", [])
    return _csv(files.write_lines_csv(headings, lines), name=f"refused-{pk}.csv")


@require_POST
@permissions.allow(permissions.may_organize)
def import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes out again what an import has brought, and puts back what it has changed."""
    contact_import = get_object_or_404(permissions.imports(request.user), pk=pk)
    if contact_import.change is not None:
        undo(request, contact_import.change)
    return redirect("invites:import_detail", pk)


def _step(
    request: HttpRequest,
    contact_import: ContactImport,
    *,
    form: ColumnsForm | None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    """The page of an import; its step alone where htmx asks how far it has come."""
    filters = RowFilterForm(request.GET, contact_import=contact_import)
    context = {
        "import": contact_import,
        "book": contact_import.book,
        "state": contact_import.shown_state,
        "form": form,
        "columns": columns_of(contact_import, form) if form else [],
        "problem": problem_of(contact_import),
        **rows_of(contact_import, filters),
    }
    fragments = {"import_step", "import_rows", "more_rows"}
    return page_or_fragment(
        request, "invites/import_detail.html", context, fragments=fragments, status=status
    )


def _csv(content: Iterator[bytes], *, name: str) -> StreamingHttpResponse:
    """A file for the browser to keep."""
    response = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
