"""Says when people of an address book were last invited, and what became of it. Only reads."""

from collections.abc import Iterable

from invites import permissions
from invites.models import AddressBook, Contact, Invitee
from invites.permissions import Viewer


def recall(contacts: Iterable[Contact], *, book: AddressBook, user: Viewer) -> None:
    """Gives each of ``contacts`` of ``book`` the ``last_invitee`` that ``user`` may see, None where there is none."""
    people = list(contacts)
    visible = permissions.invitations(user).of_app(book.app)
    last = Invitee.objects.last_of_each(
        Contact.objects.among(contact.pk for contact in people), visible=visible
    )
    for contact in people:
        contact.last_invitee = last.get(contact.pk)
