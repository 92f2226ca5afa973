"""What the administrators have decided about signing in: who may sign up, and who needs a second factor."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from invites.models.app import App
from invites.models.on_record import OnRecord
from invites.models.user import Role


class SignUp(models.TextChoices):
    """Who may get an account without an administrator making it."""

    NOBODY = "nobody", _("Nobody: administrators make all accounts")
    BY_LINK = "by_link", _("Whoever has a sign-up link from an administrator")
    COMPANY = "company", _("Everybody of the company who signs in with DingTalk")


def validate_roles(value: object) -> None:
    """A list of roles, each once. Raises ValidationError for anything else."""
    if not isinstance(value, list) or len({*value}) != len(value) or not {*value} <= {*Role.values}:
        raise ValidationError(_("Choose roles from the list."))


class SignInPolicyManager(models.Manager["SignInPolicy"]):
    """The one policy there is."""

    def current(self) -> "SignInPolicy":
        """What holds now; where nobody has decided anything, the defaults, which are not stored by asking."""
        return self.select_related("app").first() or SignInPolicy()


class SignInPolicy(OnRecord):
    """The one row of what administrators have decided about signing in.

    ``app`` is the DingTalk app through which people sign in; without one they do so with a password only.
    ``corp_ids`` holds the companies whose people may sign up where ``sign_up`` is COMPANY: without one, nobody may.
    ``second_factor_roles`` holds the roles that may do nothing before they have set up a second factor; it concerns
    those who sign in with a password, since DingTalk asks for its own.
    """

    app = models.ForeignKey(
        App,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("app for signing in with DingTalk"),
    )
    sign_up = models.CharField(_("who may sign up"), max_length=16, choices=SignUp, default=SignUp.NOBODY)
    corp_ids = models.JSONField(_("corp ids of the company"), default=list, blank=True)
    role = models.CharField(
        _("role of whoever signs up"), max_length=16, choices=Role, default=Role.ORGANIZER
    )
    second_factor_roles = models.JSONField(
        _("roles that need a second factor"), default=list, blank=True, validators=[validate_roles]
    )

    objects: ClassVar[SignInPolicyManager] = SignInPolicyManager()

    class Meta:
        verbose_name = _("sign-in policy")
        verbose_name_plural = _("sign-in policies")
        constraints = (
            models.CheckConstraint(condition=Q(pk=1), name="sign_in_policy_is_one"),
            models.CheckConstraint(
                condition=Q(sign_up__in=SignUp.values), name="sign_in_policy_sign_up_known"
            ),
            # Nobody becomes an administrator by signing up.
            models.CheckConstraint(
                condition=Q(role__in=[Role.ORGANIZER, Role.AUDITOR]), name="sign_in_policy_role_is_modest"
            ),
        )

    def __str__(self) -> str:
        return str(_("Sign-in policy"))

    def save(self, **kwargs: object) -> None:
        """As Django's, always into the one row."""
        self.pk = 1
        super().save(**kwargs)  # type: ignore[arg-type]

    def needs_second_factor(self, role: str) -> bool:
        """Whether people of ``role`` who sign in with a password need a second factor."""
        return role in self.second_factor_roles
