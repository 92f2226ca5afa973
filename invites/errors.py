"""What the domain refuses to do, and why. Pages answer these with a message and status 409.

InviteError
├── AlreadySent        the draft was sent meanwhile, by somebody or by an earlier press
├── DraftChanged       the list is not the one that the person saw when pressing
├── NobodyToInvite     nobody usable on the list
├── ConferenceEnded    the conference is over
├── AppUnavailable     the DingTalk app is disabled or has no credentials at present
└── DemoPersonRefused  somebody of the sandbox in an invitation through a real app
"""

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise


class InviteError(Exception):
    """The domain says no. ``message`` is a sentence for the person who asked."""

    message: StrOrPromise = _("This cannot be done.")

    def __init__(self, message: StrOrPromise = "") -> None:
        if message:
            self.message = message
        super().__init__()

    def __str__(self) -> str:
        return str(self.message)


class AlreadySent(InviteError):  # noqa: N818 - a name says what happened
    """The draft was sent meanwhile."""

    message = _("This invitation has already been sent. Nobody was called a second time.")


class DraftChanged(InviteError):  # noqa: N818
    """The list changed after the page that was pressed had been made."""

    message = _(
        "The list has changed since this page was loaded. Please look at it again, then press Invite."
    )


class NobodyToInvite(InviteError):  # noqa: N818
    """There is nobody usable on the list."""

    message = _("There is nobody to invite yet. Add at least one person.")


class ConferenceEnded(InviteError):  # noqa: N818
    """The conference is over, so nobody can be called into it."""

    message = _("This conference has ended. People can only be invited while it runs.")


class AppUnavailable(InviteError):  # noqa: N818
    """The app cannot be used at present."""

    message = _("The DingTalk app of this conference is not available. An administrator must set it up.")


class DemoPersonRefused(InviteError):  # noqa: N818
    """Somebody who only exists in the sandbox stands on an invitation through a real app."""

    message = _("This person exists in the sandbox only and cannot be invited through a real DingTalk app.")
