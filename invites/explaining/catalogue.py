"""What every known error code means, as data. Must not decide which entry a code belongs to.

The texts are for somebody whose meeting has already begun: one sentence each, and always whether somebody may
have been called.
"""

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites.dingtalk import codes


class Mover(TextChoices):
    """Whose move it is."""

    YOU = "you", _("You")
    ADMINISTRATOR = "administrator", _("An administrator")
    NOBODY = "nobody", _("Nobody: it goes on by itself")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known about some codes that mean the same; the first one names the entry.

    `action` is for when nothing more happens by itself; `meanwhile` says what happens by itself before that, and
    is empty where nothing does. `alone` says what happened where the call was for one person, if that can be said
    more plainly then.
    """

    codes: tuple[str, ...]
    mover: Mover
    what: StrOrPromise
    action: StrOrPromise
    meanwhile: StrOrPromise = ""
    alone: StrOrPromise = ""

    @property
    def first_mover(self) -> Mover:
        """Whose move it is at first."""
        return Mover.NOBODY if self.meanwhile else self.mover

    @property
    def words(self) -> str:
        """All that can be read of it, in the language of the moment and without capitals, for a search."""
        return "\n".join((*self.codes, str(self.what), str(self.action), str(self.meanwhile))).casefold()


# Codes that the product gives itself beside those of the client: the process that made the call ended before it
# could write down the answer; the app was switched off or has no credentials; no worker ran for too long; the
# command's time was used up; somebody called the invitation off; the meeting was locked; an address book said
# "do not invite".
PROCESS_DIED = "processDied"
APP_UNAVAILABLE = "appUnavailable"
TOO_LATE = "tooLate"
TIME_IS_UP = "timeIsUp"
CANCELLED = "cancelled"
# The directory said so; DingTalk itself only says that somebody in the call is unknown.
UNKNOWN_OPERATOR = "unknownOperator"
CONFERENCE_LOCKED = "conferenceLocked"
DO_NOT_INVITE = "doNotInvite"
# The directory holds back people of a part that an address book follows, so that nobody can be said to have left.
DIRECTORY_INCOMPLETE = "directoryIncomplete"
DIRECTORY_TOO_LARGE = "directoryTooLarge"
DIRECTORY_NOT_ALLOWED = "directoryNotAllowed"

PER_SECOND = "Forbidden.AccessDenied.QpsLimitForApi"
PER_MINUTE = "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"

_DECIDE = _(
    "Look at who has joined the conference, then decide whether to invite the others again: "
    "a phone that has rung already may ring a second time."
)
_AGAIN_SOON = _("Wait a minute, then invite these people again.")
_TRIED_AGAIN = _("The call is repeated by itself, with growing pauses, for a few minutes at most.")
_CHECK_CREDENTIALS = _(
    "An administrator enters the credentials of the app again in the settings, and checks that its host belongs to "
    "the same edition of DingTalk."
)

UNKNOWN_CODE = Entry(
    codes=("unknown",),
    mover=Mover.YOU,
    what=_("DingTalk answered with a code that we do not know, so some people may have been called."),
    action=_(
        "Read DingTalk's own message and look at who has joined before you invite anybody again; "
        "an administrator can pass the message on to DingTalk's support."
    ),
)

_PEOPLE_AND_CONFERENCE = (
    Entry(
        codes=("unknownUserError",),
        mover=Mover.YOU,
        what=_(
            "DingTalk does not know one of the people in this call and does not say whom; nobody was called."
        ),
        alone=_("DingTalk does not know this person, so they were not called."),
        action=_(
            "Check the person's unionId, which must come from this DingTalk app, or invite them by phone number."
        ),
        meanwhile=_(
            "DingTalk's directory is asked who it is, or the same people are tried again in smaller calls until the "
            "unknown person stands alone, so that the others are not kept waiting."
        ),
    ),
    Entry(
        codes=(UNKNOWN_OPERATOR,),
        mover=Mover.YOU,
        what=_(
            "DingTalk does not know the operator in whose name these people were to be called, so they were not called."
        ),
        action=_(
            "Correct your unionId in your account, which must come from this DingTalk app, then invite these people "
            "again."
        ),
    ),
    Entry(
        codes=("paramsError", "paramError"),
        mover=Mover.YOU,
        what=_(
            "DingTalk could not use what was sent, most often because the conferenceId or a unionId is wrong; "
            "nobody was called."
        ),
        action=_(
            "Read DingTalk's own message, check the conferenceId and the unionIds (yours too), then invite again."
        ),
    ),
    Entry(
        codes=("confClosed",),
        mover=Mover.YOU,
        what=_("The conference has ended, so nobody was called."),
        action=_("Start a new conference, or add the one that runs now, and invite the same people into it."),
    ),
    Entry(
        codes=("resourceClose", "conference.not.found"),
        mover=Mover.YOU,
        what=_(
            "The conference is over, or the person who created it is not of the app's organisation; nobody was called."
        ),
        action=_(
            "Check that you chose the right conference and that it still runs; otherwise start a new one."
        ),
    ),
    Entry(
        codes=("roomNotFound", "missingRoomId"),
        mover=Mover.YOU,
        what=_("DingTalk finds no conference under this number or id; nobody was called."),
        action=_("Check the meeting number or the conferenceId for typing mistakes."),
    ),
    Entry(
        codes=("waterLimitError",),
        mover=Mover.YOU,
        what=_(
            "There would be more people than DingTalk admits to one conference at a time; nobody was called."
        ),
        action=_(
            "Invite fewer people, or ask an administrator whether a bigger edition of DingTalk is available."
        ),
    ),
    Entry(
        codes=("paramsTitleError",),
        mover=Mover.YOU,
        what=_("DingTalk did not accept the title, so no conference was created and nobody was called."),
        action=_("Choose a plainer title of at most 50 characters."),
    ),
    Entry(
        codes=("permissionError", "noPermission"),
        mover=Mover.YOU,
        what=_("The person in whose name we asked may not do this in DingTalk; nobody was called."),
        action=_("Check your unionId on your account page, or ask the creator of the conference to do it."),
    ),
    Entry(
        codes=(codes.NOT_SUCCESSFUL,),
        mover=Mover.YOU,
        what=_(
            "DingTalk answered that the call did not succeed and gave no reason; nobody should have been called."
        ),
        action=_("Check that the conference is still running, then invite these people again."),
    ),
    Entry(
        codes=("http_4xx", "http_400", "http_403", "http_413"),
        mover=Mover.ADMINISTRATOR,
        what=_("DingTalk refused the call without a code that says why; nobody was called."),
        action=_(
            "Try once more; if it happens again, an administrator checks the app and its host in the settings."
        ),
    ),
)

_APP = (
    Entry(
        codes=(
            "InvalidAuthentication",
            "invalidAccessToken",
            "accesstoken.expired",
            "33001",
            "40014",
            "42001",
            "http_401",
        ),
        mover=Mover.ADMINISTRATOR,
        what=_("The access token of the app had expired or was not known to DingTalk; nobody was called."),
        action=_(
            "An administrator checks the app in the settings: its credentials, or its fixed token, "
            "which has to be replaced when it expires."
        ),
        meanwhile=_("A fresh token is fetched and the call is repeated once."),
    ),
    Entry(
        codes=(
            "Forbidden.AccessDenied.AccessTokenPermissionDenied",
            "permissions.error",
            "apiPermissionDenied",
            "60011",
        ),
        mover=Mover.ADMINISTRATOR,
        what=_("The app does not have the permission that this call needs; nobody was called."),
        action=_(
            "An administrator grants the app the permission that DingTalk's message names "
            "(for invitations “VideoConference.Conference.Write”) in DingTalk's developer console."
        ),
    ),
    Entry(
        codes=("Forbidden.AccessDenied.IpNotInWhiteList", "60020"),
        mover=Mover.ADMINISTRATOR,
        what=_("The address of this server is not on the app's allow list; nobody was called."),
        action=_(
            "An administrator adds the address of this server to the app in DingTalk's developer console."
        ),
    ),
    Entry(
        codes=("50004", "50002", DIRECTORY_INCOMPLETE),
        mover=Mover.ADMINISTRATOR,
        what=_("The directory does not show all of these people to the app; nobody was called."),
        action=_(
            "An administrator widens what the app may see of the company's contacts in DingTalk's developer console."
        ),
    ),
    Entry(
        codes=(DIRECTORY_NOT_ALLOWED,),
        mover=Mover.YOU,
        what=_(
            "Whoever wanted the directory to be read by itself may not change the book any more; nobody was called."
        ),
        action=_("Set once more how often it is read; it is then read on your behalf."),
    ),
    Entry(
        codes=(DIRECTORY_TOO_LARGE,),
        mover=Mover.YOU,
        what=_("There are too many people in this part of the directory; nobody was called."),
        action=_("Choose a smaller part of the directory to follow."),
    ),
    Entry(
        codes=("60003",),
        mover=Mover.YOU,
        what=_("This department is no longer in the directory; nobody was called."),
        action=_("Choose another part of the directory to follow."),
    ),
    Entry(
        codes=("Forbidden.AccessDenied.ApiCountLimitForOrg",),
        mover=Mover.ADMINISTRATOR,
        what=_("The calls that DingTalk grants the organisation each month are used up; nobody was called."),
        action=_(
            "An administrator can move to a bigger edition of DingTalk; otherwise calls are possible again next "
            "month, and until then people can be invited inside DingTalk itself."
        ),
    ),
    Entry(
        codes=("orgAccessForbidden",),
        mover=Mover.ADMINISTRATOR,
        what=_(
            "DingTalk does not let this organisation create conferences through an app; nobody was called."
        ),
        action=_("An administrator of the organisation asks DingTalk to lift the restriction."),
    ),
    Entry(
        codes=("invalidClientIdOrSecret",),
        mover=Mover.ADMINISTRATOR,
        what=_("DingTalk does not accept the client id or the secret of the app; nobody was called."),
        action=_CHECK_CREDENTIALS,
    ),
    Entry(
        codes=("invalidSuiteKey",),
        mover=Mover.ADMINISTRATOR,
        what=_("DingTalk does not accept the suite key or the suite secret of the app; nobody was called."),
        action=_CHECK_CREDENTIALS,
    ),
    Entry(
        codes=("invalidSuiteTicket",),
        mover=Mover.ADMINISTRATOR,
        what=_("The suite ticket of the app is wrong or too old; nobody was called."),
        action=_(
            "An administrator enters the newest suite ticket in the settings; DingTalk issues one every five hours."
        ),
    ),
    Entry(
        codes=("invalidAuthInfo", "invalidParameter.corporation.invalidAuthorizationCorporationId"),
        mover=Mover.ADMINISTRATOR,
        what=_("The company has not authorised the app, or its corp id is wrong; nobody was called."),
        action=_(
            "An administrator has the company authorise the app, and checks the corp id in the settings."
        ),
    ),
    Entry(
        codes=(APP_UNAVAILABLE,),
        mover=Mover.ADMINISTRATOR,
        what=_("The DingTalk app is switched off or has no credentials at present, so nobody was called."),
        action=_("An administrator sets up the app in the settings; then invite these people again."),
    ),
    Entry(
        codes=("http_404",),
        mover=Mover.ADMINISTRATOR,
        what=_(
            "The server that answered does not know this call, so it is probably not DingTalk; nobody was called."
        ),
        action=_("An administrator checks the host of the app in the settings."),
    ),
    Entry(
        codes=(codes.TOKEN_UNAVAILABLE,),
        mover=Mover.ADMINISTRATOR,
        what=_(
            "No access token could be had from DingTalk in time, so nothing was sent and nobody was called."
        ),
        action=_(
            "Invite these people again in a minute; if it keeps happening, an administrator checks the app and the "
            "network of the server."
        ),
        meanwhile=_TRIED_AGAIN,
    ),
)

_RATE_AND_NETWORK = (
    Entry(
        codes=(
            PER_SECOND,
            "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
            "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi",
            "qps.exceed.limit",
            "system.busy",
            "systemBusy",
            "http_429",
            *(str(number) for number in range(90001, 90019)),
        ),
        mover=Mover.YOU,
        what=_("DingTalk gets too many calls at the moment and turned this one away; nobody was called."),
        action=_AGAIN_SOON,
        meanwhile=_TRIED_AGAIN,
    ),
    Entry(
        codes=(PER_MINUTE, "Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi"),
        mover=Mover.YOU,
        what=_("The app has made as many calls in this minute as DingTalk allows; nobody was called."),
        action=_AGAIN_SOON,
        meanwhile=_("The call is repeated by itself, about a minute later."),
    ),
    Entry(
        codes=(codes.ADDRESS_SHUT_OUT,),
        mover=Mover.YOU,
        what=_(
            "DingTalk does not answer this server for five minutes, after too many calls; nobody was called."
        ),
        action=_("Wait five minutes, then invite these people again."),
        meanwhile=_("All calls rest for five minutes, then this one is repeated by itself."),
    ),
    Entry(
        codes=(codes.NOT_CONNECTED, codes.CONNECT_TIMEOUT),
        mover=Mover.ADMINISTRATOR,
        what=_("DingTalk could not be reached over the network, so nothing was sent and nobody was called."),
        action=_(
            "Invite these people again in a minute; if it keeps happening, an administrator checks the network of "
            "the server and the host of the app."
        ),
        meanwhile=_TRIED_AGAIN,
    ),
    Entry(
        codes=(codes.HOST_NOT_ALLOWED,),
        mover=Mover.ADMINISTRATOR,
        what=_(
            "The host of the app leads into a private network, where this server does not call, so nothing was sent "
            "and nobody was called."
        ),
        action=_(
            "An administrator checks the host of the app. Where it is meant to be there, DINGTALK_ALLOW_PRIVATE_HOSTS "
            "in the environment of the server allows it."
        ),
        meanwhile=_TRIED_AGAIN,
    ),
    Entry(
        codes=(codes.NO_FREE_CONNECTION, codes.NO_TIME_LEFT),
        mover=Mover.YOU,
        what=_(
            "This server was too busy to make the call in time, so nothing was sent and nobody was called."
        ),
        action=_AGAIN_SOON,
        meanwhile=_TRIED_AGAIN,
    ),
    Entry(
        codes=(TOO_LATE,),
        mover=Mover.YOU,
        what=_(
            "This server did not get round to these people for so long that they were not called any more."
        ),
        action=_(
            "If the conference still runs, invite these people again; if it keeps happening, an administrator checks "
            "that a worker is running."
        ),
    ),
    Entry(
        codes=(TIME_IS_UP,),
        mover=Mover.YOU,
        what=_("The command's time was used up before these people's turn came, so they were not called."),
        action=_("Invite these people again, here or with the command."),
    ),
    Entry(
        codes=(CONFERENCE_LOCKED,),
        mover=Mover.YOU,
        what=_("The meeting was locked before these people's turn came, so they were not called."),
        action=_("Unlock the meeting on its page, then invite these people again."),
    ),
    Entry(
        codes=(DO_NOT_INVITE,),
        mover=Mover.YOU,
        what=_("These people are marked “do not invite” in an address book, so they were not called."),
        alone=_("This person is marked “do not invite” in an address book, so they were not called."),
        action=_(
            "Leave it at that. If they should come all the same, add them to the list by name and press "
            "“Invite anyway”."
        ),
    ),
    Entry(
        codes=(CANCELLED,),
        mover=Mover.YOU,
        what=_("The invitation was cancelled before these people's turn came, so they were not called."),
        action=_("Invite these people again if they should come after all."),
    ),
)

_MAY_HAVE_RUNG = (
    Entry(
        codes=("systemError",),
        mover=Mover.YOU,
        what=_("DingTalk had a fault of its own during the call; some people may have been called."),
        action=_DECIDE,
    ),
    Entry(
        codes=(codes.READ_TIMEOUT, codes.DEADLINE),
        mover=Mover.YOU,
        what=_("The call was made, but DingTalk did not answer in time; people may have been called."),
        action=_DECIDE,
    ),
    Entry(
        codes=(codes.CONNECTION_LOST,),
        mover=Mover.YOU,
        what=_(
            "The call was made, but the connection broke before the answer came; people may have been called."
        ),
        action=_DECIDE,
    ),
    Entry(
        codes=(codes.UNREADABLE_ANSWER, codes.ANSWER_TOO_LARGE, codes.REDIRECTED, "http_other", "http_204"),
        mover=Mover.YOU,
        what=_("The call was made, but the answer says neither yes nor no; people may have been called."),
        action=_DECIDE,
    ),
    Entry(
        codes=("http_5xx", "http_500", "http_502", "http_503", "http_504"),
        mover=Mover.YOU,
        what=_("A server on the way to DingTalk failed during the call; people may have been called."),
        action=_DECIDE,
    ),
    Entry(
        codes=(PROCESS_DIED,),
        mover=Mover.YOU,
        what=_(
            "This server stopped in the middle of the call, before it saw the answer; people may have been called."
        ),
        action=_DECIDE,
    ),
)

CATALOGUE: tuple[Entry, ...] = (
    *_PEOPLE_AND_CONFERENCE,
    *_MAY_HAVE_RUNG,
    *_APP,
    *_RATE_AND_NETWORK,
    UNKNOWN_CODE,
)
"""Every explanation, in the order in which a person reads them."""
