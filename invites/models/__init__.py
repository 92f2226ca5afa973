"""What is stored, one module per noun. Models hold queries and constraints; they call no verb and no network."""

from invites.models.address_book import AddressBook, Contact, ContactGroup
from invites.models.app import App, CachedToken
from invites.models.attempt import Attempt, AttemptInvitee
from invites.models.batch import Batch
from invites.models.conference import Conference, ConferenceCreation
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
    "CachedToken",
    "CallCount",
    "Conference",
    "ConferenceCreation",
    "Contact",
    "ContactGroup",
    "DraftLine",
    "Invitation",
    "Invitee",
    "Member",
    "Observation",
    "Pace",
    "User",
    "Worker",
]
