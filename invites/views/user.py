"""Users as administrators look after them: the list, a new one, and one with what they may do and what they own."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.fragments import page_or_fragment
from invites import appointing, permissions, securing
from invites.forms.user import NewUserForm, UserFilterForm, UserForm
from invites.models import ApiToken, Session

form_view = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@permissions.allow(permissions.may_administer)
def user_list(request: HttpRequest) -> TemplateResponse:
    """The users who fit the filters in the address, those who can sign in first, a page at a time."""
    form = UserFilterForm(request.GET)
    users, last = form.page(permissions.users(request.user))
    here = reverse("invites:user_list")
    context = {
        "form": form,
        "users": users,
        "is_narrowed": form.is_narrowing,
        "next_page": last and f"{here}?{form.query(after=last)}",
        "first_page": f"{here}?{form.query()}" if request.GET.get("after") else "",
        "tab": "users",
    }
    return page_or_fragment(request, "invites/user_list.html", context, fragments={"users"})


@form_view
@permissions.allow(permissions.may_administer)
@securing.confirm_first
def user_create(request: HttpRequest) -> HttpResponse:
    """A new user with a first password."""
    form = NewUserForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.keep():
        messages.success(request, _("%(name)s can sign in now.") % {"name": form.instance.display_name})
        return redirect("invites:user_edit", form.instance.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(
        request, "invites/user_create.html", {"form": form, "tab": "users"}, status=status
    )


@form_view
@permissions.allow(permissions.may_administer)
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """One user: who they are, what they may do, how they sign in, what they own."""
    person = get_object_or_404(permissions.users(request.user), pk=pk)
    name = person.display_name
    form = UserForm(
        request.POST if request.method == "POST" else None,
        instance=person,
        by=permissions.own_account(request.user),
    )
    if form.is_bound and form.is_valid() and form.opens_another_way_in:
        securing.ask_who_it_is(request)
    if form.is_bound and form.keep():
        messages.success(request, _("The changes to “%(name)s” are saved.") % {"name": person.display_name})
        return redirect("invites:user_edit", pk)
    context = {
        "form": form,
        "person": person,
        "name": name,
        "is_oneself": person == request.user,
        "belongings": appointing.belongings(person),
        "factors": len(securing.factors_of(person)),
        "sessions": Session.objects.of(person).count(),
        "tokens": ApiToken.objects.of(person).valid().count(),
        "tab": "users",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/user_edit.html", context, status=status)
