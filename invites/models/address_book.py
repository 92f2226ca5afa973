"""Address books: lists of contacts, each with an owner and those whom it is shared with."""

from typing import Self

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.app import App
from invites.models.on_record import OnRecord
from invites.models.user import User


class Sharing(models.TextChoices):
    """Who besides its owner, and besides those whom it names, may use a book."""

    PRIVATE = "private", _("Only me")
    READ = "read", _("Everybody may use it")
    WRITE = "write", _("Everybody may use and change it")


class AddressBookQuerySet(models.QuerySet["AddressBook"]):
    """Queries over books."""

    def readable_by(self, user: User) -> Self:
        """Those of ``user``, those shared with them by name, and those that everybody may use."""
        shared = Exists(BookShare.objects.filter(book=OuterRef("pk"), user=user))
        return self.filter(Q(owner=user) | Q(sharing__in=[Sharing.READ, Sharing.WRITE]) | shared)

    def writable_by(self, user: User) -> Self:
        """Those of ``user``, those that they may change by name, and those that everybody may change."""
        shared = Exists(BookShare.objects.filter(book=OuterRef("pk"), user=user, may_write=True))
        return self.filter(Q(owner=user) | Q(sharing=Sharing.WRITE) | shared)

    def owned_by(self, user: User) -> Self:
        """Those of ``user``."""
        return self.filter(owner=user)

    def for_change(self) -> Self:
        """Them, locked until the transaction ends, always in the same order."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)

    def of_app(self, app: App) -> Self:
        """Those whose unionIds are valid for ``app``."""
        return self.filter(app=app)

    def matching(self, text: str) -> Self:
        """Those whose name contains ``text``."""
        return self.filter(name__icontains=text.strip())

    def includes(self, book: "AddressBook") -> bool:
        """Whether ``book`` is one of them."""
        return self.filter(pk=book.pk).exists()

    def besides(self, book: "AddressBook") -> Self:
        """All but ``book``."""
        return self.exclude(pk=book.pk)

    def by_name(self) -> Self:
        """In the order in which lists show books, with the owner of each."""
        return self.select_related("owner").order_by(Lower("name"), "pk")

    def with_key(self, pk: object) -> Self:
        """The one with this key."""
        return self.filter(pk=pk)

    def lock(self, *books: "AddressBook") -> None:
        """Keeps others from changing any of ``books`` until the transaction ends; always in the same order, so that two
        who lock several do not wait for each other.
        """
        chosen = self.filter(pk__in=[book.pk for book in books])
        list(chosen.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))

    def count_people(self, pk: int) -> int:
        """How many contacts the book with this key has, as the database keeps it."""
        people: int = self.filter(pk=pk).values_list(Coalesce(F("size__contacts"), 0), flat=True).get()
        return people

    def fields_of(self, pk: int, *names: str) -> dict[str, str]:
        """These fields of the book with this key, as they are stored."""
        fields: dict[str, str] = self.values(*names).get(pk=pk)
        return fields

    def for_page(self) -> Self:
        """With what a page about one book shows; ``share_count`` is how many people it is shared with by name."""
        shares = BookShare.objects.filter(book=OuterRef("pk")).order_by().values("book")
        count = Subquery(shares.annotate(people=Count("pk")).values("people"))
        return self.select_related("app", "owner", "directory_link").annotate(share_count=Coalesce(count, 0))

    def for_list(self) -> Self:
        """By name, with ``contact_count``."""
        return self.for_page().with_size().order_by(Lower("name"), "pk")

    def with_size(self) -> Self:
        """With ``contact_count``."""
        return self.annotate(contact_count=Coalesce(F("size__contacts"), 0))

    def in_order_made(self, *, after: int | None) -> Self:
        """As they were made, with app, owner and ``contact_count``, behind the one with the key ``after``."""
        rows = self.select_related("app", "owner").with_size().order_by("pk")
        return rows if after is None else rows.filter(pk__gt=after)


class AddressBook(OnRecord):
    """A list of contacts. It belongs to one app, since a unionId is only valid for apps of one developer."""

    app = models.ForeignKey(
        App, on_delete=models.PROTECT, related_name="address_books", verbose_name=_("DingTalk app")
    )
    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="address_books", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=80)
    sharing = models.CharField(_("sharing"), max_length=8, choices=Sharing, default=Sharing.PRIVATE)
    default_country = models.CharField(_("country of its phone numbers"), max_length=2, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    objects = AddressBookQuerySet.as_manager()
    # Where it was asked for: see `AddressBookQuerySet.with_size`.
    contact_count: int

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

    @property
    def country(self) -> str:
        """The country, two capital letters, in which its phone numbers are written without a country code."""
        return self.default_country or self.app.country

    def touch(self) -> None:
        """Notes that something in the book has just changed."""
        AddressBook.objects.filter(pk=self.pk).update(updated_at=timezone.now())


class BookSize(models.Model):
    """How many contacts a book has. The database itself keeps it, by triggers; nothing else may write it."""

    book = models.OneToOneField(
        AddressBook, on_delete=models.CASCADE, primary_key=True, related_name="size", editable=False
    )
    contacts = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("size of an address book")

    def __str__(self) -> str:
        return f"{self.book_id}: {self.contacts}"


class BookShareQuerySet(models.QuerySet["BookShare"]):
    """Queries over shares."""

    def of_book(self, book: AddressBook) -> Self:
        """Those of ``book``, by name of the person."""
        return self.filter(book=book).select_related("user").order_by(Lower("user__username"))

    def of_user(self, user: User) -> Self:
        """Those that let ``user`` use a book."""
        return self.filter(user=user)

    def with_user_key(self, pk: int) -> Self:
        """Those that let the user with this key use a book."""
        return self.filter(user=pk)

    def with_right(self, *, may_write: bool) -> Self:
        """Those that let people change a book, or those that let them use it only."""
        return self.filter(may_write=may_write)


class BookShare(OnRecord):
    """A person by name who may use a book, or change it too."""

    book = models.ForeignKey(AddressBook, on_delete=models.CASCADE, related_name="shares")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="book_shares")
    may_write = models.BooleanField(_("may change it"), default=False)

    objects = BookShareQuerySet.as_manager()

    class Meta:
        verbose_name = _("share of an address book")
        verbose_name_plural = _("shares of an address book")
        constraints = (models.UniqueConstraint(fields=["book", "user"], name="book_share_once_per_user"),)

    def __str__(self) -> str:
        return f"{self.book}: {self.user}"
