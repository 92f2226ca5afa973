"""Makes one list of people who are named by a program, be it by unionId, number, contact or group. Only reads."""

from collections.abc import Iterable, Sequence

from invites.composing import leaving_out
from invites.composing.folding import Folding
from invites.composing.reading import Entry
from invites.composing.recognising import Person, keep_demo_people_out, person_of, recognise
from invites.errors import DemoPersonRefused
from invites.models import App, Contact, Invitation, Invitee, User


def gather(
    entries: Sequence[Entry],
    contacts: Iterable[Contact] = (),
    *,
    user: User,
    app: App,
    despite_do_not_invite: bool = False,
) -> list[Person]:
    """Everybody who is named, in order and as often as they are; known by their contacts as in the composer.

    With ``despite_do_not_invite`` it is on record that ``user`` wants those who are marked to be called all the same.
    Raises DemoPersonRefused where anybody is of the sandbox, and ``app`` is a real one.
    """
    people, refused = recognise(entries, user=user, app=app)
    more, refused_contacts = keep_demo_people_out(map(person_of, contacts), app=app)
    if refused or refused_contacts:
        raise DemoPersonRefused
    everybody = people + more
    return leaving_out.overriding(everybody, user=user, app=app) if despite_do_not_invite else everybody


def fold(invitation: Invitation, people: Iterable[Person]) -> list[Invitee]:
    """The invitees of an ``invitation`` with nobody on it yet, each of ``people`` once; the caller stores them."""
    folding = Folding(invitation, [], next_position=0)
    for person in people:
        folding.add(person)
    for position, invitee in enumerate(folding.new):
        invitee.position = position
    return folding.new
