"""Address books with their groups and contacts: listing, searching, reading, adding and changing contacts."""

from datetime import date
from typing import Annotated, Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Path, Query, Router
from pydantic import Field, model_validator

from invites import finding, permissions
from invites.api import cursors
from invites.api.answers import CHANGED, MADE, READ
from invites.api.authentication import needs
from invites.api.once import Asked, IdempotencyKey, do_once
from invites.api.refusals import Unusable
from invites.api.shape import USUAL, Cursor, In, Key, Limit, Line, Out
from invites.forms.contact import ContactFilterForm, ContactForm
from invites.models import Contact, ContactGroup, User
from invites.models.api_token import Scope
from invites.models.contact import NICK_LENGTH, UNION_ID_LENGTH

router = Router(tags=["Address books"], by_alias=True)

Nick = Annotated[Line, Field(max_length=NICK_LENGTH, examples=["Zhang San"])]
UnionId = Annotated[Line, Field(max_length=UNION_ID_LENGTH, examples=["qzR1tKcXpFbH7eWmJ2sDvQiE"])]
PhoneNumber = Annotated[
    Line,
    Field(
        max_length=64,
        examples=["+86 138 0013 8000"],
        description="As people write it; without a country code it is one of the book's country.",
    ),
]


class BookOut(Out):
    """An address book. Its contacts can be invited through the app that it belongs to."""

    id: Key
    app_id: Key
    name: str
    owner: str
    country: str
    contacts: int


class BooksOut(Out):
    """A page of address books."""

    books: list[BookOut]
    next: str | None


class GroupOut(Out):
    """A group of contacts of one book."""

    id: Key
    name: str
    contacts: int


class GroupsOut(Out):
    """A page of groups, by name."""

    groups: list[GroupOut]
    next: str | None


class MarkOut(Out):
    """That somebody is not to be invited, why, and until the end of which day."""

    reason: str
    until: date | None


class ContactOut(Out):
    """A contact. ``phoneNumber`` is E.164; what is not known is empty."""

    id: Key
    book_id: Key
    nick: str
    union_id: str
    phone_number: str
    groups: list[str]
    do_not_invite: MarkOut | None

    @classmethod
    def of(cls, contact: Contact) -> "ContactOut":
        """``contact``, who comes with their groups."""
        mark = None
        if contact.is_not_to_be_invited:
            mark = MarkOut(reason=contact.do_not_invite_reason, until=contact.do_not_invite_until)
        return cls(
            id=contact.pk,
            book_id=contact.book_id,
            nick=contact.nick,
            union_id=contact.union_id,
            phone_number=contact.phone_number,
            groups=sorted(group.name for group in contact.groups.all()),
            do_not_invite=mark,
        )


class ContactsOut(Out):
    """A page of contacts: by name, or where something is searched for the best first."""

    contacts: list[ContactOut]
    next: str | None


class PageFilters(In):
    """Which page."""

    cursor: Cursor = ""
    limit: Limit = USUAL


class ContactFilters(PageFilters):
    """Which contacts of a book."""

    q: Annotated[
        Line, Field(max_length=100, description="Name, pinyin, initials, part of the number, or unionId.")
    ] = ""
    group: Key | None = None


class NewContact(In):
    """A contact to add: with a unionId, a number, or both."""

    nick: Nick
    union_id: UnionId = ""
    phone_number: PhoneNumber = ""
    group_id: Annotated[Key | None, Field(description="A group of the book to join.")] = None


class ChangedContact(In):
    """What is to be different about a contact; what is left out stays."""

    nick: Nick | None = None
    union_id: UnionId | None = None
    phone_number: PhoneNumber | None = None

    @model_validator(mode="after")
    def _has_something(self) -> "ChangedContact":
        if not self.model_fields_set:
            raise ValueError("Name at least one field.")
        return self


@router.get(
    "/books", response={200: BooksOut, **READ}, operation_id="listBooks", summary="List address books"
)
@needs(Scope.CONTACTS_READ)
@permissions.allow(permissions.may_organize)
def book_list(request: HttpRequest, filters: Query[PageFilters]) -> BooksOut:
    """The address books that the token's user may use, as they were made."""
    books = permissions.readable_books(request.user).in_order_made(after=cursors.unwrap_key(filters.cursor))
    rows = list(books[: filters.limit + 1])
    told = [
        BookOut(
            id=book.pk,
            app_id=book.app_id,
            name=book.name,
            owner=book.owner.username,
            country=book.country,
            contacts=book.contact_count,
        )
        for book in rows[: filters.limit]
    ]
    return BooksOut(books=told, next=cursors.wrap(told[-1].id if len(rows) > filters.limit else None))


@router.get(
    "/books/{book}/groups",
    response={200: GroupsOut, **READ},
    operation_id="listGroups",
    summary="List the groups of a book",
)
@needs(Scope.CONTACTS_READ)
@permissions.allow(permissions.may_organize)
def group_list(request: HttpRequest, book: Path[Key], filters: Query[PageFilters]) -> GroupsOut:
    """The groups of one book, by name."""
    within = get_object_or_404(permissions.readable_books(request.user), pk=book)
    groups = ContactGroup.objects.of_book(within).after(cursors.unwrap(filters.cursor)).for_list()
    rows = list(groups[: filters.limit + 1])
    told = [GroupOut(id=group.pk, name=group.name, contacts=group.contact_count) for group in rows]
    is_more = len(told) > filters.limit
    shown = told[: filters.limit]
    return GroupsOut(groups=shown, next=cursors.wrap(shown[-1].name if is_more else None))


@router.get(
    "/books/{book}/contacts",
    response={200: ContactsOut, **READ},
    operation_id="listContacts",
    summary="List or search the contacts of a book",
)
@needs(Scope.CONTACTS_READ)
@permissions.allow(permissions.may_organize)
def contact_list(request: HttpRequest, book: Path[Key], filters: Query[ContactFilters]) -> ContactsOut:
    """The contacts of one book; a search finds the best 200."""
    within = get_object_or_404(permissions.readable_books(request.user), pk=book)
    data = QueryDict(mutable=True)
    data.update({"q": filters.q, "group": str(filters.group or ""), "after": cursors.unwrap(filters.cursor)})
    form = ContactFilterForm(data, book=within)
    if not form.is_valid():
        raise Unusable.of_form(form)
    if form.text:
        found = finding.find(form.narrowed(), text=form.text, start=form.start, most=filters.limit)
        rows, behind = found.contacts, form.start + filters.limit
        after = cursors.wrap(behind if behind < found.people else None)
    else:
        by_name = form.narrowed().after(form.cursor).by_name()
        rows = list(by_name[: filters.limit + 1])
        after = cursors.wrap(rows[filters.limit - 1].cursor if len(rows) > filters.limit else None)
        rows = rows[: filters.limit]
    prefetch_related_objects(rows, "groups")
    return ContactsOut(contacts=[ContactOut.of(contact) for contact in rows], next=after)


@router.get(
    "/contacts/{contact}",
    response={200: ContactOut, **READ},
    operation_id="readContact",
    summary="Read a contact",
)
@needs(Scope.CONTACTS_READ)
@permissions.allow(permissions.may_organize)
def contact_detail(request: HttpRequest, contact: Path[Key]) -> ContactOut:
    """One contact of a book that the token's user may use."""
    return _told(request, contact)


@router.post(
    "/books/{book}/contacts",
    response={201: ContactOut, **MADE},
    operation_id="createContact",
    summary="Add a contact",
)
@needs(Scope.CONTACTS_WRITE)
@permissions.allow(permissions.may_organize)
def contact_create(
    request: HttpRequest, book: Path[Key], body: NewContact, key: IdempotencyKey
) -> HttpResponse:
    """Adds a contact to a book that the token's user may change: one, however often it is asked for under a key."""

    # Of what somebody may not change, nothing is noted.
    into = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=book)

    def act() -> int:
        group = None
        if body.group_id is not None:
            group = ContactGroup.objects.of_book(into).among([body.group_id]).first()
            if group is None:
                raise Unusable.at("groupId", _("There is no such group in this book."))
        typed = {"nick": body.nick, "union_id": body.union_id, "phone_number": body.phone_number}
        return _kept(ContactForm(typed, instance=Contact(book=into), user=_user(request), group=group)).pk

    return do_once(Asked(request=request, key=key, body=body, show=lambda made: _told(request, made)), act)


@router.patch(
    "/contacts/{contact}",
    response={200: ContactOut, **CHANGED},
    operation_id="changeContact",
    summary="Change a contact",
)
@needs(Scope.CONTACTS_WRITE)
@permissions.allow(permissions.may_organize)
def contact_edit(request: HttpRequest, contact: Path[Key], body: ChangedContact) -> ContactOut:
    """Changes a contact of a book that the token's user may change."""
    changed = get_object_or_404(permissions.writable_contacts(request.user), pk=contact)
    typed: dict[str, Any] = {
        "nick": changed.nick,
        "union_id": changed.union_id,
        "phone_number": changed.phone_number,
    }
    typed |= {name: value or "" for name, value in body.model_dump(exclude_unset=True).items()}
    _kept(ContactForm(typed, instance=changed, user=_user(request)))
    return _told(request, contact)


def _user(request: HttpRequest) -> User:
    return permissions.organizer(request.user)


def _kept(form: ContactForm) -> Contact:
    """The contact that ``form`` has kept. Raises Unusable where it is invalid."""
    if not form.keep():
        raise Unusable.of_form(form)
    return form.instance


def _told(request: HttpRequest, pk: int) -> ContactOut:
    readable = Contact.objects.in_books(permissions.readable_books(request.user))
    return ContactOut.of(get_object_or_404(readable.with_groups(), pk=pk))
