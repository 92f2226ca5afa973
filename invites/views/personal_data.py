"""What is held of a person: looked for, shown, taken away as a file, and erased. For administrators alone."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import disclosing, forgetting, limiting, permissions
from invites.disclosing import Somebody
from invites.forms.page import PageForm, page_of
from invites.forms.personal_data import EraseForm, WhoForm

PAGE_SIZE = 30


@require_safe
@permissions.allow(permissions.may_administer)
def personal_data(request: HttpRequest) -> TemplateResponse:
    """Whom a text finds, and who was erased; that list asks for itself while anybody is still to be."""
    form = WhoForm(request.GET)
    before = PageForm(request.GET).at("before")
    rows = permissions.erasures(request.user).newest_first().older_than(before)
    erasures, next_cursor = page_of(rows, size=PAGE_SIZE)
    context = {
        "form": form,
        "found": form.found(),
        "erasures": erasures,
        "under_way": any(not erasure.person.is_erased for erasure in erasures),
        "next_cursor": next_cursor,
        "is_first_page": before is None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(
        request, "invites/personal_data.html", context, fragments={"found", "erasures"}, status=status
    )


@require_safe
@permissions.allow(permissions.may_administer)
def personal_data_held(request: HttpRequest, token: str) -> TemplateResponse:
    """What is held of one person, section by section."""
    somebody = _behind(token)
    context = {"somebody": somebody, "token": token, "held": disclosing.held(somebody)}
    return page_or_fragment(request, "invites/personal_data_held.html", context)


@require_POST
@permissions.allow(permissions.may_administer)
@limiting.limit(limiting.Kind.EXPORTING)
def personal_data_file(request: HttpRequest, token: str) -> StreamingHttpResponse:
    """All of it as one file. Each time that somebody takes it is on record."""
    somebody = _behind(token)
    parts = disclosing.disclose(somebody, by=permissions.own_account(request.user))
    # Without their name: files lie about.
    name = f"{_('Personal data')} {timezone.localdate().isoformat()}.json"
    return StreamingHttpResponse(
        parts,
        content_type=disclosing.CONTENT_TYPE,
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_administer)
def personal_data_erase(request: HttpRequest, token: str) -> HttpResponse:
    """Asks once, naming what goes and what stays; then it is on record, and a worker does it."""
    somebody = _behind(token)
    form = EraseForm(request.POST if request.method == "POST" else None, somebody=somebody)
    if form.is_valid():
        by, because = permissions.own_account(request.user), form.cleaned_data["reason"]
        if forgetting.order(form.chosen, by=by, because=because):
            messages.success(request, _("The erasure is on record. A worker carries it out."))
        else:
            messages.warning(request, _("Nothing is held of this person any more."))
        return redirect("invites:personal_data")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {
        "somebody": somebody,
        "held": disclosing.held(somebody),
        "form": form,
        "title": _("Erase this person?"),
        "label": _("Erase for good"),
        "cancel_url": reverse("invites:personal_data_held", args=[token]),
    }
    return page_or_fragment(request, "invites/personal_data_erase.html", context, status=status)


def _behind(token: str) -> Somebody:
    try:
        return disclosing.behind(token)
    except LookupError as error:
        raise Http404 from error
