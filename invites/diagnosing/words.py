"""What each step of a test is for, and what refusals mean for whoever sets an app up. Data only."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites.dingtalk import calls, codes

type Words = tuple[StrOrPromise, StrOrPromise]

WHAT_FOR: Final[Mapping[str, StrOrPromise]] = {
    calls.GET_TOKEN: _("Get an access token"),
    calls.GET_CORP_TOKEN: _("Get an access token"),
    calls.QUERY_CONFERENCE_INFO: _("Read the facts of a meeting"),
    calls.QUERY_CONFERENCE_MEMBERS: _("Read who is in a meeting"),
    calls.QUERY_ONGOING: _("Find somebody’s running meetings"),
    calls.QUERY_BY_ROOM_CODE: _("Find a meeting by its number"),
    calls.CREATE_CONFERENCE: _("Create a meeting"),
    calls.INVITE_USERS: _("Invite people into a meeting"),
    calls.LOCK_CONFERENCE: _("Lock a meeting"),
    calls.CLOSE_CONFERENCE: _("End a meeting"),
    calls.GET_USER: _("Find out who is unknown"),
    calls.SEARCH_USER: _("Search the company directory"),
    calls.BATCH_GET_USER: _("Read people whom the directory found"),
    calls.LIST_USER_GROUPS: _("Read user groups"),
    calls.LIST_DEPARTMENTS: _("Read departments"),
    calls.LIST_PEOPLE: _("Read the people of a department"),
    "clock": _("Compare the clocks"),
}

PERMISSION: Final[Words] = (
    _("The app lacks a permission: %(scopes)s."),
    _(
        "In DingTalk’s developer console, open the app, then its permissions, look for %(scopes)s and request it. Then "
        "test again."
    ),
)

BY_CODE: Final[Mapping[str, Words]] = {
    "invalidClientIdOrSecret": (
        _("DingTalk does not know this client ID with this secret."),
        _(
            "Compare the client ID with the one among the app’s credentials in DingTalk’s developer console, and enter "
            "the secret again. If both are right, the app may belong to the other edition of DingTalk."
        ),
    ),
    "invalidSuiteKey": (
        _("DingTalk does not know this suite key with this secret."),
        _(
            "Compare the suite key with the one in DingTalk’s developer console, and enter the secret again. If both "
            "are right, the app may belong to the other edition of DingTalk."
        ),
    ),
    "invalidSuiteTicket": (
        _("The suite ticket is missing or outdated."),
        _(
            "Let events come through the Stream connection, which brings a new one every few hours, or enter the "
            "newest one here."
        ),
    ),
    "invalidAuthInfo": (
        _("The company has not authorised this app."),
        _("An administrator of the company opens the app in DingTalk and authorises it."),
    ),
    "invalidParameter.corporation.invalidAuthorizationCorporationId": (
        _("DingTalk does not know a company with this corp ID."),
        _("Compare the authorised corp ID with the one that DingTalk’s admin console shows."),
    ),
    **dict.fromkeys(
        ("InvalidAuthentication", "invalidAccessToken", "accesstoken.expired", "40014", "42001", "33001"),
        (
            _("The access token is not valid, or not any more."),
            _("Where it is a fixed one, enter a new one. Otherwise check that app and host belong together."),
        ),
    ),
    "Forbidden.AccessDenied.ApiCountLimitForOrg": (
        _("The organisation has used up its calls of this month."),
        _(
            "Ask DingTalk for more calls, or wait for the next month. What is exempt from the quota still works."
        ),
    ),
    "orgAccessForbidden": (
        _("DingTalk does not let this company use meetings through apps at present."),
        _("An administrator of the company asks DingTalk why it is restricted."),
    ),
    codes.HOST_NOT_ALLOWED: (
        _("The host of the app leads into a private network or to this machine, where no app is called."),
        _(
            "Check the host. Where that is meant, set DINGTALK_ALLOW_PRIVATE_HOSTS=1 in the environment of the server."
        ),
    ),
}
