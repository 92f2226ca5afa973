"""Makes the nouns with sensible defaults, so that a test names only what it is about."""

from collections.abc import Sequence as Several
from datetime import timedelta
from typing import Any

from django.utils import timezone
from factory import (
    Faker,
    LazyAttribute,
    LazyFunction,
    SelfAttribute,
    Sequence,
    SubFactory,
)
from factory.django import DjangoModelFactory, Password

from invites import clock
from invites.models import (
    AddressBook,
    App,
    Attempt,
    AttemptInvitee,
    Batch,
    Conference,
    Contact,
    ContactGroup,
    Invitation,
    Invitee,
    Member,
    Person,
    User,
)
from invites.models.app import AppKind
from invites.models.attempt import AttemptState, Channels
from invites.models.batch import BatchState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.models.member import Attendance, key_of
from invites.models.user import Role

PASSWORD = "a long test password"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = Sequence(lambda n: f"organizer{n}")
    password = Password(PASSWORD)
    role = Role.ORGANIZER
    union_id = Sequence(lambda n: f"operator{n}")


class AppFactory(DjangoModelFactory[App]):
    """An app with a fixed token. Its host is this machine's port 9, where nothing listens."""

    class Meta:
        model = App

    name = Sequence(lambda n: f"App {n}")
    kind = AppKind.FIXED_TOKEN
    base_url = "http://127.0.0.1:9"
    access_token = "token-of-the-app"


class ConferenceFactory(DjangoModelFactory[Conference]):
    class Meta:
        model = Conference

    app = SubFactory(AppFactory)
    owner = SubFactory(UserFactory)
    conference_id = Sequence(lambda n: f"{n:024x}")
    title = Sequence(lambda n: f"Weekly review {n}")
    status = ConferenceStatus.OPEN


class AddressBookFactory(DjangoModelFactory[AddressBook]):
    class Meta:
        model = AddressBook

    app = SubFactory(AppFactory)
    owner = SubFactory(UserFactory)
    name = Sequence(lambda n: f"Book {n}")


class ContactFactory(DjangoModelFactory[Contact]):
    class Meta:
        model = Contact

    book = SubFactory(AddressBookFactory)
    nick = Faker("name")
    union_id = Sequence(lambda n: f"person{n}")


class MarkedContactFactory(ContactFactory):
    """Somebody who is not to be invited."""

    do_not_invite_since = LazyFunction(timezone.now)
    do_not_invite_reason = "On leave"


class ContactGroupFactory(DjangoModelFactory[ContactGroup]):
    class Meta:
        model = ContactGroup

    book = SubFactory(AddressBookFactory)
    name = Sequence(lambda n: f"Group {n}")


class InvitationFactory(DjangoModelFactory[Invitation]):
    """A draft."""

    class Meta:
        model = Invitation

    conference = SubFactory(ConferenceFactory)


class InviteeFactory(DjangoModelFactory[Invitee]):
    class Meta:
        model = Invitee

    invitation = SubFactory(InvitationFactory)
    position = Sequence(int)
    channel = Channel.UNION_ID
    value = Sequence(lambda n: f"person{n}")
    nick = LazyAttribute(lambda invitee: f"Name of {invitee.value}")


class SentInvitationFactory(InvitationFactory):
    """An invitation that is over."""

    state = InvitationState.FINISHED
    sent_by = LazyAttribute(lambda invitation: invitation.conference.owner)
    sent_at = LazyFunction(timezone.now)
    day = LazyAttribute(lambda invitation: clock.day_of(invitation.sent_at))
    finished_at = LazyFunction(timezone.now)


class MemberFactory(DjangoModelFactory[Member]):
    """Somebody who is in the meeting."""

    class Meta:
        model = Member

    conference = SubFactory(ConferenceFactory)
    union_id = Sequence(lambda n: f"person{n}")
    key = LazyAttribute(lambda member: key_of(member.union_id))
    nick = LazyAttribute(lambda member: f"Name of {member.union_id}")
    attendance = Attendance.JOINED
    read_at = LazyFunction(timezone.now)
    changed_at = LazyFunction(timezone.now)


class BatchFactory(DjangoModelFactory[Batch]):
    class Meta:
        model = Batch

    invitation = SubFactory(SentInvitationFactory)
    number = Sequence(lambda n: n + 1)
    state = BatchState.TAKEN
    people = 1


class AttemptFactory(DjangoModelFactory[Attempt]):
    """An attempt that succeeded, with the people of ``sent_to``, left in the state that they are in."""

    class Meta:
        model = Attempt

    invitation = SubFactory(SentInvitationFactory)
    batch = SubFactory(BatchFactory, invitation=SelfAttribute("..invitation"))
    number = 1
    state = AttemptState.SUCCEEDED
    people = 1
    people_state = InviteeState.INVITED
    started_at = LazyFunction(timezone.now)
    deadline = LazyAttribute(lambda attempt: attempt.started_at + timedelta(seconds=30))
    finished_at = LazyAttribute(lambda attempt: attempt.started_at + timedelta(milliseconds=120))
    duration_ms = 120
    http_status = 200

    conference = SelfAttribute("invitation.conference")
    app = SelfAttribute("invitation.conference.app")
    organizer = SelfAttribute("invitation.sent_by")
    channels = Channels.UNION_ID
    day = LazyAttribute(lambda attempt: clock.day_of(attempt.started_at))

    @classmethod
    def _create(cls, model_class: type[Attempt], *args: Any, **kwargs: Any) -> Attempt:
        # What is finished must be right from the start: the database lets nobody change it.
        people: Several[Invitee] = kwargs.pop("sent_to", ())
        if people:
            kwargs["people_state"] = people[0].state
            channels = {Channels(person.channel) for person in people}
            kwargs["channels"] = channels.pop() if len(channels) == 1 else Channels.BOTH
        attempt: Attempt = super()._create(model_class, *args, **kwargs)
        for invitation in {person.invitation_id for person in people}:
            Person.objects.know_invitees_of(invitation)
        for person in people:
            person.refresh_from_db(fields=["person"])
            AttemptInvitee.objects.create(
                attempt=attempt,
                invitee=person,
                person=Person.objects.get(invitees=person),
                started_at=attempt.started_at,
            )
        return attempt
