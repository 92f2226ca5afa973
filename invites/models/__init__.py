"""What is stored, one module per noun. Models hold queries and constraints; they call no verb and no network."""

from invites.models.address_book import AddressBook, BookShare, BookSize
from invites.models.app import App, CachedToken
from invites.models.attempt import Attempt, AttemptInvitee
from invites.models.batch import Batch
from invites.models.book_change import BookChange, ChangedContact
from invites.models.conference import Conference, ConferenceCreation
from invites.models.contact import Contact
from invites.models.contact_group import ContactGroup, GroupSize
from invites.models.contact_import import ColumnMapping, ContactImport, ImportChunk, ImportRow
from invites.models.directory_link import DirectoryLink
from invites.models.draft_line import DraftLine
from invites.models.invitation import Invitation
from invites.models.invitee import Invitee
from invites.models.member import Member
from invites.models.observation import Observation
from invites.models.spending import CallCount, Pace
from invites.models.user import User
from invites.models.worker import Worker

__all__ = [
    "AddressBook",
    "App",
    "Attempt",
    "AttemptInvitee",
    "Batch",
    "BookChange",
    "BookShare",
    "BookSize",
    "CachedToken",
    "CallCount",
    "ChangedContact",
    "ColumnMapping",
    "Conference",
    "ConferenceCreation",
    "Contact",
    "ContactGroup",
    "ContactImport",
    "DirectoryLink",
    "DraftLine",
    "GroupSize",
    "ImportChunk",
    "ImportRow",
    "Invitation",
    "Invitee",
    "Member",
    "Observation",
    "Pace",
    "User",
    "Worker",
]
