"""Who asks: the user of the token in the header ``Authorization``, and nobody by any other way.

Cookies are not looked at, so no page of another site can ask in the name of whoever is signed in here.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Concatenate

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security.http import HttpAuthBase

from invites import limiting, securing, tokens
from invites.models import ApiToken
from invites.models.api_token import Scope

_SCHEME = "bearer"


class Token(HttpAuthBase):
    """``Authorization: Bearer ci_…``. The library's own class would log what stands there where DEBUG is on."""

    openapi_scheme = _SCHEME

    def __call__(self, request: HttpRequest) -> ApiToken | None:
        """The token, in whose user's name everything in this request happens then; None where it is none.

        Raises TooOften where that user's programs ask too often, and SecondFactorMissing where the user could not use
        the pages either.
        """
        scheme, _blank, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != _SCHEME:
            return None
        token = tokens.find(text.strip())
        if token is not None:
            request.user = token.user
            limiting.spend(token.user, limiting.Kind.API)
            securing.check_program(token)
        return token


def token_of(request: HttpRequest) -> ApiToken:
    """The token with which ``request`` came."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # the library writes it there
    return token


def needs[**P, R](
    scope: Scope,
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """A decorator of a view: raises PermissionDenied where the token is not for ``scope``."""

    def decorate(view: Callable[Concatenate[HttpRequest, P], R]) -> Callable[Concatenate[HttpRequest, P], R]:
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not token_of(request).allows(scope):
                raise PermissionDenied(
                    _("This token is not for that: it lacks “%(scope)s”.") % {"scope": scope}
                )
            return view(request, *args, **kwargs)

        wrapped: Any = update_wrapper(guarded, view)
        wrapped.__doc__ = f"{view.__doc__}\n\nThe token needs `{scope}`."
        return wrapped  # type: ignore[no-any-return]

    return decorate
