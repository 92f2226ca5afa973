"""A token that expires while several processes have it at hand."""

from collections.abc import Iterator

import pytest

from invites.delivering import WORKER, attempt_next
from invites.dingtalk import DingTalkClient, InternalApp
from invites.dingtalk.sandbox import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SandboxServer
from invites.models import Conference, User
from invites.token_store import DatabaseTokenStore, fingerprint
from tests.invites.test_delivering import sent, states

pytestmark = pytest.mark.django_db(transaction=True)


def process(sandbox: SandboxServer) -> DingTalkClient:
    """What a process of its own would call with: it shares the token of the sandbox's app, and remembers it."""
    store = DatabaseTokenStore(fingerprint(sandbox.base_url, SANDBOX_CLIENT_ID, "", SANDBOX_CLIENT_SECRET))
    app = InternalApp(client_id=SANDBOX_CLIENT_ID, client_secret=SANDBOX_CLIENT_SECRET)
    return DingTalkClient(base_url=sandbox.base_url, tokens=app, token_store=store)


@pytest.fixture
def processes(sandbox: SandboxServer) -> Iterator[tuple[DingTalkClient, DingTalkClient]]:
    with process(sandbox) as one, process(sandbox) as other:
        yield one, other


class TestTokenThatExpires:
    def test_batch_that_one_process_puts_back_is_not_refused_for_the_token_that_the_next_remembers(
        self,
        processes: tuple[DingTalkClient, DingTalkClient],
        sandbox: SandboxServer,
        conference: Conference,
        organizer: User,
    ) -> None:
        for value, client in zip(("abc123", "def456"), processes, strict=True):
            attempt_next(sent(conference, organizer, value), client, policy=WORKER)
        sandbox.expire_tokens()
        invitation = sent(conference, organizer, "ghi789")
        for client in processes:
            attempt_next(invitation, client, policy=WORKER)
        assert states(invitation) == {"ghi789": "invited"}
        assert [post.status for post in sandbox.invitations[-2:]] == [401, 200]
