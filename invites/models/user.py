"""Who signs in, and in which role."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, ClassVar, Self

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from invites.models.on_record import OnRecord

# Django-allauth's kinds (`allauth.mfa`) that are second factors.
FACTORS = ("totp", "webauthn")


class Role(models.TextChoices):
    """What a person is here for; `invites.permissions` says what each may do."""

    ORGANIZER = "organizer", _("Organizer")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


class UserQuerySet(QuerySet["User"]):
    """Queries over users."""

    def by_name(self) -> Self:
        """In the order in which lists show them: those who can sign in first."""
        return self.order_by("-is_active", "username")

    def called(self, name: str) -> Self:
        """Those who may mean themselves when they sign in as ``name``, in whatever capitals."""
        is_called = Q(username__iexact=name) | Q(email__iexact=name)
        return self.filter(is_called).order_by("pk") if name else self.none()

    def after(self, pk: int) -> Self:
        """Those that follow the user with this key in the order of `by_name`; all where there is no such user."""
        place = self.model.objects.filter(pk=pk).values_list("is_active", "username").first()
        if place is None:
            return self
        is_active, username = place
        behind = Q(is_active=is_active, username__gt=username)
        return self.filter(behind | Q(is_active=False)) if is_active else self.filter(behind)

    def matching(self, text: str) -> Self:
        """Those in whose names, mail address or unionId ``text`` stands."""
        if not text:
            return self
        fields = ("username", "first_name", "last_name", "email", "union_id")
        found = [Q(**{f"{field}__icontains": text}) for field in fields]
        return self.filter(reduce(or_, found))

    def with_role(self, role: str) -> Self:
        """Those in ``role``."""
        return self.filter(role=role)

    def who_can_sign_in(self, *, can: bool = True) -> Self:
        """Those who can sign in, or those who are barred from it."""
        return self.filter(is_active=can)

    def besides(self, pk: int | None) -> Self:
        """All but the user with this key, who may not be stored yet."""
        return self if pk is None else self.exclude(pk=pk)

    def named(self, username: str) -> Self:
        """Whoever signs in with this name, in capitals or not."""
        return self.filter(username__iexact=username)

    def reached_by(self, email: str) -> Self:
        """Those with this mail address, in capitals or not."""
        return self.filter(email__iexact=email)

    def with_factor(self) -> Self:
        """Those who have a second factor; recovery codes are none by themselves."""
        return self.filter(authenticator__type__in=FACTORS).distinct()

    def administrators(self) -> Self:
        """Those who can set up everything, and can sign in."""
        return self.filter(role=Role.ADMINISTRATOR, is_active=True)

    def for_change(self) -> Self:
        """Them, locked until the transaction ends, always in the same order."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)

    def sharing_with(self, user: "User") -> Self:
        """``user``, and whoever owns or co-organizes a conference that ``user`` owns or co-organizes."""
        sharing = self.model.co_organized_conferences.through.objects
        # Each found along an index of its own: joined together, all conferences would be read.
        owners = user.co_organized_conferences.values("owner")
        helpers = sharing.filter(conference__owner=user).values("user")
        fellows = sharing.filter(conference__in=user.co_organized_conferences.values("pk")).values("user")
        return self.filter(Q(pk=user.pk) | Q(pk__in=owners) | Q(pk__in=helpers) | Q(pk__in=fellows))


class InvitesUserManager(UserManager["User"]):
    """Makes sure that whoever is created as a superuser is an administrator here too."""

    def get_queryset(self) -> UserQuerySet:
        """With our queries."""
        return UserQuerySet(self.model, using=self._db)

    def all(self) -> UserQuerySet:
        """Everybody."""
        return self.get_queryset()

    def create_superuser(self, username: str, *args: Any, **fields: Any) -> "User":
        """As Django's, with the role of an administrator."""
        return super().create_superuser(username, *args, **fields | {"role": Role.ADMINISTRATOR})

    def by_name(self) -> UserQuerySet:
        """Everybody, in the order in which lists show them."""
        return self.all().by_name()

    def who_want_digest(self) -> QuerySet["User"]:
        """Those who want a weekly digest and can get one."""
        return self.filter(weekly_digest=True, is_active=True).exclude(email="").order_by("pk")

    def with_union_ids(self, union_ids: Iterable[str]) -> QuerySet["User"]:
        """Those whose own unionId is one of these."""
        return self.filter(union_id__in=list(union_ids)).exclude(union_id="")

    def is_last_administrator(self, pk: int) -> bool:
        """Whether user ``pk`` is an administrator who can sign in, and nobody else is."""
        active = self.all().administrators()
        return active.filter(pk=pk).exists() and not active.besides(pk).exists()

    def lock_administrators(self) -> None:
        """Lets nobody else change who administers until the transaction ends: two administrators who take the role
        from each other at the same moment take turns.
        """
        list(self.all().administrators().for_change().values_list("pk", flat=True))


class User(OnRecord, AbstractUser):
    """A person who signs in. ``union_id`` is their own DingTalk unionId, the operator of their invitations.

    The role decides about Django's own marks: administrators, and nobody else, are staff and superusers.
    """

    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.ORGANIZER)
    union_id = models.CharField("unionId", max_length=128, blank=True)
    may_see_phone_numbers = models.BooleanField(
        _("may see phone numbers"),
        default=False,
        help_text=_("For auditors: everybody else sees the numbers of their own people anyway."),
    )
    weekly_digest = models.BooleanField(
        _("weekly digest by mail"),
        default=False,
        help_text=_("Every Monday, to the address of this account."),
    )
    # In which their mail is written: that of the page on which they asked for it.
    language = models.CharField(max_length=16, blank=True, editable=False)

    objects: ClassVar[InvitesUserManager] = InvitesUserManager()

    class Meta(AbstractUser.Meta):
        constraints = (
            models.CheckConstraint(condition=Q(role__in=Role.values), name="user_role_is_known"),
            models.CheckConstraint(
                condition=Q(role=Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
                | (~Q(role=Role.ADMINISTRATOR) & Q(is_staff=False, is_superuser=False)),
                name="user_staff_are_administrators",
            ),
        )

    def __str__(self) -> str:
        return self.display_name

    def save(self, *, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """As Django's, with the marks that follow from the role."""
        self._mark()
        if update_fields is not None and "role" in (fields := set(update_fields)):
            update_fields = fields | {"is_staff", "is_superuser"}
        super().save(update_fields=update_fields, **kwargs)

    def clean(self) -> None:
        """As Django's. A form that changes the role checks the marks that will go with it."""
        super().clean()
        self._mark()

    def _mark(self) -> None:
        self.is_staff = self.is_superuser = self.role == Role.ADMINISTRATOR

    @property
    def display_name(self) -> str:
        """The person's name, or the name they sign in with."""
        return self.get_full_name() or self.username
