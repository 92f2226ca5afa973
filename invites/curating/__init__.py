"""Changes address books: their contacts, their groups, and who is in which.

Every verb is told who does it, keeps others from changing the book meanwhile, and notes what it did in
`invites.journal`, in the same transaction; it returns that change, or None where there was nothing to do. Invitations
keep their own snapshots of people, so nothing here touches those that were sent.
"""

from invites.curating.bulk import Transfer, copy_contacts, delete_contacts, move_contacts
from invites.curating.contacts import save_contact
from invites.curating.doubles import Double, Doubles, double_called, find_doubles
from invites.curating.forgetting import forget_old
from invites.curating.groups import add_to_group, delete_group, remove_from_group, save_group
from invites.curating.marking import mark_contacts, unmark_contacts
from invites.curating.merging import merge_contacts
from invites.curating.restoring import Restored
from invites.curating.sharing import save_book, share, withdraw
from invites.curating.undoing import undo

__all__ = [
    "Double",
    "Doubles",
    "Restored",
    "Transfer",
    "add_to_group",
    "copy_contacts",
    "delete_contacts",
    "delete_group",
    "double_called",
    "find_doubles",
    "forget_old",
    "mark_contacts",
    "merge_contacts",
    "move_contacts",
    "remove_from_group",
    "save_book",
    "save_contact",
    "save_group",
    "share",
    "undo",
    "unmark_contacts",
    "withdraw",
]
