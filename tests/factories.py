"""Makes the nouns with sensible defaults, so that a test names only what it is about."""

from factory import Faker, LazyAttribute, PostGenerationMethodCall, Sequence, SubFactory, post_generation
from factory.django import DjangoModelFactory

from invites.models import AddressBook, App, Conference, Contact, ContactGroup, Invitation, Invitee, User
from invites.models.app import AppKind
from invites.models.conference import ConferenceStatus
from invites.models.invitation import Channel
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
