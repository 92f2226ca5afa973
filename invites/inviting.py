"""Invites from the command line: registers the conference, makes and sends the invitation, and delivers it at once.

Needs no worker and no signed-in person. What it finds unusable it says with a ValidationError or an InviteError; the
caller holds a transaction until then, so that nothing is stored.
"""

import time
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from invites import delivering, phone_numbers, sparing
from invites.connecting import client_for, ensure_apps
from invites.errors import ConferenceLocked
from invites.guarding import refuse_demo_conference, refuse_demo_person
from invites.models import App, Conference, Contact, ContactGroup, Invitation, Invitee
from invites.models.app import AppKind
from invites.models.contact import validate_nick, validate_union_id
from invites.models.invitation import InvitationSource
from invites.models.invitee import Channel
from invites.sending import cut, sign

TIME_IS_UP = "timeIsUp"
"""Our own code of why people were left out: the command has only so much time."""

NAMED = 10
"""So many of those who must not be invited are named; the others are counted."""

NO_REASON = "–"
"""Stands for the reason of a mark that has none, so that it is known that somebody decided against it."""

# An attempt that begins at the last moment ends 15 s later. One batch may take a minute, the start of the program
# included, which is slow on a busy machine.
SECONDS_PER_BATCH = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to invite: by unionId, or by phone number in E.164."""

    channel: Channel
    value: str
    nick: str
    contact: Contact | None = None


def choose_app(name: str | None) -> App:
    """The app called ``name``; without one that of the environment, or else the only usable one.

    Raises ValidationError where there is none or more than one.
    """
    usable = ensure_apps()
    if name is not None:
        named = [app for app in usable if app.name == name]
        if not named:
            raise ValidationError(_("There is no usable DingTalk app called “%(name)s”.") % {"name": name})
        return named[0]
    from_environment = [app for app in usable if app.kind == AppKind.ENVIRONMENT]
    candidates = from_environment or usable
    if not candidates:
        raise ValidationError(
            _("There is no DingTalk app: set the DINGTALK_… variables, or name one with --app.")
        )
    if len(candidates) > 1:
        raise ValidationError(_("There are several DingTalk apps: name one with --app."))
    return candidates[0]


def person_by_union_id(text: str) -> Person:
    """Somebody from ``UNION_ID:NICK``, split at the first colon. Raises ValidationError."""
    union_id, _colon, nick = text.partition(":")
    validate_union_id(union_id)
    return Person(channel=Channel.UNION_ID, value=union_id, nick=_checked_nick(nick, of=text))


def person_by_phone(text: str, *, app: App) -> Person:
    """Somebody from ``NUMBER:NICK``, the number as people in the app's country write it. Raises ValidationError."""
    number, _colon, nick = text.partition(":")
    value = phone_numbers.parse(number, country=app.country)
    return Person(channel=Channel.PHONE, value=value, nick=_checked_nick(nick, of=text))


def people_of_group(text: str, *, app: App) -> list[Person]:
    """The contacts of ``BOOK/GROUP`` by unionId where they have one. Raises ValidationError."""
    book, _slash, name = text.partition("/")
    groups = list(ContactGroup.objects.named(name, book_name=book, app=app)[:2]) if _is_text(text) else []
    if not groups:
        raise ValidationError(_("There is no group “%(name)s” in the books of this app.") % {"name": text})
    if len(groups) > 1:
        raise ValidationError(_("Several groups are called “%(name)s”.") % {"name": text})
    people = []
    for contact in groups[0].contacts.all().by_name():
        channel = Channel.UNION_ID if contact.union_id else Channel.PHONE
        value = contact.union_id or contact.phone_number
        people.append(Person(channel=channel, value=value, nick=contact.nick, contact=contact))
    return people


def make(
    *,
    app: App,
    conference_id: str,
    operator_union_id: str,
    people: Iterable[Person],
    despite_do_not_invite: bool = False,
) -> Invitation:
    """Makes one invitation of ``people`` (the same person twice counts once), sent and ready to be delivered.

    Somebody who is marked "do not invite" in any book of the app makes it unusable input, unless they are to be called
    in spite of it, which is recorded. The caller holds the transaction. Raises ValidationError or InviteError for
    unusable input.
    """
    Conference.conference_id.field.run_validators(conference_id)
    if not conference_id:
        raise ValidationError(_("Enter the conferenceId."))
    refuse_demo_conference(app=app, conference_id=conference_id)
    if operator_union_id:
        validate_union_id(operator_union_id)
        refuse_demo_person(app=app, values=[operator_union_id])
    client_for(app)
    conference, _created = Conference.objects.get_or_create(app=app, conference_id=conference_id)
    if conference.locked_at is not None:
        raise ConferenceLocked
    invitation = Invitation(
        conference=conference, source=InvitationSource.COMMAND_LINE, operator_union_id=operator_union_id
    )
    sign(invitation, user=None)
    invitation.save()
    invitees = _invitees(invitation, list(people))
    _heed_marks(invitees, app=app, override=despite_do_not_invite)
    Invitee.objects.bulk_create(invitees)
    cut(invitation)
    # Its own process delivers it; a worker is to step in only when that must have died.
    invitation.rung_at = _until(invitation) + timedelta(seconds=settings.CALL_SECONDS)
    invitation.save(update_fields=["rung_at"])
    return invitation


def deliver(invitation: Invitation) -> None:
    """Delivers an invitation that `make` made and that is committed; returns when it is over."""
    # A command that was killed has left its attempt behind, and there need not be a worker that closes it.
    delivering.close_dead_attempts()
    delivering.close_finished()
    try:
        _deliver(invitation.pk, until=_until(invitation))
    finally:
        # Also after Ctrl-C: whoever has not been called by now must not be called by a worker much later.
        delivering.leave_out_waiting(invitation.pk, because=TIME_IS_UP)


def _until(invitation: Invitation) -> datetime:
    """When the last attempt may begin."""
    return (invitation.sent_at or timezone.now()) + timedelta(
        seconds=SECONDS_PER_BATCH * invitation.batches.count()
    )


def _deliver(invitation_id: int, *, until: datetime) -> None:
    policy = delivering.COMMAND_LINE
    while next_due := delivering.deliver(invitation_id=invitation_id, policy=policy, until=until):
        if next_due >= until or timezone.now() >= until:
            return
        time.sleep(max(0.0, (next_due - timezone.now()).total_seconds()))


def _invitees(invitation: Invitation, people: Sequence[Person]) -> list[Invitee]:
    """``people`` in their order without those who are there already, be it under another channel of their contact."""
    contacts = [_identities(person.contact) for person in people if person.contact is not None]
    known = {identity: identities for identities in contacts for identity in identities}
    seen: set[tuple[str, str]] = set()
    invitees: list[Invitee] = []
    for person in people:
        identity = (person.channel, person.value)
        identities = known.get(identity, set()) | {identity}
        if seen & identities:
            continue
        seen |= identities
        invitees.append(
            Invitee(
                invitation=invitation,
                position=len(invitees),
                channel=person.channel,
                value=person.value,
                nick=person.nick,
                contact=person.contact,
            )
        )
    return invitees


def _heed_marks(invitees: Sequence[Invitee], *, app: App, override: bool) -> None:
    """Raises ValidationError, with their names and the reasons, where some are marked; or notes why they were."""
    marks = sparing.marks_on(invitees, user=None, app=app)
    marked = [(invitee, mark) for invitee, mark in zip(invitees, marks, strict=True) if mark is not None]
    if marked and not override:
        named = [f"{invitee} ({mark.do_not_invite_reason})" for invitee, mark in marked[:NAMED]]
        more = [_("%(n)s more") % {"n": len(marked) - NAMED}] if len(marked) > NAMED else []
        raise ValidationError(
            _(
                "An address book says “do not invite”: %(people)s. Leave them out, or call them all the same with "
                "--despite-do-not-invite."
            )
            % {"people": ", ".join([*named, *more])}
        )
    for invitee, mark in marked:
        invitee.overridden_reason = mark.do_not_invite_reason or NO_REASON


def _identities(contact: Contact) -> set[tuple[str, str]]:
    """Under what a contact can be called."""
    both = {(Channel.UNION_ID, contact.union_id), (Channel.PHONE, contact.phone_number)}
    return {(channel, value) for channel, value in both if value}


def _checked_nick(nick: str, *, of: str) -> str:
    nick = nick.strip()
    if not nick:
        raise ValidationError(_("“%(text)s” has no name: write UNION_ID:NICK or NUMBER:NICK.") % {"text": of})
    validate_nick(nick)
    return nick


def _is_text(text: str) -> bool:
    """Whether a database can be asked for it: not where an argument held bytes that are no text."""
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in text)
