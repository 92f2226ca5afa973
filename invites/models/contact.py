"""Contacts: the people in address books."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Q, Value, When, Window
from django.db.models.functions import Lower, RowNumber
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites import clock, spelling
from invites.models.address_book import AddressBook, AddressBookQuerySet
from invites.models.book_change import BookChange, ChangedContactQuerySet
from invites.models.user import User

if TYPE_CHECKING:
    from invites.models.contact_group import ContactGroup
    from invites.models.invitation import Invitation
    from invites.models.invitee import Invitee

NICK_LENGTH = 100
UNION_ID_LENGTH = 128
REASON_LENGTH = 200
# A 64-bit key has up to this many digits; a longer number in a request is nobody's.
KEY_DIGITS = 18
_NOT_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def is_one_line(text: str) -> bool:
    """Whether ``text`` has no line breaks and no control characters: blanks of any width and joined emoji are none."""
    return text.isprintable() or not any(unicodedata.category(each) in _NOT_IN_A_LINE for each in text)


def validate_nick(value: str) -> None:
    """Raises ValidationError for a name that is empty, too long, or has control characters or line breaks."""
    if not value.strip():
        raise ValidationError(_("Enter a name."), code="required")
    if len(value) > NICK_LENGTH:
        raise ValidationError(_("A name has at most 100 characters."), code="max_length")
    if not is_one_line(value):
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


class ContactQuerySet(models.QuerySet["Contact"]):
    """Queries over contacts."""

    def in_books(self, books: AddressBookQuerySet) -> Self:
        """Those in any of ``books``."""
        return self.filter(book__in=books)

    def in_books_with_keys(self, pks: Iterable[int]) -> Self:
        """Those in books given by their keys, so that the database can choose by how large these are."""
        return self.filter(book__in=list(pks))

    def of_book(self, book: AddressBook) -> Self:
        """Those in ``book``."""
        return self.filter(book=book)

    def reached_by(self, channel: str, value: str) -> Self:
        """Those whom ``value`` reaches through ``channel``, in whatever book they stand."""
        return self.filter(union_id=value) if channel == "union_id" else self.filter(phone_number=value)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(pk__in=list(pks))

    def on(self, invitation: "Invitation") -> Self:
        """Those from whom somebody on ``invitation`` was added."""
        return self.filter(invitees__invitation=invitation)

    def in_group(self, group: "ContactGroup") -> Self:
        """The members of ``group``."""
        return self.filter(groups=group)

    def in_any_group(self, pks: Iterable[int]) -> Self:
        """The members of the groups with these keys, each once."""
        return self.filter(groups__in=list(pks)).distinct()

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

    def with_book(self) -> Self:
        """With the book of each and its app."""
        return self.select_related("book__app")

    def with_groups(self) -> Self:
        """With the groups of each, in one more query for all of them."""
        return self.prefetch_related("groups")

    def matching(self, text: str) -> Self:
        """Those who are found by ``text``: by name, pinyin, initials, a part of the phone number, or the beginning of
        the unionId. Everybody for no text.

        On PostgreSQL an index serves it; `invites.finding` finds the best of them at a cost that does not grow.
        """
        text = text.strip()
        if not text:
            return self
        found = Q(union_id__startswith=text) if len(text) >= spelling.FEWEST_ANYWHERE else Q()
        for pattern in spelling.patterns(text):
            found |= Q(search_text__contains=pattern)
        return self.filter(found) if found else self.none()

    def reachable_as(self, *, union_ids: Iterable[str], phone_numbers: Iterable[str]) -> Self:
        """Those with one of these unionIds or E.164 numbers."""
        return self.filter(Q(union_id__in=list(union_ids)) | Q(phone_number__in=list(phone_numbers)))

    def values_taken(self, *, union_ids: Iterable[str], phone_numbers: Iterable[str]) -> dict[str, int]:
        """Which of these unionIds and E.164 numbers somebody has, and the key of who it is."""
        taken: dict[str, int] = {}
        rows = self.reachable_as(union_ids=union_ids, phone_numbers=phone_numbers)
        for pk, union_id, phone_number in rows.values_list("pk", "union_id", "phone_number"):
            taken |= {value: pk for value in (union_id, phone_number) if value}
        return taken

    def called(self, names: Iterable[str]) -> Self:
        """Those whose whole name is one of ``names``, in large or small letters."""
        return self.alias(name=Lower("nick")).filter(name__in=[Lower(Value(name)) for name in names])

    def best_first(self, text: str) -> Self:
        """Those called exactly ``text``, then those whose name begins so, then those in whom a word begins so or whose
        number ends so, then the others; each by name.
        """
        folded, digits = spelling.fold(text), spelling.phone_digits(text)
        ranks = [
            When(nick__iexact=text.strip(), then=0),
            When(search_text__startswith=f" {folded}", then=1),
            *([When(phone_number__endswith=digits, then=2)] if digits else []),
            When(search_text__contains=f" {spelling.joined(text)}", then=2),
        ]
        return self.order_by(Case(*ranks, default=3), Lower("nick"), "pk")

    def first_called(self, names: Iterable[str], *, most: int) -> "models.QuerySet[Contact, tuple[str, int]]":
        """Of each of ``names`` the ``most`` people who have been there longest: the name in small letters, the key."""
        place = Window(RowNumber(), partition_by=Lower("nick"), order_by="pk")
        people = self.called(names).annotate(small=Lower("nick"), place=place).filter(place__lte=most)
        return people.order_by("small", "pk").values_list("small", "pk")

    def ways_behind(self, name: str) -> "models.QuerySet[Contact, tuple[str, str, str]]":
        """Name in small letters, unionId and number of whoever's name follows ``name``, in the order of names."""
        people = self.annotate(small=Lower("nick")).order_by("small")
        if name:
            people = people.filter(small__gt=Lower(Value(name)))
        return people.values_list("small", "union_id", "phone_number")

    def by_name(self) -> Self:
        """In the order in which lists show people."""
        return self.order_by(Lower("nick"), "pk")

    def first_of_books(self, pks: Iterable[int], *, cursor: str, most: int) -> Self:
        """The first ``most`` by name behind ``cursor`` in all of the books with these keys together.

        An index gives the first of each book, so that it does not cost more where the books are large.
        """
        first = [self.filter(book=pk).after(cursor).by_name().values("pk")[:most] for pk in pks]
        if not first:
            return self.none()
        parts = [self.order_by().filter(pk__in=keys).values_list("pk", flat=True) for keys in first]
        return self.among(parts[0].union(*parts[1:], all=True)).by_name()[:most]

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

    def not_to_be_invited(self) -> Self:
        """Those who are marked "do not invite" today."""
        lasts = Q(do_not_invite_until__isnull=True) | Q(do_not_invite_until__gte=clock.today())
        return self.filter(lasts, do_not_invite_since__isnull=False)

    def ever_marked(self) -> Self:
        """Those who are marked "do not invite", also where that is over."""
        return self.filter(do_not_invite_since__isnull=False)

    def not_marked_as(self, *, reason: str, until: date | None) -> Self:
        """All but those who are marked "do not invite" with just this reason and last day."""
        is_same = Q(do_not_invite_reason=reason, do_not_invite_since__isnull=False)
        has_end = Q(do_not_invite_until__isnull=True) if until is None else Q(do_not_invite_until=until)
        return self.exclude(is_same & has_end)

    def put_mark(self, mark: Mapping[str, Any]) -> None:
        """Gives these the fields of a mark "do not invite", or of none."""
        self.update(**mark, updated_at=timezone.now())

    def left_directory(self) -> Self:
        """Those who are no longer in the directory that their book follows."""
        return self.filter(left_directory_at__isnull=False)

    def of_directory(self) -> Self:
        """Those whom the directory has had, and who have not left it; not whoever was only added by hand."""
        return self.filter(in_directory_since__isnull=False, left_directory_at__isnull=True)

    def note_in_directory(self, *, at: datetime) -> None:
        """Notes that the directory has these, where that was not known yet."""
        self.filter(in_directory_since__isnull=True).update(in_directory_since=at)

    def added_by(self, change: BookChange) -> Self:
        """Those whom a change has added."""
        return self.filter(added_by=change)

    def bulk_create(self, objs: Iterable["Contact"], *args: Any, **kwargs: Any) -> list["Contact"]:
        """Stores many at once, each with what they are found by."""
        contacts = list(objs)
        for contact in contacts:
            contact.spell()
        return super().bulk_create(contacts, *args, **kwargs)

    def rewrite(self, contacts: Iterable["Contact"], fields: Iterable[str]) -> None:
        """Stores ``fields`` of many contacts that are there."""
        names = sorted({*fields, "search_text", "updated_at"})
        # Three times as fast as one CASE for each value on PostgreSQL, and seven times on SQLite.
        self.bulk_create(
            contacts, update_conflicts=True, unique_fields=["id"], update_fields=names, batch_size=1000
        )

    def in_rows(self, rows: models.QuerySet[Any]) -> Self:
        """Those who are whom ``rows`` of an import are about."""
        return self.filter(pk__in=rows.values("contact_key"))

    def named_in(self, touched: ChangedContactQuerySet) -> Self:
        """Those whom a change has touched."""
        return self.filter(pk__in=touched.values("contact_key"))

    def not_named_in(self, touched: ChangedContactQuerySet) -> Self:
        """Those whom a change has not touched."""
        return self.exclude(pk__in=touched.values("contact_key"))

    def keys(self) -> list[int]:
        """Their keys, ascending."""
        return list(self.order_by("pk").values_list("pk", flat=True))

    def move_to(self, book: AddressBook) -> None:
        """Lets them stand in ``book``, with their keys. The directory that this one follows is another."""
        self.update(book=book, in_directory_since=None, left_directory_at=None, updated_at=timezone.now())

    def count_up_to(self, limit: int) -> int:
        """How many there are, counting no further than one more than ``limit``, so that its cost is bounded."""
        return self.order_by()[: limit + 1].count()


class Contact(models.Model):
    """A person in a book, reachable by unionId, by phone number (E.164), or both."""

    # An index by name begins with the book, so that it needs none of its own.
    book = models.ForeignKey(
        AddressBook,
        on_delete=models.CASCADE,
        related_name="contacts",
        db_index=False,
        verbose_name=_("address book"),
    )
    nick = models.CharField(pgettext_lazy("person", "name"), max_length=NICK_LENGTH)
    union_id = models.CharField("unionId", max_length=128, blank=True)
    phone_number = models.CharField(_("phone number"), max_length=20, blank=True)
    # See `invites.spelling`; written with every change of the name or the number.
    search_text = models.TextField(blank=True, editable=False)
    # DingTalk did not know this person when they were last invited, and said so with this code.
    refused_at = models.DateTimeField(_("refused at"), null=True, blank=True, editable=False)
    refused_code = models.CharField(max_length=128, blank=True, editable=False)
    # Whoever is so marked is left out of every list, until the end of that day where there is one.
    do_not_invite_since = models.DateTimeField(null=True, blank=True, editable=False)
    do_not_invite_until = models.DateField(_("until the end of"), null=True, blank=True)
    do_not_invite_reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)
    do_not_invite_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    # The directory that the book follows has this person, or had: only such a one can leave it.
    in_directory_since = models.DateTimeField(null=True, blank=True, editable=False)
    # It no longer has this person.
    left_directory_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Which change brought this person into the book, so that it can be undone as a whole.
    added_by = models.ForeignKey(
        BookChange,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="added_contacts",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)

    # Only where it was asked for: see `invites.recalling`.
    last_invitee: "Invitee | None" = None
    # Only where it was asked for: see `ContactGroup.tell_members`.
    is_member: bool

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = (
            models.Index("book", Lower("nick"), name="contact_by_name"),
            # These serve a beginning as well as the whole.
            models.Index(fields=["union_id"], opclasses=["varchar_pattern_ops"], name="contact_by_union_id"),
            models.Index(fields=["phone_number"], opclasses=["varchar_pattern_ops"], name="contact_by_phone"),
            models.Index(fields=["book"], condition=Q(refused_at__isnull=False), name="contact_not_known"),
            models.Index(
                fields=["book"], condition=Q(do_not_invite_since__isnull=False), name="contact_do_not_invite"
            ),
            models.Index(
                fields=["book"], condition=Q(left_directory_at__isnull=False), name="contact_left_directory"
            ),
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
            models.CheckConstraint(
                condition=Q(do_not_invite_since__isnull=False)
                | Q(do_not_invite_reason="", do_not_invite_until__isnull=True, do_not_invite_by__isnull=True),
                name="contact_mark_has_beginning",
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

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the contact with what it is found by."""
        self.spell()
        if (fields := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*fields, "search_text"}
        super().save(*args, **kwargs)

    def spell(self) -> None:
        """Writes down what this person is found by, to be saved by the caller."""
        self.search_text = spelling.search_text(nick=self.nick, phone_number=self.phone_number)

    @property
    def is_not_to_be_invited(self) -> bool:
        """Whether the mark "do not invite" holds today."""
        until = self.do_not_invite_until
        return self.do_not_invite_since is not None and (until is None or until >= clock.today())

    @property
    def is_not_known(self) -> bool:
        """Whether DingTalk has said that it does not know this person, and nothing has changed that since."""
        return self.refused_at is not None

    def forget_mark(self) -> None:
        """Drops what DingTalk has said of this person, to be saved by the caller."""
        self.refused_at, self.refused_code = None, ""

    @property
    def cursor(self) -> str:
        """Where this contact stands in a list by name; see `ContactQuerySet.after`."""
        return f"{self.pk}-{self.nick}"
