"""One of everything that an address can name, all of it one organizer's."""

from collections.abc import Mapping
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from django.utils.http import int_to_base36
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from invites import curating, enrolling, tokens
from invites.disclosing import people
from invites.models import (
    AddressBook,
    ApiToken,
    App,
    Attempt,
    AuditEntry,
    BookShare,
    Conference,
    ConferenceCreation,
    ContactImport,
    DirectoryLink,
    DraftLine,
    HistoryExport,
    Person,
    SavedFilter,
    Session,
    User,
)
from invites.models.api_token import Scope
from invites.models.contact_import import ImportSource, ImportState
from invites.models.directory_link import DirectoryPart
from invites.models.draft_line import LineProblem
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.user import Role
from tests.factories import (
    AddressBookFactory,
    AppFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InvitationFactory,
    InviteeFactory,
    SentInvitationFactory,
)

type Named = Mapping[str, Any]
"""What stands in an address, by the names of its parameters."""


def belongings(owner: User, *, colleague: User) -> dict[str, Named]:
    """Things of ``owner``, by noun, as addresses name them; ``colleague`` shares some of them."""
    app = AppFactory()
    book = _book(app, owner, colleague)
    conference, of_conference = _conference(app, owner, colleague)
    attempt = _attempt(conference)
    contact, group = book.contacts.order_by("pk")[0], book.groups.get()
    export = HistoryExport.objects.create(user=owner, file_format="csv", time_zone="UTC")
    things: dict[str, Any] = {
        "app": app,
        "book": book,
        "contact": contact,
        "group": group,
        "import": book.imports.get(),
        "change": book.changes.get(),
        "invitation": attempt.invitation,
        "attempt": attempt,
        "person": Person.objects.get(),
        "organizer": owner,
        "export": export,
        "saved_filter": SavedFilter.objects.create(user=owner, name="Mine", query="outcome=failed"),
        "entry": AuditEntry.objects.get_for_object(export).latest("pk"),
        "user": colleague,
        "sign_up_link": enrolling.make_link(by=owner, role=Role.ORGANIZER)[0],
        "passkey": _passkey(owner),
        "session": Session.objects.get(user=owner),
        "token": token_of(owner).token,
    }
    creation = ConferenceCreation.objects.create(user=owner, app=app, title="Weekly review")
    return {noun: {"pk": thing.pk} for noun, thing in things.items()} | {
        "book": {"pk": book.pk, "user_pk": colleague.pk},
        "conference": of_conference,
        "creation": {"key": creation.key},
        "password_link": _password_link(owner),
        "sign_up_token": {"token": enrolling.make_link(by=owner, role=Role.ORGANIZER)[1]},
        "somebody": {"token": people.token_of(Person.objects.get())},
        "in_the_api": {
            "conference": conference.pk,
            "invitation": attempt.invitation.pk,
            "attempt": attempt.pk,
            "book": book.pk,
            "contact": contact.pk,
        },
        "in_the_admin": {
            "object_id": app.pk,
            "content_type_id": 1,
            "app_label": "invites",
            "url": "nowhere/",
        },
    }


def token_of(user: User) -> tokens.Made:
    """A token of ``user`` for everything that the API can do."""
    return tokens.make(ApiToken(user=user, name="script", scopes=[*Scope.values]), days=30)


def _book(app: App, owner: User, colleague: User) -> AddressBook:
    book: AddressBook = AddressBookFactory(app=app, owner=owner, name="Team")
    DirectoryLink.objects.create(
        book=book, part=DirectoryPart.DEPARTMENT, remote_id="20", name="Engineering", linked_by=owner
    )
    contacts = ContactFactory.create_batch(2, book=book, nick="Ada")
    group = ContactGroupFactory(book=book)
    curating.add_to_group(group=group, contacts=book.contacts.all().among([contacts[0].pk]), user=owner)
    ContactImport.objects.create(
        book=book,
        created_by=owner,
        source=ImportSource.FILE,
        state=ImportState.DONE,
        reading={"format": {}},
    )
    # Whoever shares it by name may not change it: what is tried on a stranger is not this colleague.
    BookShare.objects.create(book=book, user=colleague, may_write=False)
    return book


def _conference(app: App, owner: User, colleague: User) -> tuple[Conference, Named]:
    conference: Conference = ConferenceFactory(app=app, owner=owner)
    conference.co_organizers.add(colleague)
    draft = InvitationFactory(conference=conference)
    invitee = InviteeFactory(invitation=draft, position=0)
    line = DraftLine.objects.create(invitation=draft, text="?", problem=LineProblem.values[0])
    put_aside = InvitationFactory(
        conference=conference,
        state=InvitationState.SCHEDULED,
        scheduled_for=timezone.now(),
        scheduled_by=owner,
    )
    return conference, {
        "pk": conference.pk,
        "user_pk": colleague.pk,
        "invitee_pk": invitee.pk,
        "line_pk": line.pk,
        "invitation_pk": put_aside.pk,
    }


def _attempt(conference: Conference) -> Attempt:
    sent = SentInvitationFactory(conference=conference)
    person = InviteeFactory(invitation=sent, position=0, state=InviteeState.INVITED)
    attempt: Attempt = AttemptFactory(invitation=sent, sent_to=[person])
    return attempt


def _passkey(user: User) -> Authenticator:
    """One as a browser makes it."""
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = ES256.from_cryptography_key(public)  # type: ignore[no-untyped-call]
    flags = AuthenticatorData.FLAG
    credential = AttestedCredentialData.create(Aaguid.NONE, b"key", key)
    data = AuthenticatorData.create(sha256(b"testserver"), flags.UP | flags.AT, 0, credential)
    made = {
        "clientDataJSON": websafe_encode(
            CollectedClientData.create("webauthn.create", b"challenge", "https://testserver")
        ),
        "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
    }
    named = {"id": websafe_encode(b"key"), "rawId": websafe_encode(b"key"), "type": "public-key"}
    return Authenticator.objects.create(
        user=user, type="webauthn", data={"name": "Key", "credential": named | {"response": made}}
    )


def _password_link(user: AbstractBaseUser) -> Named:
    return {"uidb36": int_to_base36(user.pk), "key": default_token_generator.make_token(user)}
