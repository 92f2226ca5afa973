"""Orders that somebody be erased: it is on record at once, and a worker does it, since it may take minutes."""

from collections.abc import Iterable

from django.db import transaction

from invites import acting, bell, erasing, tasks
from invites.chronicling import Way
from invites.models import Erasure, User
from invites.models.invitee import Channel


@transaction.atomic
def order(ways: Iterable[Way], *, by: User, because: str) -> int:
    """Puts on record that whoever is reached in any of ``ways`` is to be erased, and says how many people that are.

    Ordered a second time nothing happens. Raises StillToBeCalled, with nothing on record, while an invitation is under
    way that calls them.
    """
    with acting.in_the_name_of(lambda: by):
        people = [
            person.pk
            for way in ways
            for person in erasing.put_on_record(
                channel=Channel(way.channel), value=way.value, by=by, because=because
            )
        ]
    waiting = Erasure.objects.waiting().of_people(people).keys()
    transaction.on_commit(lambda: _ring(waiting))
    return len(people)


def _ring(erasures: Iterable[int]) -> None:
    with transaction.atomic():
        for pk in erasures:
            tasks.erase_person.enqueue(pk)
        bell.ring()
