"""What the domain refuses to do, and why. Pages answer these with a message and the refusal's status, mostly 409.

InviteError
├── AlreadySent        the draft was sent meanwhile, by somebody or by an earlier press
├── DraftChanged       the list is not the one that the person saw when pressing
│   └── PutAside       it waits for its time outside of the composer
├── ComposerInUse      another list stands in the composer
├── NobodyToInvite     nobody usable on the list
│   └── EverybodyMarked  everybody on it is marked "do not invite"
├── InvitationOver     nobody on the invitation is going to be called any more
├── ConferenceEnded    the conference is over
├── ConferenceLocked   nobody else is let in at present
├── ContactGone        somebody has deleted or moved the contact meanwhile
├── GroupGone          somebody has deleted the group meanwhile
├── CannotBeUndone     what was done to a book is too old to be undone, or what it was about is gone
│   └── AlreadyUndone  it has been undone
├── AppUnavailable     the DingTalk app is disabled or has no credentials at present
├── NotLinked          the address book does not follow the company directory any more
├── ColleagueGone      the company directory does not show somebody any more who was found in it
├── ExportOver         the file of an export was fetched before, or not within a day
├── FiltersGone        what a file of the history was narrowed to is gone, or may not be seen any more
├── ExportUnderWay     the same person is fetching another file of the history
├── TooManyExports     too many people are fetching files of the history
├── LastAdministrator  nobody would be left who can set up everything
├── ChangedMeanwhile   somebody else has changed the same thing between a check and a write
├── OwnRights          somebody wants to change what they may do themselves
├── DemoPersonRefused  somebody or something of the sandbox, through a real app
├── DemoIsOpen         a real app, while everybody can sign in to the demonstration
├── ConferenceTaken    somebody else has this conference already
├── FormAlreadyUsed    this form has created another conference already
├── CreationUnderWay   an earlier press of the same form still waits for DingTalk
├── TooOften           somebody does the same more often than anybody presses (429)
│   └── TooManyTries   somebody, or everybody at one address, has tried too many passwords (429)
├── FactorNeeded       the last second factor of somebody whose role needs one
├── SecondFactorMissing  a program asks for somebody whose role needs a second factor, and who has none (403)
├── SignInAgain        a page that changes how one signs in, some time after one has
├── RequestUnderWay    an earlier request of a program, with the same key, is still at work
├── KeyUsedBefore      the key of a request came with another request before
├── NoAccount          DingTalk has told who somebody is, and that is nobody who may come in here
│   └── NotOfCompany   nor any more, since they have left the company
├── SignUpLinkOver     a sign-up link was used, withdrawn, is too old, or was never given out
│   └── SignUpClosed   or would make an account if anybody could get one at present
├── IdentityTaken      somebody else here is connected to the same DingTalk account
├── AnotherIdentity    one's own account is connected to another DingTalk account
├── OnlyWayIn          what is to be taken away is somebody's only way to sign in
└── DingTalkRefused    DingTalk did not do what was asked about a conference, or may have
"""

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise


class InviteError(Exception):
    """The domain says no. ``message`` is a sentence for the person who asked; ``status`` is that of the answer."""

    message: StrOrPromise = _("This cannot be done.")
    status = HTTPStatus.CONFLICT

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


class PutAside(DraftChanged):
    """The list was put aside after the page had been made, and waits for its time."""

    message = _(
        "This list has been put aside meanwhile: it waits to be sent. Change it to have it back here."
    )


class ComposerInUse(InviteError):  # noqa: N818
    """There are people in the composer, so no other list can come back into it."""

    message = _(
        "There are people in the list already. Invite them, set a time for them or clear the list, then try again."
    )


class NobodyToInvite(InviteError):  # noqa: N818
    """There is nobody usable on the list."""

    message = _("There is nobody to invite yet. Add at least one person.")


class EverybodyMarked(NobodyToInvite):
    """Everybody on the list is marked "do not invite"."""

    message = _(
        "Everybody on this list is marked “do not invite” in an address book, so nobody was called. Who is to come all "
        "the same can be added by name and invited anyway."
    )


class InvitationOver(InviteError):  # noqa: N818
    """Nobody on the invitation is going to be called any more, so there is nothing left to hold or to call off."""

    message = _("This invitation is over: nobody on it is going to be called any more.")


class ConferenceEnded(InviteError):  # noqa: N818
    """The conference is over, so nobody can be called into it."""

    message = _("This conference has ended. People can only be invited while it runs.")


class ConferenceLocked(InviteError):  # noqa: N818
    """The conference lets nobody else in, so nobody can be called into it."""

    message = _("This meeting is locked, so nobody else is let in. Unlock it, then invite again.")


class ContactGone(InviteError):  # noqa: N818
    """The contact is not in its book any more."""

    message = _("Somebody else has deleted this person, or moved them to another book, in the meantime.")


class GroupGone(InviteError):  # noqa: N818
    """The group is not there any more."""

    message = _("Somebody else has deleted this group in the meantime.")


class CannotBeUndone(InviteError):  # noqa: N818
    """A change of a book is too old to be undone, or what it was about is no longer there."""

    message = _("This can no longer be undone.")


class AlreadyUndone(CannotBeUndone):
    """Somebody has undone the change before."""

    message = _("This has been undone already.")


class FactorNeeded(InviteError):  # noqa: N818
    """Somebody's role needs a second factor, and this is their last one."""

    message = _("Your role needs a second factor, and this is your only one. Set up another one first.")


class SecondFactorMissing(InviteError):  # noqa: N818
    """A program asks in the name of somebody whose role needs a second factor, and who has none."""

    message = _(
        "The role of this token's user needs a second factor, and they have none. Once they have set one up under "
        "Settings, Security, the token works again."
    )
    status = HTTPStatus.FORBIDDEN


class SignInAgain(InviteError):  # noqa: N818
    """Somebody who has neither a password nor a second factor has signed in too long ago for what they asked."""

    message = _(
        "Only somebody who has signed in within the last minutes may do this. Sign out, sign in again and come back."
    )


class AppUnavailable(InviteError):  # noqa: N818
    """The app cannot be used at present."""

    message = _("The DingTalk app of this conference is not available. An administrator must set it up.")


class NotLinked(InviteError):  # noqa: N818
    """An address book does not follow the directory any more."""

    message = _("This address book does not follow the company directory any more.")


class ColleagueGone(InviteError):  # noqa: N818
    """The company directory does not show somebody who was found in it before."""

    message = _("The company directory does not show this person any more. Search once more.")


class ExportOver(InviteError):  # noqa: N818
    """The file of an export can no longer be fetched."""

    message = _(
        "This file has been fetched already, or was not fetched within a day. Please export it again."
    )


class StillToBeCalled(InviteError):  # noqa: N818
    """Somebody is to be erased, and an invitation that is under way is going to call them, or does."""

    message = _("An invitation to this person is under way. Cancel it, or wait until it is over, then erase.")


class FiltersGone(InviteError):  # noqa: N818
    """What an export was narrowed to is not there any more, or not for whoever ordered it."""

    message = _("What this file was narrowed to is not there any more. Please filter and export again.")


class ExportUnderWay(InviteError):  # noqa: N818
    """Whoever wants a file is fetching another one."""

    message = _(
        "Another file of yours is still being written. This one can be fetched as soon as it is done."
    )


class TooManyExports(InviteError):  # noqa: N818
    """Files are being written for as many people as may fetch them at once."""

    message = _("Several people are fetching files at the moment. Please try again in a few minutes.")


class LastAdministrator(InviteError):  # noqa: N818
    """Somebody is the only one left who can set up everything."""

    message = _("This is the last administrator. Make somebody else one first.")


class ChangedMeanwhile(InviteError):  # noqa: N818
    """Somebody else has changed the same thing at the same moment."""

    message = _("Somebody else changed this at the same moment. Please try again.")


class OwnRights(InviteError):  # noqa: N818
    """Somebody wants to change their own role, or to bar themselves."""

    message = _("Nobody changes their own role or bars themselves. Another administrator can do it.")


class DemoPersonRefused(InviteError):  # noqa: N818
    """Somebody who only exists in the sandbox stands on an invitation through a real app."""

    message = _("This person exists in the sandbox only and cannot be invited through a real DingTalk app.")


class DemoIsOpen(InviteError):  # noqa: N818
    """Real people would be within the reach of everybody who knows the password of the demonstration."""

    message = _(
        "This is the demonstration: everybody knows its password, and a real app rings real people. First add an "
        "administrator of your own under Users, and bar the three users of the demonstration there, as well as "
        "everybody who came in through the sandbox."
    )


class ConferenceTaken(InviteError):  # noqa: N818
    """Somebody has registered this conference, and who asks may not see it."""

    message = _("This conference is already managed by somebody else. Ask them to add you as a co-organizer.")


class FormAlreadyUsed(InviteError):  # noqa: N818
    """The form was sent before, with something else in it."""

    message = _("This form was used before. Please press Create once more if you want another meeting.")


class CreationUnderWay(InviteError):  # noqa: N818
    """The same form was sent a moment ago, and DingTalk has not answered yet."""

    message = _("This meeting is being created already.")


class TooOften(InviteError):  # noqa: N818
    """Somebody does the same more often than anybody presses; in ``seconds`` it may be done again."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, *, seconds: int) -> None:
        self.seconds = max(1, seconds)
        super().__init__()

    def __str__(self) -> str:
        return ngettext(
            "This was done very often within a short time, so it was not done again. Please try again in "
            "%(seconds)s second.",
            "This was done very often within a short time, so it was not done again. Please try again in "
            "%(seconds)s seconds.",
            self.seconds,
        ) % {"seconds": self.seconds}


class TooManyTries(TooOften):
    """There were too many tries to sign in, to one account or from one address."""

    def __str__(self) -> str:
        minutes = -(-self.seconds // 60)
        return ngettext(
            "There were too many tries to sign in. Please wait %(minutes)s minute, then try again.",
            "There were too many tries to sign in. Please wait %(minutes)s minutes, then try again.",
            minutes,
        ) % {"minutes": minutes}


class RequestUnderWay(InviteError):  # noqa: N818
    """A program asks again for what it asked for a moment ago, and the first request may still be at work."""

    message = _("An earlier request with this key is still under way. Ask again in a few seconds.")


class KeyUsedBefore(InviteError):  # noqa: N818
    """The key with which a program asks has come with another request before."""

    message = _("This key was used for another request. Use a new key for each thing that is to be done.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class DingTalkRefused(InviteError):  # noqa: N818
    """DingTalk did not do what was asked, or (``is_unsure``) may have done it.

    ``what`` and ``action`` are a sentence each; ``remote_message`` is DingTalk's own; no secret is in any of them.
    """

    def __init__(
        self,
        *,
        what: StrOrPromise,
        action: StrOrPromise,
        code: str,
        remote_message: str = "",
        request_id: str = "",
        is_unsure: bool = False,
    ) -> None:
        self.what = what
        self.action = action
        self.code = code
        self.remote_message = remote_message
        self.request_id = request_id
        self.is_unsure = is_unsure
        super().__init__()

    def __str__(self) -> str:
        return f"{self.what} {self.action} ({self.code})"

    @property
    def for_support(self) -> str:
        """All of it in one text, for somebody to paste into a letter."""
        technical = filter(None, [self.code, self.remote_message, self.request_id])
        return f"{self.what} {self.action}\n{' · '.join(technical)}"


class NoAccount(InviteError):  # noqa: N818
    """Somebody has signed in to DingTalk, and has no account here."""

    message = _(
        "Your DingTalk account is not known here, and nobody gets an account by signing in. Ask an administrator of "
        "this dashboard for an account or for a sign-up link."
    )


class NotOfCompany(NoAccount):
    """Somebody had their account as one of a company, and has signed in as one of another."""

    message = _(
        "Your account here is for people of the company, and you have signed in to DingTalk as somebody of another "
        "one. Sign in again and choose the company. If you have left it, ask an administrator of this dashboard."
    )


class SignUpLinkOver(InviteError):  # noqa: N818
    """A sign-up link that makes no account."""

    message = _(
        "This sign-up link does not work: it has been used, withdrawn, or is too old. Ask whoever gave it to you for "
        "another one. If you have made your account with it already, sign in."
    )


class SignUpClosed(SignUpLinkOver):
    """A sign-up link that is in order, while the policy lets nobody sign up; ``by`` is who gave it out."""

    def __init__(self, *, by: str) -> None:
        text = _(
            "This sign-up link is in order, but nobody can make an account here at present. Ask %(name)s, who gave it "
            "to you, or another administrator of this dashboard: the link works again once they let people sign up."
        )
        super().__init__(text % {"name": by})


class IdentityTaken(InviteError):  # noqa: N818
    """A DingTalk account belongs to one account here."""

    message = _(
        "This DingTalk account is connected to another account here. Sign in with it, or disconnect it there first."
    )


class AnotherIdentity(InviteError):  # noqa: N818
    """An account here is connected to one DingTalk account."""

    message = _("Your account is connected to another DingTalk account. Disconnect that one first.")


class OnlyWayIn(InviteError):  # noqa: N818
    """Taken away, somebody could not sign in any more."""

    message = _("DingTalk is your only way to sign in. Set a password first, then you can disconnect it.")
