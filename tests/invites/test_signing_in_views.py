"""Signing in and out, and one's password, as a browser sees it."""

import re
from typing import ClassVar

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from invites import demo, tokens
from invites.guarding import DEMO_PASSWORD
from invites.models import App, AuditEntry, User
from invites.models.app import AppKind
from invites.signing_in import resetting
from tests.conftest import SignedIn
from tests.factories import PASSWORD, AppFactory, UserFactory
from tests.invites.programs import token_of

NEW_PASSWORD = "four-words-to-keep"


class CountingHasher(MD5PasswordHasher):
    """Counts how often a password was worked on, which is what takes long with any other."""

    times = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).times += 1
        return super().encode(password, salt)


class TestSignIn:
    """The form that opens the door."""

    def test_fresh_installation_says_how_the_first_administrator_is_made(self, db: None) -> None:
        assert "python manage.py createsuperuser" in Client().get("/sign-in/").content.decode()

    def test_hint_goes_once_somebody_can_sign_in(self, organizer: User) -> None:
        assert "createsuperuser" not in Client().get("/sign-in/").content.decode()

    def test_wrong_password_says_so_and_keeps_the_name(self, organizer: User) -> None:
        response = Client().post("/sign-in/", {"login": "organizer", "password": "not-the-password"})
        body = response.content.decode()
        assert response.status_code == 422
        assert "data-error-summary" in body
        assert 'value="organizer"' in body
        assert "not-the-password" not in body

    def test_signing_in_goes_where_one_wanted_to_go(self, organizer: User) -> None:
        client = Client()
        assert (
            'name="next" value="/books/?q=a"'
            in client.get("/sign-in/", {"next": "/books/?q=a"}).content.decode()
        )
        data = {"login": "organizer", "password": PASSWORD, "next": "/books/?q=a"}
        assert client.post("/sign-in/", data)["Location"] == "/books/?q=a"

    def test_signing_in_never_leaves_the_site(self, organizer: User) -> None:
        data = {"login": "organizer", "password": PASSWORD, "next": "https://elsewhere.example/"}
        assert Client().post("/sign-in/", data)["Location"] == "/"

    @pytest.mark.parametrize(
        "target",
        [
            "//evil.example",
            r"\\evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "http://other.example/",
        ],
    )
    def test_no_spelling_of_another_site_leads_there(
        self, organizer: User, settings: Settings, target: str
    ) -> None:
        settings.ALLOWED_HOSTS = ["testserver", "other.example"]
        data = {"login": "organizer", "password": PASSWORD, "next": target}
        assert Client().post("/sign-in/", data)["Location"] == "/"

    def test_mail_address_is_a_name_too(self, db: None) -> None:
        UserFactory(username="ada", email="Ada@example.com")
        client = Client()
        assert client.post("/sign-in/", {"login": "ada@Example.com", "password": PASSWORD}).status_code == 302
        UserFactory(username="grace@example.com")
        assert (
            Client().post("/sign-in/", {"login": "grace@example.com", "password": PASSWORD}).status_code
            == 302
        )

    def test_names_that_differ_in_capitals_alone_are_two_people(self, db: None) -> None:
        for name in ("Ada", "ADA"):
            user = UserFactory(username=name)
            client = Client()
            client.post("/sign-in/", {"login": name, "password": PASSWORD})
            assert client.session["_auth_user_id"] == str(user.pk)

    @pytest.mark.parametrize("login", ["organizer", "nobody", "nobody@example.com", "boss@example.com"])
    def test_refusal_does_not_tell_who_has_an_account(self, organizer: User, login: str) -> None:
        UserFactory(email="boss@example.com")
        answer = Client().post("/sign-in/", {"login": login, "password": "wrong"}).content.decode()
        assert "This name and this password do not belong together." in answer

    @pytest.mark.parametrize("login", ["organizer", "nobody", "nobody@example.com", "boss@example.com"])
    def test_refusal_takes_as_long_whoever_has_an_account(
        self, organizer: User, settings: Settings, login: str
    ) -> None:
        UserFactory(username="boss@example.com", email="boss@example.com")
        settings.PASSWORD_HASHERS = ["tests.invites.test_signing_in_views.CountingHasher"]
        CountingHasher.times = 0
        Client().post("/sign-in/", {"login": login, "password": "wrong"})
        assert CountingHasher.times == 1

    def test_who_was_barred_is_told_so_only_with_the_right_password(self, db: None) -> None:
        UserFactory(username="gone", is_active=False)
        wrong = Client().post("/sign-in/", {"login": "gone", "password": "wrong"})
        assert "do not belong together" in wrong.content.decode()
        client = Client()
        right = client.post("/sign-in/", {"login": "gone", "password": PASSWORD})
        assert (right.status_code, "_auth_user_id" in client.session) == (403, False)
        assert "switched off" in right.content.decode()

    def test_session_of_before_is_worth_nothing_afterwards(self, organizer: User, settings: Settings) -> None:
        client = Client()
        client.get("/sign-in/", {"next": "/books/"})
        client.session.save()
        before = client.session.session_key
        client.cookies[settings.SESSION_COOKIE_NAME] = str(before)
        client.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
        assert client.cookies[settings.SESSION_COOKIE_NAME].value != before

    @pytest.mark.parametrize("login", ["ada", "ADA", "ada@example.com", "Ada@Example.com"])
    def test_failed_sign_in_by_any_name_of_an_account_is_on_record(self, db: None, login: str) -> None:
        user = UserFactory(username="ada", email="ada@example.com")
        Client().post("/sign-in/", {"login": login, "password": "wrong"})
        (entry,) = AuditEntry.objects.filter(additional_data={"what": "sign_in_failed"})
        assert entry.object_id == user.pk

    def test_failed_sign_in_is_put_down_to_nobody_where_two_may_be_meant(self, db: None) -> None:
        exactly = UserFactory(username="Ada")
        UserFactory(username="ADA")
        for login in ("ada", "Ada"):
            Client().post("/sign-in/", {"login": login, "password": "wrong"})
        (entry,) = AuditEntry.objects.filter(additional_data={"what": "sign_in_failed"})
        assert entry.object_id == exactly.pk

    def test_who_is_signed_in_goes_home(self, organizer: User, signed_in: SignedIn) -> None:
        assert signed_in(organizer).get("/sign-in/")["Location"] == "/"

    @pytest.mark.parametrize(("sandbox_url", "offered"), [("http://127.0.0.1:9", True), ("", False)])
    def test_demonstration_is_offered_beside_a_sandbox_alone(
        self, db: None, settings: Settings, sandbox_url: str, offered: bool
    ) -> None:
        settings.DINGTALK_SANDBOX_URL = sandbox_url
        UserFactory(username="demo")
        assert (DEMO_PASSWORD in Client().get("/sign-in/").content.decode()) is offered
        AppFactory(kind=AppKind.INTERNAL)
        assert DEMO_PASSWORD not in Client().get("/sign-in/").content.decode()

    def test_password_of_the_demonstration_opens_nothing_beside_a_real_app(
        self, db: None, settings: Settings
    ) -> None:
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:9"
        demo.load()
        typed = {"login": "demo", "password": DEMO_PASSWORD}
        # Added elsewhere, or by whoever then let the demonstration's users in again.
        app = AppFactory(kind=AppKind.INTERNAL, base_url="http://127.0.0.1:8765")
        assert Client().post("/sign-in/", typed).status_code == 422
        App.objects.filter(pk=app.pk).update(enabled=False)
        assert Client().post("/sign-in/", typed).status_code == 302

    def test_signing_out_takes_a_press(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        assert client.get("/sign-out/").status_code == 405
        assert client.post("/sign-out/")["Location"] == "/sign-in/"
        assert client.get("/").status_code == 302


class TestPassword:
    """A new password for oneself."""

    DATA: ClassVar[dict[str, str]] = {
        "oldpassword": PASSWORD,
        "password1": "four-words-to-keep",
        "password2": "four-words-to-keep",
    }

    def test_change_is_confirmed_and_keeps_one_signed_in(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        assert client.post("/password/", self.DATA)["Location"] == "/"
        assert "Your password has been changed." in client.get("/").content.decode()
        organizer.refresh_from_db()
        assert organizer.check_password("four-words-to-keep")

    @pytest.mark.parametrize(("ticked", "opens"), [({"revoke_tokens": "on"}, False), ({}, True)])
    def test_tokens_end_with_it_where_that_is_wished(
        self, organizer: User, signed_in: SignedIn, ticked: dict[str, str], opens: bool
    ) -> None:
        client = signed_in(organizer)
        assert "revoke_tokens" not in client.get("/password/").content.decode()
        token = token_of(organizer)
        page = client.get("/password/").content.decode()
        assert re.search(r'<input[^>]*name="revoke_tokens"[^>]*checked', page)
        client.post("/password/", self.DATA | ticked)
        assert (tokens.find(token) is not None) is opens
        assert ("1 token for programs is revoked." in client.get("/").content.decode()) is not opens

    def test_wrong_old_password_is_told_at_its_field(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).post("/password/", self.DATA | {"oldpassword": "no"})
        assert response.status_code == 422
        assert 'id="id_oldpassword_error"' in response.content.decode()

    def test_rules_for_passwords_are_a_list(self, organizer: User, signed_in: SignedIn) -> None:
        assert "<ul><li>Your password" in signed_in(organizer).get("/password/").content.decode()

    def test_anonymous_visitor_is_asked_to_sign_in(self, db: None) -> None:
        assert Client().get("/password/")["Location"] == "/sign-in/?next=/password/"

    def test_who_has_none_is_led_to_setting_one(self, db: None, signed_in: SignedIn) -> None:
        user = UserFactory(username="only-dingtalk")
        user.set_unusable_password()
        user.save()
        client = signed_in(user)
        assert client.get("/password/")["Location"] == "/password/set/"
        # Some time after the sign-in it takes another one, and says so.
        late = client.get("/password/set/")
        assert (late.status_code, "sign in again" in late.content.decode()) == (409, True)


class TestForgottenPassword:
    """A link by mail, and what it opens."""

    @pytest.fixture(autouse=True)
    def mail_is_set_up(self, settings: Settings) -> None:
        settings.MAIL_IS_SET_UP = True
        settings.SITE_URL = "https://invites.example.com"

    @pytest.fixture
    def ada(self, db: None) -> User:
        return UserFactory(username="ada", email="Ada@example.com")

    def path(self, user: User, language: str = "en") -> str:
        """That of the link in the mail."""
        resetting.send_link(user.pk, language=language)
        found = re.search(r"https://invites.example.com(/sign-in/forgotten/\S+)", str(mail.outbox[-1].body))
        assert found is not None
        return found[1]

    def test_where_no_mail_is_sent_there_is_no_such_page(self, ada: User, settings: Settings) -> None:
        assert "forgotten" in Client().get("/sign-in/").content.decode()
        settings.MAIL_IS_SET_UP = False
        assert "forgotten" not in Client().get("/sign-in/").content.decode()
        for address in ("/sign-in/forgotten/", "/sign-in/forgotten/sent/", "/sign-in/forgotten/1-x/"):
            assert Client().get(address).status_code == 404

    @pytest.mark.parametrize("address", ["ada@example.com", "nobody@example.com", "gone@example.com"])
    def test_answer_is_the_same_whether_or_not_there_is_an_account(self, ada: User, address: str) -> None:
        UserFactory(email="gone@example.com", is_active=False)
        answer = Client().post("/sign-in/forgotten/", {"email": address})
        assert (answer.status_code, answer["Location"]) == (302, "/sign-in/forgotten/sent/")
        assert DBTaskResult.objects.count() == (address == "ada@example.com")
        assert not mail.outbox

    def test_what_is_no_address_is_told_at_its_field(self, ada: User) -> None:
        answer = Client().post("/sign-in/forgotten/", {"email": "ada"})
        assert answer.status_code == 422
        assert 'value="ada"' in answer.content.decode()

    def test_mail_is_in_the_language_of_the_page_and_leads_to_our_site_alone(self, ada: User) -> None:
        Client(SERVER_NAME="localhost").post("/sign-in/forgotten/", {"email": "ada@example.com"})
        waiting = DBTaskResult.objects.get()
        assert waiting.args_kwargs["args"] == [ada.pk, "en"]
        self.path(ada, "zh-hans")
        (message,) = mail.outbox
        assert message.to == ["Ada@example.com"]
        assert message.subject == "会议邀请：设置新密码"
        assert "ada" in str(message.body)

    def test_link_sets_a_password_once(self, ada: User) -> None:
        path, client = self.path(ada), Client()
        form = client.get(path)["Location"]
        assert form.endswith("-set-password/")
        page = client.get(form)
        assert page.status_code == 200
        short = client.post(form, {"password1": "short", "password2": "short"})
        assert short.status_code == 422
        done = client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
        assert done["Location"] == "/sign-in/"
        ada.refresh_from_db()
        assert ada.check_password(NEW_PASSWORD)
        assert Client().get(path).status_code == 410
        assert "_auth_user_id" not in client.session

    def test_tokens_of_before_open_nothing_any_more(self, ada: User) -> None:
        token, path, client = token_of(ada), self.path(ada), Client()
        form = client.get(path)["Location"]
        assert "your tokens for programs are revoked" in client.get(form).content.decode()
        assert tokens.find(token) is not None
        client.post(form, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
        assert tokens.find(token) is None
        assert "1 token for programs is revoked." in client.get("/sign-in/").content.decode()

    @pytest.mark.parametrize("changed", [{"email": "other@example.com"}, {"password": "another hash"}])
    def test_link_is_void_once_address_or_password_is_another(
        self, ada: User, changed: dict[str, str]
    ) -> None:
        path = self.path(ada)
        User.objects.update(**changed)
        answer = Client().get(path)
        assert answer.status_code == 410
        assert "does not work any more" in answer.content.decode()

    def test_old_address_leads_nowhere(self, ada: User) -> None:
        self.path(ada)
        User.objects.update(email="new@example.com")
        Client().post("/sign-in/forgotten/", {"email": "ada@example.com"})
        assert not DBTaskResult.objects.exists()

    def test_who_signs_in_with_dingtalk_alone_gets_no_link(self, ada: User) -> None:
        ada.set_unusable_password()
        ada.save()
        resetting.send_link(ada.pk, language="en")
        assert not mail.outbox

    def test_token_stands_neither_in_the_database_nor_in_a_log(
        self, ada: User, capfd: pytest.CaptureFixture[str]
    ) -> None:
        path = self.path(ada)
        Client().get(path)
        token = path.rstrip("/").rpartition("-")[2]
        assert token not in capfd.readouterr().err
