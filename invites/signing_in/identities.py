"""Somebody's own DingTalk identity: connected, kept up to date, shown and disconnected."""

from dataclasses import dataclass

from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction

from invites.dingtalk import SignedInPerson
from invites.errors import AnotherIdentity, IdentityTaken, OnlyWayIn
from invites.models import User
from invites.signing_in import through_dingtalk
from invites.signing_in.through_dingtalk import PROVIDER, SANDBOX_PROVIDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody's account stands to DingTalk. ``nick`` is empty where nothing is connected."""

    is_offered: bool
    is_connected: bool
    nick: str
    union_id: str
    is_only_way_in: bool


def standing(user: User) -> Standing:
    """What the page about the security of ``user``'s account shows."""
    account = _accounts(user).first()
    told = account.extra_data if account else {}
    return Standing(
        is_offered=through_dingtalk.is_offered(),
        is_connected=account is not None,
        nick=told.get("nick", ""),
        union_id=told.get("unionId", ""),
        is_only_way_in=not user.has_usable_password(),
    )


def has_identity(user: User) -> bool:
    """Whether DingTalk has told who ``user`` is, so that nobody else need say so."""
    return bool(_accounts(user).exists())


def as_stored(person: SignedInPerson) -> dict[str, str]:
    """What is kept of what DingTalk tells: no mail address and no number, which nobody here needs."""
    return {"nick": person.nick, "unionId": person.union_id, "corpId": person.corp_id}


def recognise(person: SignedInPerson, *, provider: str) -> None:
    """Lets whoever is known by another openId be known by that of ``person``, who has the same unionId.

    An openId is one app's own, the unionId is the same over all apps of a company: where administrators choose another
    app for signing in, everybody keeps their account.
    """
    known = SocialAccount.objects.filter(provider=provider, extra_data__unionId=person.union_id)
    account = known.order_by("pk").first()
    if account is not None and not known.filter(uid=person.open_id).exists():
        account.uid = person.open_id
        account.save(update_fields=["uid"])


def connect(user: User, person: SignedInPerson, *, provider: str) -> None:
    """Lets ``person`` sign in as ``user`` from now on. Safe to repeat.

    Raises IdentityTaken where they are somebody else here, AnotherIdentity where ``user`` is connected to another.
    """
    with transaction.atomic():
        held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        account = _accounts(held).filter(provider=provider).first()
        if account is not None and account.uid != person.open_id:
            raise AnotherIdentity
        try:
            with transaction.atomic():
                SocialAccount.objects.update_or_create(
                    provider=provider,
                    uid=person.open_id,
                    user=held,
                    defaults={"extra_data": as_stored(person)},
                )
        except IntegrityError:
            raise IdentityTaken from None
        keep_union_id(held, person)


def keep_union_id(user: User, person: SignedInPerson) -> None:
    """Makes the unionId that DingTalk has told that of the operator of ``user``'s invitations."""
    if user.union_id != person.union_id:
        user.union_id = person.union_id
        user.save(update_fields=["union_id"])


def disconnect(user: User) -> None:
    """Lets nobody come in as ``user`` through DingTalk any more. The unionId stays, and can be edited again.

    Raises OnlyWayIn for somebody without a password. Safe to repeat.
    """
    with transaction.atomic():
        held = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not held.has_usable_password():
            raise OnlyWayIn
        _accounts(held).delete()


def _accounts(user: User):  # type: ignore[no-untyped-def]  # django-allauth is not typed
    return SocialAccount.objects.filter(user=user, provider__in=(PROVIDER, SANDBOX_PROVIDER)).order_by("pk")
