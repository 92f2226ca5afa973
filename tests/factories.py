"""Makes the nouns with sensible defaults, so that a test names only what it is about."""

from collections.abc import Sequence as Several
from datetime import timedelta

from django.utils import timezone
from factory import (
    Faker,
    LazyAttribute,
    LazyFunction,
    PostGenerationMethodCall,
    SelfAttribute,
    Sequence,
    SubFactory,
    post_generation,
)
from factory.django import DjangoModelFactory

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
    User,
)
from invites.models.app import AppKind
from invites.models.attempt import AttemptState
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
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"organizer{n}")
    password = PostGenerationMethodCall("set_password", PASSWORD)
    role = Role.ORGANIZER
    union_id = Sequence(lambda n: f"operator{n}")

    @post_generation
    def saved(self: User, create: bool, extracted: object, **kwargs: object) -> None:
        if create:
            self.save()


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
        skip_postgeneration_save = True

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

    @post_generation
    def sent_to(self: Attempt, create: bool, extracted: Several[Invitee] | None, **kwargs: object) -> None:
        if not create or not extracted:
            return
        for person in extracted:
            AttemptInvitee.objects.create(attempt=self, invitee=person)
        self.people_state = extracted[0].state
        self.save(update_fields=["people_state"])
