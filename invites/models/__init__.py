"""What is stored, one module per noun. Models hold queries and constraints; they call no verb and no network."""

from invites.models.address_book import AddressBook, BookShare, BookSize
from invites.models.app import App, CachedToken
from invites.models.attempt import Attempt
from invites.models.attempt_invitee import AttemptInvitee
from invites.models.audit_entry import AuditEntry
from invites.models.batch import Batch
from invites.models.book_change import BookChange, ChangedContact
from invites.models.conference import Conference, ConferenceCreation
from invites.models.contact import Contact
from invites.models.contact_group import ContactGroup, GroupSize
from invites.models.contact_import import ColumnMapping, ContactImport, ImportChunk, ImportRow
from invites.models.directory_link import DirectoryLink
from invites.models.draft_edit import DraftEdit
from invites.models.draft_line import DraftLine
from invites.models.history_export import HistoryExport
from invites.models.invitation import Invitation
from invites.models.invitee import Invitee
from invites.models.member import Member
from invites.models.observation import Observation
from invites.models.outcome_count import AppCount, ConferenceCount, DayTurnout, Turnout
from invites.models.person import Erasure, Person
from invites.models.saved_filter import SavedFilter
from invites.models.sealed_day import SealedDay, SealedSection
from invites.models.spending import CallCount, Pace
from invites.models.user import User
from invites.models.verification import Verification
from invites.models.weekly_mail import WeeklyMail
from invites.models.worker import Worker

__all__ = [
    "AddressBook",
    "App",
    "AppCount",
    "Attempt",
    "AttemptInvitee",
    "AuditEntry",
    "Batch",
    "BookChange",
    "BookShare",
    "BookSize",
    "CachedToken",
    "CallCount",
    "ChangedContact",
    "ColumnMapping",
    "Conference",
    "ConferenceCount",
    "ConferenceCreation",
    "Contact",
    "ContactGroup",
    "ContactImport",
    "DayTurnout",
    "DirectoryLink",
    "DraftEdit",
    "DraftLine",
    "Erasure",
    "GroupSize",
    "HistoryExport",
    "ImportChunk",
    "ImportRow",
    "Invitation",
    "Invitee",
    "Member",
    "Observation",
    "Pace",
    "Person",
    "SavedFilter",
    "SealedDay",
    "SealedSection",
    "Turnout",
    "User",
    "Verification",
    "WeeklyMail",
    "Worker",
]
