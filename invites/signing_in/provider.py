"""DingTalk as one of allauth's providers: where people are sent, and who has come back.

Allauth's own provider knows one edition and one company, and asks with a library that waits for ever. Here the client
of the app asks, with its time-outs.
"""

from typing import Any

from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthProcess, ProviderException
from allauth.socialaccount.providers.dingtalk.provider import DingTalkProvider as AllauthProvider
from allauth.socialaccount.providers.dingtalk.views import DingTalkOAuth2Adapter as AllauthAdapter
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirectBase
from django.shortcuts import redirect, render

from invites import enrolling, securing
from invites.dingtalk import DingTalkError, SignedInPerson
from invites.signing_in import identities, slowing, through_dingtalk

LINK = "link"
"""In the state of a sign-in: the digest of the sign-up link with which it began."""


class NotToldError(ProviderException):
    """DingTalk has not told who somebody is; ``error`` is why."""

    def __init__(self, error: DingTalkError) -> None:
        super().__init__(str(error))
        self.error = error


class DingTalkOAuth2Adapter(AllauthAdapter):
    """The two ends of the way: the page on which people agree, and what the code that comes back is worth."""

    def __init__(self, request: HttpRequest) -> None:
        current = through_dingtalk.current()
        if current is None:
            raise Http404
        app, self.sign_in = current
        self.authorize_url = through_dingtalk.page_of(app, self.sign_in)
        super().__init__(request)

    def get_access_token_data(
        self, request: HttpRequest, app: object, client: object, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        """Who has come back. Raises NotToldError, and TooManyTries. The token itself is gone by then."""
        counted = slowing.count_code(request)
        try:
            person = self.sign_in.person(code=request.GET["code"], code_verifier=pkce_code_verifier or "")
        except DingTalkError as error:
            raise NotToldError(error) from None
        counted.rollback()
        return {"person": person}

    def parse_token(self, data: object) -> SocialToken:
        """None worth the name: nobody acts in the name of people here."""
        return SocialToken(token="")

    def complete_login(
        self, request: HttpRequest, app: object, token: SocialToken, *, response: dict[str, Any]
    ) -> SocialLogin:
        """The sign-in that allauth goes on with."""
        person: SignedInPerson = response["person"]
        login = self.get_provider().sociallogin_from_response(
            request, {"openId": person.open_id} | identities.as_stored(person)
        )
        login.person = person
        return login


class DingTalkProvider(AllauthProvider):
    """DingTalk through the app that the policy names."""

    oauth2_adapter_class = DingTalkOAuth2Adapter

    def extract_extra_data(self, data: dict[str, str]) -> dict[str, str]:
        """What is kept of it."""
        return {name: value for name, value in data.items() if name != "openId"}

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """As allauth's, without what a request could put into the address of DingTalk's page."""
        kwargs: dict[str, Any] = super(AllauthProvider, self).get_redirect_from_request_kwargs(request)
        kwargs |= {"scope": self.get_scope(), "auth_params": self.get_auth_params()}
        # Allauth takes it from the query, too, which `sign_in` does not ask to confirm anything.
        kwargs["process"] = AuthProcess.CONNECT if _is_to_connect(request) else AuthProcess.LOGIN
        if token := request.POST.get(LINK, ""):
            kwargs[LINK] = enrolling.digest_of(token)
        return kwargs

    def redirect(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A page that leads on by itself.

        A redirect would not do: what a form may lead to is this site alone, says our policy, and browsers hold that
        against the answer, too (CSP 3, ``form-action``).
        """
        answer: HttpResponse = super().redirect(request, *args, **kwargs)
        if not isinstance(answer, HttpResponseRedirectBase):
            return answer
        return render(request, "socialaccount/to_dingtalk.html", {"url": answer.url})


def _is_to_connect(request: HttpRequest) -> bool:
    """Whether somebody who is signed in wants their account connected, and not another sign-in."""
    return request.user.is_authenticated and request.POST.get("process") == AuthProcess.CONNECT


_lead_there = OAuth2LoginView.adapter_view(DingTalkOAuth2Adapter)
# Whoever sits down at somebody's open session must not make themselves a way in that stays.
_lead_there_once_confirmed = securing.confirm_first(_lead_there)


@login_not_required
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Leads to DingTalk's page, at a press; to connect one's account, after one has shown who one is, and not before a
    second factor is set up where one is needed.
    """
    lead = _lead_there
    if _is_to_connect(request):
        if securing.lacks_factor(request.user, request.session):  # type: ignore[arg-type]
            return redirect("invites:security")
        lead = _lead_there_once_confirmed
    answer: HttpResponseBase = lead(request)
    return answer


come_back = OAuth2CallbackView.adapter_view(DingTalkOAuth2Adapter)
