"""Who may see what and do what, in one place. Views ask here and never filter by hand.

organizer       own conferences and those shared with them; own books and shared ones; attempts of those
auditor         all attempts, read only
administrator   everything
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Concatenate

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from invites.models import (
    AddressBook,
    ApiToken,
    App,
    Attempt,
    AuditEntry,
    BookChange,
    Conference,
    ConferenceCreation,
    Contact,
    ContactGroup,
    ContactImport,
    Erasure,
    HistoryExport,
    Invitation,
    Person,
    SavedFilter,
    Session,
    SignUpLink,
    User,
)
from invites.models.address_book import AddressBookQuerySet
from invites.models.api_token import ApiTokenQuerySet
from invites.models.app import AppQuerySet
from invites.models.attempt import AttemptQuerySet
from invites.models.audit_entry import AuditEntryQuerySet
from invites.models.book_change import BookChangeQuerySet
from invites.models.conference import ConferenceCreationQuerySet, ConferenceKeys, ConferenceQuerySet
from invites.models.contact import ContactQuerySet
from invites.models.contact_group import ContactGroupQuerySet
from invites.models.contact_import import ContactImportQuerySet
from invites.models.history_export import HistoryExportQuerySet
from invites.models.invitation import InvitationQuerySet
from invites.models.person import ErasureQuerySet, PersonQuerySet
from invites.models.saved_filter import SavedFilterQuerySet
from invites.models.session import SessionQuerySet
from invites.models.sign_up_link import SignUpLinkQuerySet
from invites.models.user import Role, UserQuerySet

type Viewer = User | AnonymousUser

SURVEYED = 500
"""Of so many of their conferences an organizer sees figures, so that they cost everybody the same."""


def may_organize(user: Viewer) -> bool:
    """Whether ``user`` may make conferences, books and invitations."""
    return isinstance(user, User) and user.role in {Role.ORGANIZER, Role.ADMINISTRATOR}


def may_read_all_history(user: Viewer) -> bool:
    """Whether ``user`` sees everybody's attempts."""
    return isinstance(user, User) and user.role in {Role.AUDITOR, Role.ADMINISTRATOR}


def may_administer(user: Viewer) -> bool:
    """Whether ``user`` may change apps, users and settings."""
    return isinstance(user, User) and user.role == Role.ADMINISTRATOR


def organizer(user: Viewer) -> User:
    """``user``, who is somebody that organizes. Raises PermissionDenied for anybody else."""
    if not isinstance(user, User) or not may_organize(user):
        raise PermissionDenied
    return user


def own_account(user: Viewer) -> User:
    """The account of whoever is signed in, which they may change. Raises PermissionDenied for nobody.

    It is read afresh: what a form writes into it while it is invalid must not show anywhere else.
    """
    if not isinstance(user, User):
        raise PermissionDenied
    return User.objects.get(pk=user.pk)


def own_sessions(user: Viewer) -> SessionQuerySet:
    """Where ``user`` is signed in, which nobody else sees."""
    sessions: SessionQuerySet = Session.objects.all()
    return sessions.of(user) if isinstance(user, User) else sessions.none()


def may_see_phone_numbers(user: Viewer) -> bool:
    """Whether ``user`` sees phone numbers in full: those who work with the people do, auditors where granted."""
    return isinstance(user, User) and (user.role != Role.AUDITOR or user.may_see_phone_numbers)


def conferences(user: Viewer) -> ConferenceQuerySet:
    """The conferences that ``user`` may see, change and invite into."""
    if may_administer(user):
        return Conference.objects.all()
    if isinstance(user, User) and may_organize(user):
        return Conference.objects.owned_or_shared_with(user)
    return Conference.objects.none()


def may_still_invite(user: User, conference: Conference) -> bool:
    """Whether what ``user`` has ordered for ``conference`` may be done in their name, though they are not there."""
    return user.is_active and may_organize(user) and conferences(user).contains(conference)


def owned_conferences(user: Viewer) -> ConferenceQuerySet:
    """The conferences that ``user`` may share with co-organizers."""
    if may_administer(user):
        return Conference.objects.all()
    if isinstance(user, User) and may_organize(user):
        return Conference.objects.owned_by(user)
    return Conference.objects.none()


def users(user: Viewer) -> UserQuerySet:
    """The accounts that ``user`` looks after."""
    return User.objects.all() if may_administer(user) else User.objects.all().none()


def other_users(user: Viewer) -> UserQuerySet:
    """Those of them whose rights and access ``user`` may change: nobody changes their own."""
    return users(user).besides(user.pk) if isinstance(user, User) else users(user)


def sign_up_links(user: Viewer) -> SignUpLinkQuerySet:
    """The sign-up links that ``user`` may look at and withdraw."""
    return SignUpLink.objects.all() if may_administer(user) else SignUpLink.objects.none()


def creations(user: Viewer) -> ConferenceCreationQuerySet:
    """The presses of *Create* that were made by ``user``."""
    if isinstance(user, User) and may_organize(user):
        return ConferenceCreation.objects.made_by(user)
    return ConferenceCreation.objects.none()


def managed_apps(user: Viewer) -> AppQuerySet:
    """The DingTalk apps that ``user`` may set up, test and switch off."""
    return App.objects.all() if may_administer(user) else App.objects.none()


def usable_apps(user: Viewer) -> AppQuerySet:
    """The DingTalk apps through which ``user`` may invite."""
    return App.objects.usable() if may_organize(user) else App.objects.none()


def readable_books(user: Viewer) -> AddressBookQuerySet:
    """The address books that ``user`` may look into and invite from."""
    if may_administer(user):
        return AddressBook.objects.all()
    if isinstance(user, User) and may_organize(user):
        return AddressBook.objects.readable_by(user)
    return AddressBook.objects.none()


def writable_books(user: Viewer) -> AddressBookQuerySet:
    """The address books whose contacts and groups ``user`` may change."""
    if may_administer(user):
        return AddressBook.objects.all()
    if isinstance(user, User) and may_organize(user):
        return AddressBook.objects.writable_by(user)
    return AddressBook.objects.none()


def owned_books(user: Viewer) -> AddressBookQuerySet:
    """The address books that ``user`` may rename, share and delete."""
    if may_administer(user):
        return AddressBook.objects.all()
    if isinstance(user, User) and may_organize(user):
        return AddressBook.objects.owned_by(user)
    return AddressBook.objects.none()


def book_changes(user: Viewer) -> BookChangeQuerySet:
    """What was done to address books, as far as ``user`` may read and undo it: whoever owns a book everything in it,
    others who may change it what they did themselves.
    """
    if not isinstance(user, User) or not may_organize(user):
        return BookChange.objects.none()
    own = BookChange.objects.of_books(writable_books(user)).made_by(user)
    return BookChange.objects.of_books(owned_books(user)) | own


def writable_contacts(user: Viewer) -> ContactQuerySet:
    """The contacts that ``user`` may change and delete."""
    return Contact.objects.in_books(writable_books(user)).with_book()


def writable_groups(user: Viewer) -> ContactGroupQuerySet:
    """The groups that ``user`` may change and delete."""
    return ContactGroup.objects.in_books(writable_books(user)).with_book()


def imports(user: Viewer) -> ContactImportQuerySet:
    """The imports that ``user`` may look at, confirm and undo: those into books that they may change."""
    return ContactImport.objects.in_books(writable_books(user)).for_page()


def imports_to_tell(user: Viewer) -> ContactImportQuerySet:
    """The imports of which ``user`` has to know: those discarded lately since somebody in them was erased, and those
    that go on when ``user`` decides, the oldest first.
    """
    if not isinstance(user, User) or not may_organize(user):
        return ContactImport.objects.none()
    return ContactImport.objects.in_books(writable_books(user)).to_tell(user)


def contacts(user: Viewer, *, app: App) -> ContactQuerySet:
    """The contacts that ``user`` may invite through ``app``."""
    return Contact.objects.in_books(readable_books(user).of_app(app))


def contact_groups(user: Viewer, *, app: App) -> ContactGroupQuerySet:
    """The groups that ``user`` may invite through ``app``."""
    return ContactGroup.objects.in_books(readable_books(user).of_app(app))


def invitations(user: Viewer) -> InvitationQuerySet:
    """The sent invitations that ``user`` may read."""
    sent = Invitation.objects.sent().select_related("conference__app", "sent_by")
    return sent if may_read_all_history(user) else sent.into(conferences(user))


def sendable_invitations(user: Viewer) -> InvitationQuerySet:
    """The sent invitations whose people ``user`` may invite again."""
    return Invitation.objects.sent().select_related("conference__app").into(conferences(user))


def conferences_in_history(user: Viewer) -> ConferenceQuerySet:
    """The conferences whose attempts ``user`` may read."""
    return Conference.objects.all() if may_read_all_history(user) else conferences(user)


def organizers_in_history(user: Viewer) -> UserQuerySet:
    """Whose attempts ``user`` may look for by name: everybody's, or their own and those of whom they share with."""
    everybody = User.objects.all()
    if may_read_all_history(user):
        return everybody
    return everybody.sharing_with(user) if isinstance(user, User) else everybody.none()


def apps_in_history(user: Viewer) -> AppQuerySet:
    """The apps by which ``user`` may look for attempts."""
    return App.objects.all() if isinstance(user, User) else App.objects.none()


def saved_filters(user: Viewer) -> SavedFilterQuerySet:
    """The filters of the history that ``user`` keeps: everybody has their own."""
    return SavedFilter.objects.of(user) if isinstance(user, User) else SavedFilter.objects.none()


def api_tokens(user: Viewer) -> ApiTokenQuerySet:
    """The tokens that ``user`` may see and revoke: everybody has their own."""
    return ApiToken.objects.of(user) if isinstance(user, User) else ApiToken.objects.none()


def people(user: Viewer) -> PersonQuerySet:
    """The people of the history of whom ``user`` may read."""
    if may_read_all_history(user):
        return Person.objects.all()
    return Person.objects.in_calls_into(conferences(user))


def surveyed_conferences(user: Viewer) -> ConferenceKeys | None:
    """The keys of the conferences of which ``user`` sees figures: the newest of their own. None for all there are."""
    if may_read_all_history(user):
        return None
    return newest_conferences(user, limit=SURVEYED)


def attempts(user: Viewer) -> AttemptQuerySet:
    """The attempts that ``user`` may read."""
    if may_read_all_history(user):
        return Attempt.objects.all()
    return Attempt.objects.filter(conference__in=conferences(user))


def attempts_among(rows: AttemptQuerySet, user: Viewer) -> AttemptQuerySet:
    """Those of ``rows`` that ``user`` may read. Each is asked, however many `conferences` there are."""
    if may_read_all_history(user):
        return rows
    if not isinstance(user, User) or not may_organize(user):
        return rows.none()
    return rows.into_conferences_of(user)


def newest_conferences(user: Viewer, *, limit: int) -> ConferenceKeys:
    """The keys of the newest ``limit`` conferences that ``user``, who may not read all of the history, organizes."""
    if not isinstance(user, User) or not may_organize(user):
        return []
    return Conference.objects.newest_of(user, limit=limit)


def entries(user: Viewer) -> AuditEntryQuerySet:
    """The changes on record that ``user`` may read: whoever reads all of the history reads all of them.

    Organizers see what was done to their books in the books themselves.
    """
    found: AuditEntryQuerySet = AuditEntry.objects.all()
    return found if may_read_all_history(user) else found.none()


def erasures(user: Viewer) -> ErasureQuerySet:
    """The erasures of people of which ``user`` may know, and which they may order."""
    return Erasure.objects.all() if may_administer(user) else Erasure.objects.none()


def history_exports(user: Viewer) -> HistoryExportQuerySet:
    """The files of the history of which ``user`` may know: their own, and everybody's for who reads everything."""
    if may_read_all_history(user):
        return HistoryExport.objects.all()
    return HistoryExport.objects.of(user) if isinstance(user, User) else HistoryExport.objects.none()


def allow[**P, R](
    rule: Callable[[Viewer], bool],
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """A view decorator: raises PermissionDenied unless ``rule(request.user)``."""

    def decorate(view: Callable[Concatenate[HttpRequest, P], R]) -> Callable[Concatenate[HttpRequest, P], R]:
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if not rule(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return update_wrapper(guarded, view)

    return decorate
