"""Keeps accounts safe: second factors, who has to have one, confirming who one is, and ending sessions.

Factors are django-allauth's (`allauth.mfa`), with secrets that are encrypted in the database. Must not decide what a
role may do.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Count, Exists, OuterRef
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

from invites import auditing, encryption
from invites.errors import FactorNeeded, SecondFactorMissing, SignInAgain
from invites.models import ApiToken, Session, SignInPolicy, User
from invites.models.session import SessionQuerySet
from invites.sessions import SessionStore

_CODES = Authenticator.Type.RECOVERY_CODES


class FactorAdapter(DefaultMFAAdapter):
    """Lets allauth store secrets encrypted, and call things as we do."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not the right one, or it has been used already."),
        "cannot_generate_recovery_codes": _(
            "Recovery codes need an authenticator app or a passkey beside them."
        ),
    }

    def encrypt(self, text: str) -> str:
        """``text`` as it is stored."""
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """What ``encrypt`` was given. Raises UndecryptableError where no configured key fits."""
        return encryption.decrypt(encrypted_text)

    def get_totp_label(self, user: User) -> str:
        """What the authenticator app shows beside the product's name."""
        return user.username

    def get_totp_issuer(self) -> str:
        """What the authenticator app shows above the code."""
        return str(_("Conference Invites"))

    def _get_site_name(self) -> str:
        return str(_("Conference Invites"))


class SecondStep(AuthenticateStage):
    """Asks for a second factor after a password; not after DingTalk, which asks for its own."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return not request.session.signed_in_with_dingtalk and super()._should_handle(request)  # type: ignore[attr-defined]


def factors_of(user: User) -> list[Authenticator]:
    """The second factors of ``user``, the oldest first; recovery codes are none by themselves."""
    return list(Authenticator.objects.filter(user=user).exclude(type=_CODES).order_by("pk"))


def has_codes(user: User) -> bool:
    """Whether ``user`` has recovery codes."""
    return bool(Authenticator.objects.filter(user=user, type=_CODES).exists())


def count_without_factor() -> dict[str, int]:
    """How many people who can sign in with a password have no second factor, by role, where there are any."""
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=_CODES)
    with_password = User.objects.filter(is_active=True).exclude(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    counted = with_password.exclude(Exists(factors)).values_list("role").annotate(people=Count("pk"))
    return dict(counted.order_by())


def lacks_factor(user: User | AnonymousUser, session: SessionStore) -> bool:
    """Whether ``user`` may do nothing in ``session`` before they have set up a second factor.

    Costs no query: what it takes came with the session.
    """
    if not isinstance(user, User) or user.role not in session.roles_that_need_factor:
        return False
    return not session.has_factor and not session.signed_in_with_dingtalk


def check_program(token: ApiToken) -> None:
    """Raises SecondFactorMissing where the user of ``token`` may do nothing before they have set up a second factor.

    How somebody signed in who made a token is not known: it concerns whoever can sign in with a password. Costs no
    query: what it takes came with the token.
    """
    user = token.user
    is_needed = user.role in (token.roles_that_need_factor or [])
    if is_needed and not token.has_factor and user.has_usable_password():
        raise SecondFactorMissing


def ask_who_it_is(request: HttpRequest) -> None:
    """Goes on where somebody has shown within the last minutes who they are. Else raises what allauth answers with the
    question; ``request`` is answered anew after it.

    Raises SignInAgain for whoever has nothing to show it by, which is somebody who signs in with DingTalk.
    """
    if request.session.signed_in_lately:  # type: ignore[attr-defined]
        return
    if not get_adapter().get_reauthentication_methods(request.user):
        raise SignInAgain
    raise ReauthenticationRequired


def confirm_first[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """``view`` for those who have shown within the last minutes who they are; others are asked first (`ask_who_it_is`)
    and come back.
    """

    def confirmed(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        ask_who_it_is(request)
        return view(request, *args, **kwargs)

    # Marks of the view, as that it needs no sign-in, stay.
    return update_wrapper(confirmed, view)


def note_added(user: User, kind: Authenticator.Type) -> None:
    """Puts a new factor of this ``kind`` on record. The caller holds the transaction."""
    auditing.note_security(user, auditing.FACTOR_ADDED, detail={"factor": str(kind)})


def note_new_codes(user: User) -> None:
    """Puts on record that there are new recovery codes. The caller holds the transaction."""
    auditing.note_security(user, auditing.CODES_MADE)


def note_failed_step(user: User) -> None:
    """Puts on record that somebody knew the password of ``user`` and had no right second factor."""
    auditing.note_security(user, auditing.SECOND_STEP_FAILED)


def let_go(user: User, factor: Authenticator) -> None:
    """Puts on record that ``user`` removes ``factor``, just before that happens. The caller holds the transaction.

    Raises FactorNeeded for the last one of somebody whose role needs one. The account is locked meanwhile, so that two
    removals at the same moment do not leave none.
    """
    User.objects.select_for_update().get(pk=user.pk)
    needed = SignInPolicy.objects.current().needs_second_factor(user.role)
    if needed and [each.pk for each in factors_of(user)] == [factor.pk]:
        raise FactorNeeded
    auditing.note_security(user, auditing.FACTOR_REMOVED, detail={"factor": str(factor.type)})


def reset_factors(user: User) -> bool:
    """Takes away all second factors of ``user``, recovery codes as well: for somebody who has lost theirs.

    Says whether there were any; only then there is something on record.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        removed, _by_model = Authenticator.objects.filter(user=user).delete()
        if removed:
            auditing.note_security(user, auditing.FACTORS_RESET)
    return bool(removed)


def end_sessions(user: User, *, but: SessionStore | None = None) -> int:
    """Signs ``user`` out everywhere, except from the session ``but``; how many sessions were ended."""
    return _end(user, Session.objects.others_of(user, but.digest if but is not None else ""))


def end_session(user: User, pk: int) -> int:
    """Signs ``user`` out from the session ``pk``, if it is theirs; how many sessions were ended."""
    return _end(user, Session.objects.of(user).named(pk))


def _end(user: User, sessions: SessionQuerySet) -> int:
    with transaction.atomic():
        ended: int = sessions.delete()[0]
        if ended:
            auditing.note_security(user, auditing.SESSIONS_ENDED, detail={"sessions": ended})
    return ended
