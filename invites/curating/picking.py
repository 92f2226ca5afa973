"""Whom a change is about: their keys, however many they are, and what they are like, a piece at a time."""

from array import array
from collections.abc import Iterator, Sequence

from invites import journal
from invites.models import Contact
from invites.models.contact import ContactQuerySet

PIECE = 1000
"""Contacts that are read or written by one statement."""


def keys_of(contacts: ContactQuerySet) -> Sequence[int]:
    """The keys of ``contacts``, ascending, at eight bytes each."""
    return array("q", contacts.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=PIECE * 10))


def nick_of(keys: Sequence[int]) -> dict[str, object]:
    """The name of the contact with these keys, where it is but one, for the sentence that tells a change."""
    return {"nick": Contact.objects.get(pk=keys[0]).nick} if len(keys) == 1 else {}


def pieces(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """``keys`` in pieces that a statement can carry."""
    for start in range(0, len(keys), PIECE):
        yield keys[start : start + PIECE]


def as_they_are(keys: Sequence[int]) -> Iterator[journal.Touched]:
    """The contacts with these keys as they are before a change."""
    for piece in pieces(keys):
        for contact in Contact.objects.among(piece).with_groups().order_by("pk"):
            yield journal.Touched(key=contact.pk, before=journal.snapshot(contact))


def merely_touched(keys: Sequence[int]) -> Iterator[journal.Touched]:
    """The contacts with these keys, where only their groups change."""
    return (journal.Touched(key=key) for key in keys)
