"""The API does what its description says, and stays on its feet, whatever it is sent: schemathesis makes it up.

`make fuzz` sends far more than `make test`.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from pytest_django import Settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from dashboard.wsgi import application
from invites.api.site import api
from invites.models import App, Conference, User
from invites.models.app import AppKind
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
    SentInvitationFactory,
)
from tests.invites.programs import token_of

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
CHECKS = [schemathesis.checks.not_a_server_error, status_code_conformance, response_schema_conformance]

pytestmark = pytest.mark.django_db

described = schemathesis.openapi.from_dict(api.get_openapi_schema(path_prefix="api/v1/"))
described.app = application


@pytest.fixture(autouse=True)
def connection_stays_open() -> Iterator[None]:
    """The transaction of a test is that of all the requests in it, as with Django's own client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def there(organizer: User, settings: Settings) -> dict[str, int]:
    """One of everything that an address may name, in an app whose host nobody listens at."""
    settings.LIMITS = dict.fromkeys(settings.LIMITS, (100000, 1))
    book = AddressBookFactory(owner=organizer)
    conference: Conference = SentInvitationFactory(
        conference__app=book.app, conference__owner=organizer
    ).conference
    person = InviteeFactory(invitation=conference.invitations.get(), state="invited")
    attempt = AttemptFactory(invitation=person.invitation, sent_to=[person])
    group = ContactGroupFactory(book=book)
    contact = ContactFactory(book=book)
    group.contacts.add(contact)
    assert App.objects.get().kind == AppKind.FIXED_TOKEN
    return {
        "book": book.pk,
        "conference": conference.pk,
        "contact": contact.pk,
        "invitation": person.invitation.pk,
        "attempt": attempt.pk,
    }


@described.parametrize()
@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[*HealthCheck],
    derandomize=True,
)
def test_it_answers_as_described(
    case: schemathesis.Case[Any], there: dict[str, int], organizer: User
) -> None:
    for name, value in (case.path_parameters or {}).items():
        # What is made up names nothing: every other time it is something that is there.
        if isinstance(value, int) and value % 2:
            case.path_parameters[name] = there[name]
    plain = {"Authorization": f"Bearer {token_of(organizer)}", "Accept-Encoding": "identity"}
    response = case.call(headers=plain)
    case.validate_response(response, checks=CHECKS)
