"""The address that DingTalk posts events of an app to."""

import json
from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from invites import receiving
from invites.dingtalk.callback import Sealed
from invites.models import App
from invites.models.app import EventMode

# An event about 500 people is far smaller.
LARGEST_BODY = 1024 * 1024


@csrf_exempt
@login_not_required
@require_POST
def event_callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes one event. What is wrong about one that is refused is not told: whoever forges it would learn from that.

    There is no session here, and nobody's: the signature says who sends it.
    """
    app = get_object_or_404(App.objects.usable().hearing_by(EventMode.CALLBACK), pk=pk)
    try:
        answer = receiving.receive_callback(app, _sealed(request))
    except (receiving.CallbackRefused, ValueError):
        return HttpResponse("refused", status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    return JsonResponse(answer)


def _sealed(request: HttpRequest) -> Sealed:
    """What came, with its signature out of the query. Raises ValueError for what has no such form."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY:
        raise ValueError("too large")
    try:
        encrypted = json.loads(request.body)["encrypt"]
    except (KeyError, TypeError, RecursionError, RequestDataTooBig) as error:
        raise ValueError("no body") from error
    if not isinstance(encrypted, str):
        raise ValueError("no body")  # noqa: TRY004 - one error for all that is wrong with it
    # The vendor has both spellings.
    signature = request.GET.get("signature") or request.GET.get("msg_signature", "")
    return Sealed(
        signature=signature,
        timestamp=request.GET.get("timestamp", ""),
        nonce=request.GET.get("nonce", ""),
        encrypted=encrypted,
    )
