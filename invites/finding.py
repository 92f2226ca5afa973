"""Finds the best of the contacts that a text finds, at a cost that does not grow with the books. Only reads.

What is common is found more often than anybody reads on: at most CANDIDATES of those found are looked at, and the best
of these are given, with whoever is called exactly so. The whole of what a text finds is `ContactQuerySet.matching`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from invites.models import Contact
from invites.models.contact import ContactQuerySet

CANDIDATES, EXACT = 200, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best contacts first; ``are_all`` says that nobody else was found, ``people`` how many were looked at."""

    contacts: list[Contact]
    people: int
    are_all: bool


def find(contacts: ContactQuerySet, *, text: str, start: int = 0, most: int) -> Found:
    """Up to ``most`` of ``contacts`` that ``text`` finds, from the one with number ``start`` on, the best first.

    ``contacts`` should name several books by their keys: `ContactQuerySet.in_books_with_keys`.
    """
    with by_the_index():
        keys = list(contacts.matching(text).order_by().values_list("pk", flat=True)[: CANDIDATES + 1])
    looked_at = keys[:CANDIDATES]
    if len(keys) > CANDIDATES:
        # Whoever is called exactly so may not be among the first that the index gives.
        looked_at += contacts.called([text.strip()]).order_by().values_list("pk", flat=True)[:EXACT]
    best = Contact.objects.among(looked_at).best_first(text).with_book()
    return Found(
        contacts=list(best[start : start + most]),
        people=min(len(keys), CANDIDATES),
        are_all=len(keys) <= CANDIDATES,
    )


@contextmanager
def by_the_index() -> Iterator[None]:
    """Keeps PostgreSQL from reading the table, or an index of names, from the beginning until it has found enough.

    It would expect those found to be spread evenly, and read a million rows where a file had been imported in order.
    """
    if connection.vendor != "postgresql":
        yield
        return
    was_in_transaction = connection.in_atomic_block
    with transaction.atomic():
        _let_scan("off")
        yield
        # The end of the transaction would do it, where it is ours.
        if was_in_transaction:
            _let_scan("on")


def _let_scan(setting: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('enable_seqscan', %(to)s, true), set_config('enable_indexscan', %(to)s, true)",
            {"to": setting},
        )
