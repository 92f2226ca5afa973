"""The demonstration's own data: people, a book and conferences of the sandbox, and who may sign in to try them.

Must not exist beside a real DingTalk app: with credentials nothing is loaded, and nobody signs in with the password
that everybody can read here.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Q

from invites import securing, tokens
from invites.connecting import ensure_apps
from invites.dingtalk import SignedInPerson
from invites.dingtalk.sandbox.people import (
    DEMO_CONFERENCES,
    DEMO_GUESTS,
    DEMO_ORGANIZER,
    DEMO_PEOPLE,
    SANDBOX_CORP_ID,
)
from invites.errors import DemoIsOpen
from invites.guarding import DEMO_PASSWORD, DEMO_USERNAMES, calls_are_real
from invites.models import AddressBook, App, Conference, Contact, ContactGroup, SignInPolicy, User
from invites.models.app import AppKind
from invites.models.conference import ConferenceStatus
from invites.models.sign_in_policy import SignUp
from invites.models.user import Role
from invites.signing_in import identities
from invites.signing_in.through_dingtalk import SANDBOX_PROVIDER

_CAME_THROUGH_SANDBOX: Final = Q(
    socialaccount__provider=SANDBOX_PROVIDER, password__startswith=UNUSABLE_PASSWORD_PREFIX
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """With what one signs in to the demonstration."""

    username: str
    password: str


def sign_in() -> SignIn | None:
    """The sign-in that the demonstration offers, or None where there is no demonstration.

    Beside a real app its password works no more (`invites.guarding`).
    """
    if not settings.DINGTALK_SANDBOX_URL or calls_are_real():
        return None
    if not User.objects.filter(username=DEMO_USERNAMES[0], is_active=True).exists():
        return None
    return SignIn(username=DEMO_USERNAMES[0], password=DEMO_PASSWORD)


def lets_anybody_in() -> bool:
    """Whether somebody can sign in with the password that everybody can read here, or came in through the sandbox,
    where everybody is whoever they like, and may still be in.
    """
    allowed = User.objects.filter(is_active=True)
    if allowed.filter(_CAME_THROUGH_SANDBOX).exists():
        return True
    return any(user.check_password(DEMO_PASSWORD) for user in allowed.filter(username__in=DEMO_USERNAMES))


def refuse_real_app(*, kind: str, enabled: bool) -> None:
    """Raises DemoIsOpen where an app of this ``kind`` may be called from now on, which brings real people within the
    reach of everybody whom the demonstration lets in. Whatever makes an app one that can be called asks here first.
    """
    if enabled and kind != AppKind.SANDBOX and lets_anybody_in():
        raise DemoIsOpen


@transaction.atomic
def load() -> bool:
    """Loads the demonstration into a database in which nobody can sign in yet; returns whether it did.

    Does nothing beside a real app, or without a sandbox.
    """
    if not settings.DINGTALK_SANDBOX_URL or User.objects.exists() or calls_are_real():
        return False
    ensure_apps()
    app = App.objects.get(kind=AppKind.SANDBOX)
    owner = _user(DEMO_USERNAMES[0], "Demo", Role.ADMINISTRATOR, union_id=DEMO_ORGANIZER.union_id)
    _user(DEMO_USERNAMES[1], "Demo Organizer", Role.ORGANIZER, union_id=DEMO_PEOPLE[0].union_id)
    _user(DEMO_USERNAMES[2], "Demo Auditor", Role.AUDITOR)
    _load_conferences(app, owner)
    _load_books(app, owner)
    _open_the_door(app)
    return True


def withdraw() -> int:
    """Shuts the demonstration's users out as soon as credentials are there; returns how many that were.

    Those, too, who came through the sandbox and have no other way in. Neither their sessions nor their tokens come back
    with them if somebody lets them in again.
    """
    if settings.DINGTALK is None:
        return 0
    theirs = Q(username__in=DEMO_USERNAMES) | _CAME_THROUGH_SANDBOX
    users = list(User.objects.filter(theirs, is_active=True).distinct())
    for user in users:
        user.is_active = False
        # One by one, since each is on record.
        user.save(update_fields=["is_active"])
        securing.end_sessions(user)
        tokens.revoke_all(user)
    return len(users)


def _open_the_door(app: App) -> None:
    """Lets everybody of the sandbox's company sign in through it; two of them have their account already."""
    SignInPolicy(app=app, sign_up=SignUp.COMPANY, corp_ids=[SANDBOX_CORP_ID]).save()
    for username, person in zip(DEMO_USERNAMES, (DEMO_ORGANIZER, DEMO_PEOPLE[0]), strict=False):
        identities.connect(
            User.objects.get(username=username),
            SignedInPerson(
                open_id=person.open_id, union_id=person.union_id, nick=person.nick, corp_id=SANDBOX_CORP_ID
            ),
            provider=SANDBOX_PROVIDER,
        )


def _user(username: str, name: str, role: Role, *, union_id: str = "") -> User:
    return User.objects.create_user(
        username, password=DEMO_PASSWORD, first_name=name, role=role, union_id=union_id
    )


def _load_conferences(app: App, owner: User) -> None:
    for demo in DEMO_CONFERENCES:
        if demo.registered:
            Conference.objects.create(
                app=app,
                owner=owner,
                conference_id=demo.conference_id,
                title=demo.title,
                room_code=demo.room_code,
                creator_union_id=demo.creator,
                status=ConferenceStatus.OPEN if demo.lasted_minutes is None else ConferenceStatus.ENDED,
            )


def _load_books(app: App, owner: User) -> None:
    for name, people in (("Colleagues · 同事", DEMO_PEOPLE), ("Guests · 访客", DEMO_GUESTS)):
        book = AddressBook.objects.create(app=app, owner=owner, name=name, sharing="read")
        contacts = Contact.objects.bulk_create(
            Contact(
                book=book, nick=person.nick, union_id=person.union_id, phone_number=person.phone_number or ""
            )
            for person in people
        )
        for department in dict.fromkeys(person.department for person in people):
            group = ContactGroup.objects.create(book=book, name=department)
            group.contacts.set(
                contact
                for contact, person in zip(contacts, people, strict=True)
                if person.department == department
            )
