"""People whom a mark "do not invite" keeps off the list, and whom somebody wants to invite all the same."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from invites import composing, permissions
from invites.views.draft import changed, load, load_invitee, load_line


@require_POST
@permissions.allow(permissions.may_organize)
def draft_invite_anyway(request: HttpRequest, pk: int, line_pk: int) -> HttpResponse:
    """Puts somebody who was left out on the list."""
    conference, user = load(request, pk), permissions.organizer(request.user)
    line = load_line(conference, str(line_pk))
    return changed(request, conference, lambda: composing.invite_anyway(line=line, user=user))


@require_POST
@permissions.allow(permissions.may_organize)
def draft_keep_anyway(request: HttpRequest, pk: int, invitee_pk: int) -> HttpResponse:
    """Keeps somebody on the list who has been marked since."""
    conference, user = load(request, pk), permissions.organizer(request.user)
    invitee = load_invitee(conference, str(invitee_pk))
    return changed(request, conference, lambda: composing.keep_anyway(invitee=invitee, user=user))
