"""What is stored, one module per noun. Models hold queries and constraints; they call no verb and no network."""

from invites.models.address_book import AddressBook, BookShare, BookSize
from invites.models.api_token import ApiToken, IdempotentRequest
from invites.models.app import App
from invites.models.app_check import AppCheck
from invites.models.attempt import Attempt
from invites.models.attempt_invitee import AttemptInvitee
from invites.models.audit_entry import AuditEntry
from invites.models.batch import Batch
from invites.models.book_change import BookChange, ChangedContact
from invites.models.cache_row import CacheRow
from invites.models.cached_token import CachedToken
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
from invites.models.received_event import ReceivedEvent
from invites.models.saved_filter import SavedFilter
from invites.models.sealed_day import SealedDay, SealedSection
from invites.models.session import Session
from invites.models.sign_in_policy import SignInPolicy
from invites.models.sign_up_link import SignUpLink
from invites.models.spending import CallCount, Pace
from invites.models.user import User
from invites.models.verification import Verification
from invites.models.weekly_mail import WeeklyMail
from invites.models.worker import Worker

__all__ = [
    "AddressBook",
    "ApiToken",
    "App",
    "AppCheck",
    "AppCount",
    "Attempt",
    "AttemptInvitee",
    "AuditEntry",
    "Batch",
    "BookChange",
    "BookShare",
    "BookSize",
    "CacheRow",
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
    "IdempotentRequest",
    "ImportChunk",
    "ImportRow",
    "Invitation",
    "Invitee",
    "Member",
    "Observation",
    "Pace",
    "Person",
    "ReceivedEvent",
    "SavedFilter",
    "SealedDay",
    "SealedSection",
    "Session",
    "SignInPolicy",
    "SignUpLink",
    "Turnout",
    "User",
    "Verification",
    "WeeklyMail",
    "Worker",
]
