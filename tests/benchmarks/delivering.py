"""What recording costs: our way from claim to finished record, beside the bare POST and as many bare commits."""

import time

import psycopg
from alibabacloud_dingtalk.conference_1_0 import models as sdk
from alibabacloud_dingtalk.conference_1_0.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions
from django.conf import settings
from django.db import connection

from invites.connecting import client_for
from invites.delivering import WORKER, attempt_next
from invites.dingtalk.sandbox import SANDBOX_FIXED_TOKEN, SandboxServer
from invites.models import App, Attempt, Conference, Invitation, Invitee
from invites.models.app import AppKind
from invites.models.invitee import Channel
from invites.sending import send
from tests.benchmarks.figures import Figure, milliseconds
from tests.factories import UserFactory

ROUNDS = 200
PEOPLE = 20
CONFERENCE = "5a9db0c000000000000000a1"
# The claim and the record.
COMMITS = 2


def measure(sandbox: SandboxServer) -> list[Figure]:
    """One invitation of 20 people, again and again, alternating with the bare way."""
    settings.DINGTALK_SANDBOX_URL = sandbox.base_url
    app = App.objects.create(name="bench", kind=AppKind.SANDBOX)
    user = UserFactory()
    conference = Conference.objects.create(app=app, owner=user, conference_id=CONFERENCE, title="Bench")
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    bare = psycopg.connect(
        **{k: v for k, v in parameters.items() if k in {"dbname", "user", "password", "host", "port"}}
    )
    bare.execute("CREATE TABLE bench_bare (id bigserial PRIMARY KEY, what text)")
    bare.commit()
    client = _sdk_client(sandbox)
    ours, theirs = [], []
    for number in range(ROUNDS):
        invitation = _sent(conference, user, number)
        ours.append(_our_way(invitation))
        theirs.append(_bare_way(client, bare, number))
    bare.close()
    our_median, our_high = milliseconds(ours)
    bare_median, _high = milliseconds(theirs)
    detail = f"(ours {our_median:.1f} ms, bare {bare_median:.1f} ms, {ROUNDS} rounds of {PEOPLE} people)"
    return [
        Figure(
            name="claim to record / bare POST and commits",
            value=our_median / bare_median,
            at_most=4,
            unit="×",
            detail=detail,
        ),
        Figure(name="claim to record, 95th percentile", value=our_high, at_most=40, unit="ms"),
    ]


def _sent(conference: Conference, user: object, number: int) -> Invitation:
    draft = Invitation.objects.create(conference=conference)
    Invitee.objects.bulk_create(
        Invitee(
            invitation=draft, position=n, channel=Channel.UNION_ID, value=f"bench{number}x{n}", nick=f"N {n}"
        )
        for n in range(PEOPLE)
    )
    return send(invitation=draft, revision=0, user=user)  # type: ignore[arg-type]


def _our_way(invitation: Invitation) -> float:
    client = client_for(invitation.conference.app)
    begun = time.perf_counter()
    attempt_next(invitation, client, policy=WORKER)
    took = time.perf_counter() - begun
    if Attempt.objects.get(invitation=invitation).state != "succeeded":
        raise AssertionError("the sandbox refused")
    return took


def _sdk_client(sandbox: SandboxServer) -> Client:
    config = Config(protocol="http")
    config.endpoint = sandbox.base_url.removeprefix("http://")
    return Client(config)


def _bare_way(client: Client, bare: psycopg.Connection, number: int) -> float:
    request = sdk.InviteUsersRequest(
        invitee_list=[
            sdk.InviteUsersRequestInviteeList(union_id=f"bench{number}x{n}", nick=f"N {n}")
            for n in range(PEOPLE)
        ]
    )
    headers = sdk.InviteUsersHeaders(x_acs_dingtalk_access_token=SANDBOX_FIXED_TOKEN)
    begun = time.perf_counter()
    bare.execute("INSERT INTO bench_bare (what) VALUES ('claimed')")
    bare.commit()
    answer = client.invite_users_with_options(CONFERENCE, request, headers, RuntimeOptions())
    bare.execute("UPDATE bench_bare SET what = 'done' WHERE id = (SELECT max(id) FROM bench_bare)")
    bare.commit()
    took = time.perf_counter() - begun
    if answer.body.success is not True:
        raise AssertionError("the sandbox refused")
    return took
