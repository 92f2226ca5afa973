"""Who a name and a password belong to."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from invites.guarding import is_shut_out
from invites.models import User


class NameOrMailBackend(AuthenticationBackend):
    """Allauth's, by username or mail address; a name that is spelt exactly so wins over one in other capitals.

    Allauth lets nobody in where two names differ in nothing but their capitals, which Django has always allowed.
    """

    def _authenticate(self, request: HttpRequest | None, **credentials: Any) -> AbstractBaseUser | None:
        """Of those whom the name may mean, whose password it is; allauth's own table of addresses is not asked.

        Each one's password is looked at once, and once where there is nobody: how long a refusal takes would tell
        whether there is an account.
        """
        name = credentials.get("email") or credentials.get("username") or ""
        meant = sorted(User.objects.all().called(name), key=lambda user: user.username != name)
        allowed = (self._check_password(user, credentials["password"]) for user in meant)
        return next((user for user in allowed if user is not None), None)

    def _check_password(self, user: AbstractBaseUser | None, password: str) -> AbstractBaseUser | None:
        """As allauth's, but the demonstration's password is nobody's while real people can be called, also where one of
        its users was let in again.
        """
        checked: AbstractBaseUser | None = super()._check_password(user, password)
        if checked is None or is_shut_out(username=checked.get_username(), password=password):
            return None
        return checked
