"""Who a name and a password belong to."""

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser

from invites.models import User


class NameOrMailBackend(AuthenticationBackend):
    """Allauth's, by username or mail address; a name that is spelt exactly so wins over one in other capitals.

    Allauth lets nobody in where two names differ in nothing but their capitals, which Django has always allowed.
    """

    def _authenticate_by_username(self, username: str, password: str) -> AbstractBaseUser | None:
        try:
            user = User.objects.get_by_natural_key(username)
        except User.DoesNotExist:
            return super()._authenticate_by_username(username, password)  # type: ignore[no-any-return]
        return self._check_password(user, password)  # type: ignore[no-any-return]

    def _authenticate_by_email(self, email: str, password: str) -> AbstractBaseUser | None:
        """Of those with this address, whose password it is; allauth's own table of addresses is not asked."""
        allowed = (self._check_password(user, password) for user in User.objects.all().reached_by(email))
        return next((user for user in allowed if user is not None), None)
