"""Getting an account: by a link, with a password or with DingTalk, once for each link."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from invites import enrolling
from invites.dingtalk import SignedInPerson
from invites.errors import InviteError, NoAccount, SignUpLinkOver
from invites.models import App, AuditEntry, SignInPolicy, SignUpLink, User
from invites.models.sign_in_policy import SignUp
from invites.models.user import Role
from tests.conftest import SignedIn
from tests.factories import UserFactory
from tests.invites.dingtalk_door import open_door, sign_in

PASSWORD = "four-words-to-keep"


def person(**known: str) -> SignedInPerson:
    facts = {"open_id": "open-1", "union_id": "union-1", "nick": "张 三", "corp_id": "corp-1"} | known
    return SignedInPerson(**facts)


@pytest.fixture
def policy(db: None) -> SignInPolicy:
    policy = SignInPolicy(sign_up=SignUp.BY_LINK)
    policy.save()
    return policy


@pytest.fixture
def token(administrator: User, policy: SignInPolicy) -> str:
    """That of a link for an auditor who may see numbers."""
    _link, token = enrolling.make_link(
        by=administrator, role=Role.AUDITOR, may_see_phone_numbers=True, email="New@Example.com"
    )
    return token


def typed(**changed: str) -> dict[str, str]:
    return {
        "username": "new",
        "first_name": "New Person",
        "password1": PASSWORD,
        "password2": PASSWORD,
    } | changed


class TestLink:
    def test_token_is_long_and_only_its_digest_is_kept(self, token: str) -> None:
        link = SignUpLink.objects.get()
        assert len(token) >= 43
        assert token not in repr(vars(link))
        assert token not in repr([entry.changes for entry in AuditEntry.objects.all()])

    @pytest.mark.parametrize(
        "over",
        [
            {"expires_at": timezone.now() - timedelta(seconds=1)},
            {"revoked_at": timezone.now()},
        ],
    )
    def test_link_that_is_over_makes_nobody(self, token: str, over: dict[str, Any]) -> None:
        SignUpLink.objects.update(**over)
        answer = Client().post(f"/join/{token}/", typed())
        assert answer.status_code == 410
        assert "does not work" in answer.content.decode()
        assert User.objects.count() == 1

    def test_token_that_was_never_given_out_looks_the_same(self, policy: SignInPolicy) -> None:
        assert Client().get("/join/made-up/").status_code == 410

    def test_policy_that_lets_nobody_in_closes_links_too(self, token: str, policy: SignInPolicy) -> None:
        policy.sign_up = SignUp.NOBODY
        policy.save()
        closed = Client().get(f"/join/{token}/")
        assert closed.status_code == 410
        # Why, and whom to ask: the link itself is in order, and works again.
        assert "nobody can make an account here at present" in closed.content.decode()
        assert SignUpLink.objects.get().made_by.display_name in closed.content.decode()
        assert Client().post(f"/join/{token}/", typed()).status_code == 410
        policy.sign_up = SignUp.BY_LINK
        policy.save()
        assert Client().get(f"/join/{token}/").status_code == 200

    def test_link_ends_with_the_office_of_whoever_made_it(self, token: str, administrator: User) -> None:
        administrator.role = Role.ORGANIZER
        administrator.save()
        with pytest.raises(SignUpLinkOver):
            enrolling.open_link(token)


class TestJoining:
    def test_page_says_who_invites_and_for_what(self, token: str, administrator: User) -> None:
        page = Client().get(f"/join/{token}/").content.decode()
        assert administrator.display_name in page
        assert "Auditor" in page
        assert "DingTalk" not in page

    def test_somebody_makes_their_account_and_is_in(self, token: str) -> None:
        client = Client()
        assert client.post(f"/join/{token}/", typed())["Location"] == "/"
        user = User.objects.get(username="new")
        assert client.session["_auth_user_id"] == str(user.pk)
        assert (user.role, user.may_see_phone_numbers) == (Role.AUDITOR, True)
        assert (user.email, user.first_name) == ("new@example.com", "New Person")
        link = SignUpLink.objects.get()
        assert link.used_by == user
        assert AuditEntry.objects.filter(additional_data={"what": "signed_in"}).count() == 1

    def test_link_works_once(self, token: str) -> None:
        Client().post(f"/join/{token}/", typed())
        assert Client().post(f"/join/{token}/", typed(username="second")).status_code == 410
        assert not User.objects.filter(username="second").exists()

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"username": "ORGANIZER"}, "username"),
            ({"username": "new@example.com"}, "username"),
            ({"username": "two words"}, "username"),
            ({"username": ""}, "username"),
            ({"first_name": ""}, "first_name"),
            ({"password1": "short", "password2": "short"}, "password2"),
            ({"password2": "another"}, "password2"),
        ],
    )
    def test_what_is_wrong_is_told_at_its_field(
        self, token: str, organizer: User, changed: dict[str, str], field: str
    ) -> None:
        answer = Client().post(f"/join/{token}/", typed(**changed))
        assert answer.status_code == 422
        assert set(answer.context["form"].errors) <= {field, "password1"}
        assert answer.context["form"].errors
        assert PASSWORD not in answer.content.decode()
        assert not SignUpLink.objects.get().used_at

    def test_who_is_signed_in_needs_no_account(
        self, token: str, organizer: User, signed_in: SignedIn
    ) -> None:
        assert signed_in(organizer).post(f"/join/{token}/", typed())["Location"] == "/"
        assert not SignUpLink.objects.get().used_at

    def test_form_needs_the_token_of_its_page(self, token: str) -> None:
        assert Client(enforce_csrf_checks=True).post(f"/join/{token}/", typed()).status_code == 403

    def test_somebody_joins_with_dingtalk(self, token: str, sandbox_app: App) -> None:
        open_door(sandbox_app, SignUp.BY_LINK)
        client = Client(SERVER_NAME="127.0.0.1")
        assert "Use my DingTalk account" in client.get(f"/join/{token}/").content.decode()
        assert sign_in(client, link=token)["Location"] == "/"
        user = User.objects.get(union_id="sandbox-person-21")
        assert (user.role, user.may_see_phone_numbers) == (Role.AUDITOR, True)
        assert not user.has_usable_password()
        assert SignUpLink.objects.get().used_by == user
        assert sign_in(Client(SERVER_NAME="127.0.0.1"), "sandbox-person-22", link=token).status_code == 403

    def test_link_is_no_secret_of_the_session(self, token: str, sandbox_app: App) -> None:
        open_door(sandbox_app, SignUp.BY_LINK)
        client = Client(SERVER_NAME="127.0.0.1")
        client.post("/sign-in/dingtalk/", {"link": token})
        assert token not in repr(dict(client.session))


class TestEnrolling:
    def test_username_is_the_name_or_the_next_that_is_free(self, policy: SignInPolicy) -> None:
        policy.sign_up, policy.corp_ids = SignUp.COMPANY, ["corp-1"]
        policy.save()
        UserFactory(username="SAM")
        made = [
            enrolling.enroll_with_dingtalk(person(nick=nick), link_digest="").username
            for nick in ("张 三", "张三", "Sam\r\nBcc: x", "sam", "🎧", "")
        ]
        assert made == ["张三", "张三2", "SamBccx", "sam2", "dingtalk", "dingtalk2"]
        assert not User.objects.filter(first_name__contains="\n").exists()

    @pytest.mark.parametrize("corp_id", ["", "corp-2"])
    def test_other_companies_stay_out(self, policy: SignInPolicy, corp_id: str) -> None:
        policy.sign_up, policy.corp_ids = SignUp.COMPANY, ["corp-1", ""]
        policy.save()
        with pytest.raises(NoAccount):
            enrolling.enroll_with_dingtalk(person(corp_id=corp_id), link_digest="")

    @pytest.mark.django_db(transaction=True)
    def test_two_presses_at_the_same_moment_make_one_account(self, token: str) -> None:
        outcomes: list[str] = []

        def press(username: str) -> None:
            try:
                enrolling.enroll_with_password(token, username=username, name="N", password=PASSWORD)
                outcomes.append("made")
            except InviteError:
                outcomes.append("refused")
            finally:
                connection.close()

        presses = [Thread(target=press, args=(f"new{number}",)) for number in range(2)]
        for each in presses:
            each.start()
        for each in presses:
            each.join()
        assert sorted(outcomes) == ["made", "refused"]
        assert User.objects.filter(username__startswith="new").count() == 1
