"""Address books: contacts, and groups of them."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.models.app import App
from invites.models.user import User

if TYPE_CHECKING:
    from invites.models.invitation import Invitation

NICK_LENGTH = 100
UNION_ID_LENGTH = 128
# A 64-bit key has up to this many digits; a longer number in a request is nobody's.
KEY_DIGITS = 18


def validate_nick(value: str) -> None:
    """Raises ValidationError for a name that is empty, too long, or has control characters or line breaks."""
    if not value.strip():
        raise ValidationError(_("Enter a name."), code="required")
    if len(value) > NICK_LENGTH:
        raise ValidationError(_("A name has at most 100 characters."), code="max_length")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in value):
        raise ValidationError(_("A name has no line breaks and no control characters."), code="invalid")


def validate_union_id(value: str) -> None:
    """Raises ValidationError for what cannot be a unionId: empty, too long, blanks or invisible characters inside."""
    if not value:
        raise ValidationError(_("Enter a unionId."), code="required")
    if len(value) > UNION_ID_LENGTH:
        raise ValidationError(_("A unionId has at most 128 characters."), code="max_length")
    if any(unicodedata.category(character)[0] in "ZC" for character in value):
        raise ValidationError(
            _("A unionId has no blanks and no invisible characters inside."), code="invalid"
        )


class Sharing(models.TextChoices):
    """Who besides its owner may use a book."""

    PRIVATE = "private", _("Only me")
    READ = "read", _("Everybody may use it")
    WRITE = "write", _("Everybody may use and change it")


class AddressBookQuerySet(models.QuerySet["AddressBook"]):
    """Queries over books."""

    def readable_by(self, user: User) -> Self:
        """Those of ``user`` and the shared ones."""
        return self.filter(Q(owner=user) | Q(sharing__in=[Sharing.READ, Sharing.WRITE]))

    def writable_by(self, user: User) -> Self:
        """Those of ``user`` and the ones that everybody may change."""
        return self.filter(Q(owner=user) | Q(sharing=Sharing.WRITE))

    def owned_by(self, user: User) -> Self:
        """Those of ``user``."""
        return self.filter(owner=user)

    def of_app(self, app: App) -> Self:
        """Those whose unionIds are valid for ``app``."""
        return self.filter(app=app)

    def matching(self, text: str) -> Self:
        """Those whose name contains ``text``."""
        return self.filter(name__icontains=text.strip())

    def includes(self, book: "AddressBook") -> bool:
        """Whether ``book`` is one of them."""
        return self.filter(pk=book.pk).exists()

    def for_page(self) -> Self:
        """With what a page about one book shows."""
        return self.select_related("app", "owner")

    def for_list(self) -> Self:
        """By name, with ``contact_count``."""
        # One count a book, from an index alone: joining all contacts and grouping them is slow for large books.
        counts = (
            Contact.objects.filter(book=OuterRef("pk")).values("book").annotate(n=Count("pk")).values("n")
        )
        contact_count = Coalesce(Subquery(counts), 0)
        return self.for_page().annotate(contact_count=contact_count).order_by(Lower("name"), "pk")


class AddressBook(models.Model):
    """A list of contacts. It belongs to one app, since a unionId is only valid for apps of one developer."""

    app = models.ForeignKey(
        App, on_delete=models.PROTECT, related_name="address_books", verbose_name=_("DingTalk app")
    )
    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="address_books", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=80)
    sharing = models.CharField(_("sharing"), max_length=8, choices=Sharing, default=Sharing.PRIVATE)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    objects = AddressBookQuerySet.as_manager()

    class Meta:
        verbose_name = _("address book")
        verbose_name_plural = _("address books")
        constraints = (
            models.UniqueConstraint(
                "owner",
                "app",
                Lower("name"),
                name="address_book_name_once_per_owner",
                violation_error_message=_("You already have an address book of this name."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="address_book_has_name"),
            models.CheckConstraint(
                condition=Q(sharing__in=Sharing.values), name="address_book_sharing_is_known"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def touch(self) -> None:
        """Notes that something in the book has just changed."""
        AddressBook.objects.filter(pk=self.pk).update(updated_at=timezone.now())


class ContactQuerySet(models.QuerySet["Contact"]):
    """Queries over contacts."""

    def in_books(self, books: AddressBookQuerySet) -> Self:
        """Those in any of ``books``."""
        return self.filter(book__in=books)

    def of_book(self, book: AddressBook) -> Self:
        """Those in ``book``."""
        return self.filter(book=book)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(pk__in=list(pks))

    def on(self, invitation: "Invitation") -> Self:
        """Those from whom somebody on ``invitation`` was added."""
        return self.filter(invitees__invitation=invitation)

    def in_group(self, group: "ContactGroup") -> Self:
        """The members of ``group``."""
        return self.filter(groups=group)

    def outside_group(self, group: "ContactGroup") -> Self:
        """Those who are not members of ``group``."""
        return self.exclude(groups=group)

    def not_known(self) -> Self:
        """Those of whom DingTalk has said that it does not know them."""
        return self.filter(refused_at__isnull=False)

    def invited_as_they_are(self, invitees: models.QuerySet[Any]) -> Self:
        """Those from whom ``invitees`` were added and whose unionId is still the one that was invited."""
        return self.filter(pk__in=invitees.values("contact"), union_id__in=invitees.values("value"))

    def lock(self) -> list[int]:
        """Locks them until the transaction ends and returns their keys; always in the same order, so that two who lock
        many do not wait for each other.
        """
        return list(self.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))

    def mark(self, *, code: str, at: datetime | None) -> None:
        """Notes that DingTalk does not know these, and said so with ``code`` then; the opposite for "" and None."""
        self.update(refused_at=at, refused_code=code)

    def with_union_id(self, union_id: str) -> Self:
        """Those with this unionId."""
        return self.filter(union_id=union_id)

    def with_membership(self, group: "ContactGroup") -> Self:
        """With ``is_member``: whether each is in ``group``."""
        members = group.contacts.through.objects.filter(contactgroup=group, contact=OuterRef("pk"))
        return self.annotate(is_member=Exists(members))

    def with_book(self) -> Self:
        """With the book of each and its app."""
        return self.select_related("book__app")

    def with_groups(self) -> Self:
        """With the groups of each, in one more query for all of them."""
        return self.prefetch_related("groups")

    def matching(self, text: str) -> Self:
        """Those whose name, unionId or phone number contains ``text``."""
        text = text.strip()
        if not text:
            return self
        found = Q(nick__icontains=text) | Q(union_id__icontains=text)
        if len(digits := "".join(filter(str.isdecimal, text))) >= 3:  # noqa: PLR2004 - two digits find everybody
            found |= Q(phone_number__contains=digits)
        return self.filter(found)

    def reachable_as(self, *, union_ids: Iterable[str], phone_numbers: Iterable[str]) -> Self:
        """Those with one of these unionIds or E.164 numbers."""
        return self.filter(Q(union_id__in=list(union_ids)) | Q(phone_number__in=list(phone_numbers)))

    def called(self, names: Iterable[str]) -> Self:
        """Those whose whole name is one of ``names``, in large or small letters."""
        return self.alias(name=Lower("nick")).filter(name__in=[Lower(Value(name)) for name in names])

    def best_first(self, text: str) -> Self:
        """Those whose name begins with ``text`` before the others, each by name."""
        begins = models.Case(models.When(nick__istartswith=text.strip(), then=0), default=1)
        return self.order_by(begins, Lower("nick"), "pk")

    def by_name(self) -> Self:
        """In the order in which lists show people."""
        return self.order_by(Lower("nick"), "pk")

    def after(self, cursor: str) -> Self:
        """Those who follow the contact with this ``cursor`` in the order of `by_name`; all of them for "".

        The cursor holds the name, so that a list goes on where it was though that contact has been deleted.
        """
        pk, _dash, nick = cursor.partition("-")
        if not (pk.isascii() and pk.isdecimal() and len(pk) <= KEY_DIGITS):
            return self
        name = Lower(Value(nick))
        # Written as a range with a hole in it, which an index on the name can serve; an "or" could not use one.
        return self.alias(name=Lower("nick")).filter(name__gte=name).exclude(name=name, pk__lte=int(pk))

    def count_up_to(self, limit: int) -> int:
        """How many there are, counting no further than one more than ``limit``, so that its cost is bounded."""
        return self.order_by()[: limit + 1].count()


class Contact(models.Model):
    """A person in a book, reachable by unionId, by phone number (E.164), or both."""

    book = models.ForeignKey(
        AddressBook, on_delete=models.CASCADE, related_name="contacts", verbose_name=_("address book")
    )
    nick = models.CharField(pgettext_lazy("person", "name"), max_length=NICK_LENGTH)
    union_id = models.CharField("unionId", max_length=128, blank=True, db_index=True)
    phone_number = models.CharField(_("phone number"), max_length=20, blank=True, db_index=True)
    # DingTalk did not know this person when they were last invited, and said so with this code.
    refused_at = models.DateTimeField(_("refused at"), null=True, blank=True, editable=False)
    refused_code = models.CharField(max_length=128, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = (
            models.Index("book", Lower("nick"), name="contact_by_name"),
            models.Index(fields=["book"], condition=Q(refused_at__isnull=False), name="contact_not_known"),
        )
        constraints = (
            models.CheckConstraint(condition=~Q(nick=""), name="contact_has_nick"),
            models.CheckConstraint(
                condition=~Q(union_id="", phone_number=""),
                name="contact_is_reachable",
                violation_error_message=_("Enter a unionId, a phone number, or both."),
            ),
            models.CheckConstraint(
                condition=~Q(union_id__contains=" "), name="contact_union_id_has_no_blank"
            ),
            models.CheckConstraint(
                condition=Q(phone_number="") | Q(phone_number__startswith="+"),
                name="contact_phone_number_is_e164",
            ),
            models.UniqueConstraint(
                fields=["book", "union_id"],
                condition=~Q(union_id=""),
                name="contact_union_id_once_per_book",
                violation_error_message=_("This book already has somebody with this unionId."),
            ),
            models.UniqueConstraint(
                fields=["book", "phone_number"],
                condition=~Q(phone_number=""),
                name="contact_phone_number_once_per_book",
                violation_error_message=_("This book already has somebody with this phone number."),
            ),
        )

    def __str__(self) -> str:
        return self.nick

    @property
    def is_not_known(self) -> bool:
        """Whether DingTalk has said that it does not know this person, and nothing has changed that since."""
        return self.refused_at is not None

    def forget_mark(self) -> None:
        """Drops the mark, to be saved by the caller."""
        self.refused_at, self.refused_code = None, ""

    @property
    def cursor(self) -> str:
        """Where this contact stands in a list by name; see `ContactQuerySet.after`."""
        return f"{self.pk}-{self.nick}"


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

    def with_book(self) -> Self:
        """With the book of each and its app."""
        return self.select_related("book__app")

    def by_name(self) -> Self:
        """In the order in which lists show groups."""
        return self.order_by(Lower("name"), "pk")

    def for_list(self) -> Self:
        """By name, with ``contact_count``."""
        return self.annotate(contact_count=Count("contacts")).by_name()


class ContactGroup(models.Model):
    """A named set of contacts of one book; a contact can be in many."""

    book = models.ForeignKey(
        AddressBook, on_delete=models.CASCADE, related_name="groups", verbose_name=_("address book")
    )
    name = models.CharField(_("name"), max_length=80)
    contacts = models.ManyToManyField(Contact, blank=True, related_name="groups", verbose_name=_("contacts"))

    objects = ContactGroupQuerySet.as_manager()

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
