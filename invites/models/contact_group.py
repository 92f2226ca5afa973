"""Groups: named sets of contacts of one book."""

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import gettext_lazy as _

from invites.models.address_book import AddressBook, AddressBookQuerySet
from invites.models.app import App
from invites.models.contact import Contact


class ContactGroupQuerySet(models.QuerySet["ContactGroup"]):
    """Queries over groups."""

    def in_books(self, books: AddressBookQuerySet) -> Self:
        """Those of any of ``books``."""
        return self.filter(book__in=books)

    def matching(self, text: str) -> Self:
        """Those whose name contains ``text``."""
        return self.filter(name__icontains=text.strip())

    def named(self, name: str, *, book_name: str, app: App) -> Self:
        """Those called so in a book called so, of this app."""
        return self.filter(name=name, book__name=book_name, book__app=app)

    def of_book(self, book: AddressBook) -> Self:
        """Those of ``book``."""
        return self.filter(book=book)

    def called(self, name: str) -> Self:
        """Those with this name, in large or small letters."""
        return self.alias(folded=Lower("name")).filter(folded=Lower(Value(name)))

    def besides(self, group: "ContactGroup") -> Self:
        """All but ``group``."""
        return self.exclude(pk=group.pk)

    def with_key(self, pk: object) -> Self:
        """The one with this key."""
        return self.filter(pk=pk)

    def name_of(self, pk: int) -> str:
        """What the group with this key is called; "" where there is none."""
        return self.filter(pk=pk).values_list("name", flat=True).first() or ""

    def empty_ones(self, pks: Iterable[int]) -> Self:
        """Those with these keys in whom nobody is."""
        return self.filter(pk__in=list(pks), contacts__isnull=True)

    def names_by_contact(self, pks: Iterable[int]) -> Iterable[tuple[int, str]]:
        """Pairs of the key of a contact, one of ``pks``, and the name of a group that it is in."""
        return self.filter(contacts__in=list(pks)).values_list("contacts", "name")

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(pk__in=list(pks))

    def count_people(self, pk: int) -> int:
        """How many contacts the group with this key has, as the database keeps it."""
        people: int = self.filter(pk=pk).values_list(Coalesce(F("size__contacts"), 0), flat=True).get()
        return people

    def with_book(self) -> Self:
        """With the book of each and its app."""
        return self.select_related("book__app")

    def after(self, cursor: str) -> Self:
        """Those who follow the group with this ``cursor`` in the order of `by_name`; all of them for "".

        A name is there once in a book, in whichever letters, so it is all of the cursor.
        """
        return self.alias(folded=Lower("name")).filter(folded__gt=Lower(Value(cursor))) if cursor else self

    def by_name(self) -> Self:
        """In the order in which lists show groups."""
        return self.order_by(Lower("name"), "pk")

    def for_list(self) -> Self:
        """By name, with ``contact_count``: how many are in each, ``marked_count``: how many of them are not to be
        invited at present, and ``invited_count``, the others.
        """
        marked = (
            Contact.objects.not_to_be_invited()
            .filter(groups=OuterRef("pk"))
            .order_by()
            .values("groups")
            .annotate(n=Count("pk"))
            .values("n")
        )
        counted = self.annotate(
            contact_count=Coalesce(F("size__contacts"), 0), marked_count=Coalesce(Subquery(marked), 0)
        )
        return counted.annotate(invited_count=F("contact_count") - F("marked_count")).by_name()


class ContactGroup(models.Model):
    """A named set of contacts of one book; a contact can be in many."""

    book = models.ForeignKey(
        AddressBook, on_delete=models.CASCADE, related_name="groups", verbose_name=_("address book")
    )
    name = models.CharField(_("name"), max_length=80)
    contacts = models.ManyToManyField(Contact, blank=True, related_name="groups", verbose_name=_("contacts"))

    objects = ContactGroupQuerySet.as_manager()
    # Where it was asked for: see `ContactGroupQuerySet.for_list`.
    contact_count: int

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        constraints = (
            models.UniqueConstraint(
                "book",
                Lower("name"),
                name="group_name_once_per_book",
                violation_error_message=_("This book already has a group of this name."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="group_has_name"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def cursor(self) -> str:
        """Where this group stands in a list by name; see `ContactGroupQuerySet.after`."""
        return self.name

    def tell_members(self, contacts: Iterable[Contact]) -> None:
        """Gives each of ``contacts`` its ``is_member``."""
        people = list(contacts)
        members = set(
            Contact.objects.among(contact.pk for contact in people)
            .in_group(self)
            .values_list("pk", flat=True)
        )
        for contact in people:
            contact.is_member = contact.pk in members


class GroupSize(models.Model):
    """How many contacts are in a group. The database itself keeps it, by triggers; nothing else may write it."""

    group = models.OneToOneField(
        ContactGroup, on_delete=models.CASCADE, primary_key=True, related_name="size", editable=False
    )
    contacts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("size of a group")

    def __str__(self) -> str:
        return f"{self.group_id}: {self.contacts}"
