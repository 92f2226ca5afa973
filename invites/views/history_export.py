"""Files of the history: ordering one, how far it has got, and fetching it."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from dashboard.fragments import page_or_fragment
from invites import extracting, inspecting, limiting, permissions, searching
from invites.errors import FiltersGone
from invites.forms.attempt import AttemptFilterForm
from invites.forms.change_on_record import ChangeFilterForm
from invites.forms.history_export import ChangesExportForm, HistoryExportForm
from invites.forms.history_filter import HistoryFilterForm
from invites.forms.page import PageForm, page_of
from invites.models import HistoryExport, SealedDay
from invites.models.history_export import PAGE_SIZE, ExportFormat
from invites.views.change_on_record_fields import hide_numbers
from invites.views.change_on_record_rows import rows_for

# Whoever takes not even one slice of a file within so many seconds has stopped fetching.
_STALLED_SECONDS = 60.0


class _Half(NamedTuple):
    """One half of the history: where it is read, and where a file of it is ordered."""

    read_at: str
    ordered_at: str


_CALLS = _Half("invites:attempt_list", "invites:history_export_list")
_CHANGES = _Half("invites:entry_list", "invites:entry_export")


@require_http_methods(["GET", "HEAD", "POST"])
@limiting.limit(limiting.Kind.EXPORTING)
def history_export_list(request: HttpRequest) -> HttpResponseBase:
    """What the filters in the address leave of the calls, to be taken away as a file; beneath it, what was before."""
    filters = AttemptFilterForm(data=request.GET, user=request.user)
    form = HistoryExportForm(request.POST if request.method == "POST" else None)
    return _ordering(request, _CALLS, filters, form)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_read_all_history)
@limiting.limit(limiting.Kind.EXPORTING)
def entry_export(request: HttpRequest) -> HttpResponseBase:
    """The same of the changes on record."""
    form = ChangesExportForm(request.POST if request.method == "POST" else None)
    return _ordering(request, _CHANGES, ChangeFilterForm(request.GET), form)


def _ordering(
    request: HttpRequest, half: _Half, filters: HistoryFilterForm, form: ChangesExportForm
) -> HttpResponseBase:
    if not filters.is_valid():
        # The history says at each field what is wrong with it.
        return redirect(f"{reverse(half.read_at)}?{request.GET.urlencode()}")
    if form.is_valid():
        export = extracting.order(
            permissions.own_account(request.user),
            query=filters.query(**filters.fixed),
            file_format=ExportFormat(form.cleaned_data["file_format"]),
            rows_are=form.rows,
            time_zone=form.cleaned_data["time_zone"],
        )
        return redirect("invites:history_export_detail", pk=export.pk)
    before = PageForm(request.GET).at("before")
    rows = permissions.history_exports(request.user).newest_first().older_than(before)
    exports, next_cursor = page_of(rows, size=PAGE_SIZE)
    context = {
        "form": form,
        "filters": filters,
        "query": filters.query(),
        "of_changes": half is _CHANGES,
        "read_at": reverse(half.read_at),
        "here": reverse(half.ordered_at),
        "exports": exports,
        "next_cursor": next_cursor,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return page_or_fragment(
        request, "invites/history_export_list.html", context, fragments={"more_exports"}, status=status
    )


@require_safe
def history_export_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One file: what is in it, how far it has got; while somebody may fetch it its fragment asks for itself."""
    export = get_object_or_404(permissions.history_exports(request.user).newest_first(), pk=pk)
    seen = f"{export.outcome}.{export.rows}"
    if request.htmx and request.GET.get("seen") == seen:  # type: ignore[attr-defined]
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    filters = _filters(request, export)
    since = filters.stretch[0] if filters.is_valid() else None
    half = _CHANGES if export.is_of_changes else _CALLS
    context = {
        "export": export,
        "read_at": reverse(half.read_at),
        "ordered_at": reverse(half.ordered_at),
        "seen": seen,
        "is_own": export.user == request.user,
        "may_see_filters": _may_see_filters(request, export),
        "percent": extracting.percent_done(export, since=since) if export.is_under_way else None,
        "sealed": SealedDay.objects.last_sealed(),
    }
    return page_or_fragment(
        request, "invites/history_export_detail.html", context, fragments={"history_export"}
    )


@require_GET
def history_export_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file, once, to whoever ordered it. Raises what the domain refuses before a byte has left."""
    own = permissions.history_exports(request.user).of(permissions.own_account(request.user))
    export = get_object_or_404(own.newest_first(), pk=pk)
    filters = _filters(request, export)
    if not filters.is_valid():
        raise FiltersGone
    extracting.begin(export)
    _let_nobody_stall(request)
    file_format = ExportFormat(export.file_format)
    what = _("Changes") if export.is_of_changes else _("History")
    name = f"{what} {timezone.localdate().isoformat()} {export.pk}.{file_format}"
    return StreamingHttpResponse(
        _parts(request, export, filters),
        content_type=extracting.CONTENT_TYPES[file_format],
        headers={
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "",
            # To compress it would take several times as long as to write it.
            "Content-Encoding": "identity",
        },
    )


def _parts(
    request: HttpRequest, export: HistoryExport, filters: AttemptFilterForm | ChangeFilterForm
) -> Iterator[bytes]:
    if isinstance(filters, AttemptFilterForm):
        return extracting.stream(export, searching.attempts(filters.criteria, request.user))
    entries = inspecting.entries_that_fit(permissions.entries(request.user), filters.wanted)
    return extracting.stream_changes(export, entries, rows_for(export))


def _may_see_filters(request: HttpRequest, export: HistoryExport) -> bool:
    """Whether the filters of an export have no number in them that the viewer has not written and may not see."""
    is_own = export.user == request.user
    texts = QueryDict(export.query).lists()
    return (
        is_own
        or permissions.may_see_phone_numbers(request.user)
        or all(hide_numbers(name, text) == text for name, said in texts for text in said)
    )


def _filters(request: HttpRequest, export: HistoryExport) -> AttemptFilterForm | ChangeFilterForm:
    """What an export was narrowed to. It is valid unless that is gone since, or may not be seen any more."""
    query = QueryDict(export.query)
    if export.is_of_changes:
        return ChangeFilterForm(query)
    return AttemptFilterForm(data=query, user=request.user)


def _let_nobody_stall(request: HttpRequest) -> None:
    """Lets gunicorn hang up on somebody who has stopped fetching, and who would hold one of its threads for ever."""
    client = request.META.get("gunicorn.socket")
    if client is not None:
        client.settimeout(_STALLED_SECONDS)
