"""The vendor's SDK in short calls, and its way of reporting a refusal."""

from collections.abc import Callable

import pytest
from alibabacloud_dingtalk.conference_1_0 import models as conference
from alibabacloud_dingtalk.conference_1_0.client import Client as ConferenceClient
from alibabacloud_dingtalk.oauth2_1_0 import models as oauth2
from alibabacloud_dingtalk.oauth2_1_0.client import Client as TokenClient
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from Tea.exceptions import TeaException

from invites.dingtalk.sandbox import DEMO_ORGANIZER, SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET

RUNTIME = RuntimeOptions(connect_timeout=2000, read_timeout=5000)


def get_token(config: Config, *, secret: str = SANDBOX_CLIENT_SECRET) -> str:
    request = oauth2.GetAccessTokenRequest(app_key=SANDBOX_CLIENT_ID, app_secret=secret)
    body = TokenClient(config).get_access_token(request).body
    assert body.expire_in == 7200
    return str(body.access_token)


def invite(
    client: ConferenceClient, token: str, conference_id: str, *union_ids: str, **more: object
) -> object:
    request = conference.InviteUsersRequest(
        union_id=DEMO_ORGANIZER.union_id,
        invitee_list=[
            conference.InviteUsersRequestInviteeList(union_id=each, nick="人") for each in union_ids
        ],
        **more,
    )
    headers = conference.InviteUsersHeaders(x_acs_dingtalk_access_token=token)
    return client.invite_users_with_options(conference_id, request, headers, RUNTIME).body.success


def create(
    client: ConferenceClient, token: str, **fields: object
) -> conference.CreateVideoConferenceResponseBody:
    request = conference.CreateVideoConferenceRequest(user_id=DEMO_ORGANIZER.union_id, **fields)
    headers = conference.CreateVideoConferenceHeaders(x_acs_dingtalk_access_token=token)
    return client.create_video_conference_with_options(request, headers, RUNTIME).body


def info(
    client: ConferenceClient, token: str, conference_id: str
) -> conference.QueryConferenceInfoResponseBodyConfInfo:
    headers = conference.QueryConferenceInfoHeaders(x_acs_dingtalk_access_token=token)
    return client.query_conference_info_with_options(conference_id, headers, RUNTIME).body.conf_info


def members(
    client: ConferenceClient, token: str, conference_id: str, **paging: object
) -> conference.QueryConferenceMembersResponseBody:
    request = conference.QueryConferenceMembersRequest(**paging)
    headers = conference.QueryConferenceMembersHeaders(x_acs_dingtalk_access_token=token)
    return client.query_conference_members_with_options(conference_id, request, headers, RUNTIME).body


def close(client: ConferenceClient, token: str, conference_id: str, union_id: str) -> tuple[int, str]:
    request = conference.CloseVideoConferenceRequest(union_id=union_id)
    headers = conference.CloseVideoConferenceHeaders(x_acs_dingtalk_access_token=token)
    body = client.close_video_conference_with_options(conference_id, request, headers, RUNTIME).body
    return body.code, body.cause


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """The status and code with which the SDK reports a refusal."""
    with pytest.raises(TeaException) as caught:
        call()
    error = caught.value
    assert str(error.data["requestid"]) in error.message, "the request id must be where the SDK looks for it"
    return error.statusCode, error.code


def corp_token(config: Config, **other: str) -> str:
    fields = {
        "suite_key": "sandbox-suite-key",
        "suite_secret": "sandbox-suite-secret",
        "suite_ticket": "sandbox-suite-ticket",
        "auth_corp_id": "sandbox-corp-id",
    }
    request = oauth2.GetCorpAccessTokenRequest(**(fields | other))
    return str(TokenClient(config).get_corp_access_token(request).body.access_token)
