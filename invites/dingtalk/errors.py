"""What can go wrong in a call to DingTalk, and what each failure means for the people of the call.

Must not know which code leads to which class (`codes`) nor how an answer is read (`judging`).

    DingTalkError                       may have rung / worth retrying
    ├── NotSent                         no  / yes   never left: no connection, no time left
    │   └── TokenUnavailable            no  / yes   the call to invite was not made for want of a token
    ├── OutcomeUnknown                  yes / a person decides   left, and no answer that says yes or no
    │   └── UnreadableAnswer            yes / a person decides   an answer came, but not one of the API's
    └── Refused                         no  / no    an answer that says no
        ├── UnknownPerson               no  / no    somebody in the call cannot be identified
        ├── WrongParameters             no  / no    the call as a whole is wrong, or carries too many people
        ├── ConferenceOver              no  / no    the conference has ended
        ├── QuotaExhausted              no  / no    the organisation's calls of this month are used up
        ├── Broken                      yes / a person decides   an error of DingTalk's own, with a code
        ├── NotAuthorised               no  / after repair       permission, address or credentials
        │   └── StaleToken              no  / once, if a fresh token can be had
        └── Throttled                   no  / yes   too many calls
            └── AddressShutOut          no  / yes   this address is shut out, whatever it asks

No error holds a request, a header or a token, and none is chained to an exception of the HTTP
library: those reach the request and with it the token.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Required, TypedDict, Unpack


class About(StrEnum):
    """Whom or what a failure concerns, and so what should stop or be looked at."""

    CALL = "call"
    PERSON = "person"
    APP = "app"
    RATE = "rate"
    ORGANISATION = "organisation"
    ADDRESS = "address"
    CONFERENCE = "conference"


class Facts(TypedDict, total=False):
    """What every error is told when it is made."""

    message: Required[str]
    code: Required[str]
    request_id: str
    http_status: int | None
    body: str
    required_scopes: Iterable[str]


class DingTalkError(Exception):
    """A call that did not succeed.

    `may_have_rung` says whether somebody's phone can have rung. `worth_retrying` says whether the same
    call may be repeated without asking a person; it is never true where somebody may have been rung.
    `left` says whether the call itself left this machine: it did not where there was no token for it.
    `body` is an excerpt of the answer, free of tokens, as is `message`; `request_id` is empty where
    DingTalk gave none, `http_status` None where no answer came.
    """

    may_have_rung: bool = True
    worth_retrying: bool = False
    left: bool = True
    about: About = About.CALL

    def __init__(self, **facts: Unpack[Facts]) -> None:
        super().__init__(facts["message"])
        self.message = facts["message"]
        self.code = facts["code"]
        self.request_id = facts.get("request_id", "")
        self.http_status = facts.get("http_status")
        self.body = facts.get("body", "")
        self.required_scopes = tuple(facts.get("required_scopes", ()))

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class NotSent(DingTalkError):  # noqa: N818 - named for what happened
    """Nothing left this machine: no connection, or no time left to make the call."""

    may_have_rung = False
    worth_retrying = True
    left = False


class TokenUnavailable(NotSent):
    """No access token could be had in time, so the call itself was never made."""


class OutcomeUnknown(DingTalkError):  # noqa: N818 - named for what happened
    """The request left and nothing came back that says yes or no."""


class UnreadableAnswer(OutcomeUnknown):
    """An answer came that is none of the API's: HTML, cut JSON, JSON of another shape."""


class Refused(DingTalkError):  # noqa: N818 - named for what happened
    """DingTalk answered no."""

    may_have_rung = False


class UnknownPerson(Refused):
    """Somebody in the call cannot be identified; DingTalk does not say who."""

    about = About.PERSON


class WrongParameters(Refused):
    """The call as a whole does not suit DingTalk: something it is told, or how many people it carries."""


class ConferenceOver(Refused):
    """The conference has ended, or was never one of this organisation."""

    about = About.CONFERENCE


class QuotaExhausted(Refused):
    """The organisation has used up its calls of this month."""

    about = About.ORGANISATION


class Broken(Refused):
    """DingTalk failed on its own side and said so with a code; some people may have been called."""

    may_have_rung = True


class NotAuthorised(Refused):
    """The app may not do this: a permission, an allowed address or right credentials are missing."""

    about = About.APP


class StaleToken(NotAuthorised):
    """The access token has expired or is unknown. `refreshable`: another one can be fetched."""

    worth_retrying = True
    about = About.CALL

    def __init__(self, *, refreshable: bool = True, **facts: Unpack[Facts]) -> None:
        super().__init__(**facts)
        self.refreshable = refreshable
        self.worth_retrying = refreshable


class Throttled(Refused):
    """Too many calls; refused at the gateway, so nothing happened.

    `retry_after` is what DingTalk asked for, in seconds, if it did. `rest` is the pause in seconds that
    the documentation of the code suggests before the first repetition, or `retry_after` if that is longer.
    """

    worth_retrying = True
    about = About.RATE

    def __init__(
        self, *, retry_after: float | None = None, rest: float = 1.0, **facts: Unpack[Facts]
    ) -> None:
        super().__init__(**facts)
        self.retry_after = retry_after
        self.rest = max(rest, retry_after or 0.0)


class AddressShutOut(Throttled):
    """This address has made too many calls over everything; DingTalk answers none for five minutes."""

    about = About.ADDRESS
