"""How people sign in, and the sign-up links that administrators hand out."""

import re
from datetime import timedelta
from html import unescape
from http import HTTPStatus

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from invites import enrolling
from invites.models import App, AuditEntry, SignInPolicy, SignUpLink, User
from invites.models.app import AppKind
from invites.models.sign_in_policy import SignUp
from invites.models.user import Role
from tests.conftest import SignedIn, confirmed, htmx
from tests.factories import PASSWORD, AppFactory

URL = "/settings/signing-in/"
LINKS = f"{URL}links/"
NEW = f"{LINKS}new/"
NOBODY = {"sign_up": "nobody", "role": "organizer"}
LINK = {"role": "auditor", "may_see_phone_numbers": "on", "days": "7"}


@pytest.fixture
def client_of_administrator(administrator: User, signed_in: SignedIn) -> Client:
    return confirmed(signed_in(administrator))


@pytest.fixture
def app(db: None) -> App:
    app: App = AppFactory(kind=AppKind.INTERNAL, client_id="id", client_secret="s", access_token="")
    return app


class TestSignInPolicy:
    def test_before_anything_is_decided_nobody_signs_up(self, client_of_administrator: Client) -> None:
        response = client_of_administrator.get(URL)
        assert response.context["form"]["sign_up"].value() == SignUp.NOBODY
        assert "No sign-up link yet" in response.content.decode()
        assert not SignInPolicy.objects.exists()

    def test_company_signs_up_through_an_app(
        self, app: App, administrator: User, client_of_administrator: Client
    ) -> None:
        facts = {
            "app": app.pk,
            "sign_up": "company",
            "corp_ids": " ding1 \n\nding2\nding1\n",
            "role": "auditor",
            "second_factor_roles": ["organizer", "auditor"],
        }
        assert client_of_administrator.post(URL, facts)["Location"] == URL
        policy = SignInPolicy.objects.current()
        assert (policy.app, policy.sign_up, policy.corp_ids) == (app, SignUp.COMPANY, ["ding1", "ding2"])
        assert (policy.role, policy.second_factor_roles) == (Role.AUDITOR, ["organizer", "auditor"])
        entry = AuditEntry.objects.get_for_object(policy).latest("pk")
        assert entry.actor == administrator
        form = client_of_administrator.get(URL).context["form"]
        assert form["corp_ids"].value() == "ding1\nding2"
        assert form["second_factor_roles"].value() == ["organizer", "auditor"]
        page = unescape(client_of_administrator.get(f"/history/changes/{entry.pk}/").content.decode())
        assert "Organizer, Auditor" in page

    def test_nobody_takes_away_their_own_only_way_in(
        self, app: App, administrator: User, client_of_administrator: Client
    ) -> None:
        SignInPolicy(app=app).save()
        User.objects.filter(pk=administrator.pk).update(password="!")
        client = client_of_administrator
        client.force_login(User.objects.get())
        response = confirmed(client).post(URL, NOBODY)
        assert response.context["form"].errors.keys() == {"app"}
        assert SignInPolicy.objects.current().app == app
        assert client.post(URL, NOBODY | {"app": app.pk}).status_code == 302

    def test_open_session_alone_decides_nothing(self, administrator: User, signed_in: SignedIn) -> None:
        client = signed_in(administrator)
        asked = client.post(URL, NOBODY | {"sign_up": "by_link"})["Location"]
        assert asked.startswith("/settings/security/confirm/")
        assert not SignInPolicy.objects.exists()
        client.post(asked, {"password": PASSWORD, "next": URL})
        assert SignInPolicy.objects.current().sign_up == SignUp.BY_LINK

    @pytest.mark.parametrize(
        ("facts", "fields"),
        [
            ({"sign_up": "company"}, {"app", "corp_ids"}),
            ({"corp_ids": "ding1\nwith blank"}, {"corp_ids"}),
            ({"corp_ids": "x" * 200}, {"corp_ids"}),
            ({"corp_ids": "\n".join(f"d{n}" for n in range(51))}, {"corp_ids"}),
            ({"sign_up": "everybody"}, {"sign_up"}),
            ({"role": "administrator"}, {"role"}),
            ({"second_factor_roles": "king"}, {"second_factor_roles"}),
            ({"app": "999999"}, {"app"}),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, facts: dict[str, str], fields: set[str], client_of_administrator: Client
    ) -> None:
        response = client_of_administrator.post(URL, NOBODY | facts)
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors.keys() == fields
        assert not SignInPolicy.objects.exists()

    def test_only_apps_with_credentials_of_their_own_are_offered(
        self, app: App, client_of_administrator: Client
    ) -> None:
        fixed = AppFactory(name="Fixed")
        gone = AppFactory(name="Gone", kind=AppKind.INTERNAL, client_id="i", client_secret="s", enabled=False)
        offered = client_of_administrator.get(URL).context["form"].fields["app"].queryset
        assert list(offered) == [app]
        assert client_of_administrator.post(URL, NOBODY | {"app": fixed.pk}).status_code == 422
        SignInPolicy(app=gone).save()
        assert gone in client_of_administrator.get(URL).context["form"].fields["app"].queryset

    def test_how_many_would_have_to_set_up_a_second_factor_is_said(
        self, administrator: User, auditor: User, organizer: User, client_of_administrator: Client
    ) -> None:
        Authenticator.objects.create(user=auditor, type=Authenticator.Type.TOTP, data={"secret": "x"})
        organizer.set_unusable_password()
        organizer.save()
        choices = dict(client_of_administrator.get(URL).context["form"].fields["second_factor_roles"].choices)
        assert choices == {
            "organizer": "Organizer",
            "auditor": "Auditor",
            "administrator": "Administrator: 1 person has none yet",
        }

    @pytest.mark.parametrize("count", [1, 60])
    def test_number_of_queries_does_not_grow_with_links(
        self,
        count: int,
        administrator: User,
        client_of_administrator: Client,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for _link in range(count):
            enrolling.make_link(by=administrator, role=Role.ORGANIZER)
        # Session, user twice, policy, apps, who has no second factor, links, and the banner's two.
        with django_assert_num_queries(9):
            client_of_administrator.get(URL)


class TestSignUpLinks:
    def test_link_is_shown_once_and_kept_nowhere(
        self, administrator: User, client_of_administrator: Client
    ) -> None:
        response = client_of_administrator.post(NEW, LINK)
        assert response.status_code == HTTPStatus.CREATED
        found = re.search(r"http://testserver/join/([\w-]+)/", response.content.decode())
        assert found is not None
        token = found[1]
        link = SignUpLink.objects.get()
        assert (link.role, link.may_see_phone_numbers, link.made_by) == (Role.AUDITOR, True, administrator)
        assert timedelta(days=6) < link.expires_at - timezone.now() <= timedelta(days=7)
        assert link.digest == enrolling.digest_of(token)
        for page in (URL, LINKS, "/history/changes/"):
            assert token not in client_of_administrator.get(page).content.decode()
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM invites_signuplink")
            rows = str(cursor.fetchall())
            cursor.execute("SELECT * FROM invites_auditentry")
            assert token not in rows + str(cursor.fetchall())
        assert not mail.outbox

    def test_link_is_sent_where_mail_is_set_up(
        self, settings: Settings, client_of_administrator: Client
    ) -> None:
        SignInPolicy(sign_up=SignUp.BY_LINK).save()
        settings.MAIL_IS_SET_UP = True
        settings.SITE_URL = "https://invites.example.com"
        page = client_of_administrator.post(NEW, LINK | {"email": "ada@example.org"}).content.decode()
        assert "Sent to ada@example.org." in page
        (message,) = mail.outbox
        assert message.to == ["ada@example.org"]
        (path,) = re.findall(r"https://invites\.example\.com(/join/\S+)", str(message.body))
        assert path in page

    def test_mail_that_nobody_takes_is_said(
        self, settings: Settings, client_of_administrator: Client
    ) -> None:
        SignInPolicy(sign_up=SignUp.BY_LINK).save()
        settings.MAIL_IS_SET_UP = True
        smtp = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}
        nowhere = {"OPTIONS": {"host": "127.0.0.1", "port": 9, "timeout": 1}}
        settings.MAILERS = {"default": smtp | nowhere}
        page = client_of_administrator.post(NEW, LINK | {"email": "ada@example.org"}).content.decode()
        assert "did not take the mail" in page
        assert "/join/" in page

    @pytest.mark.parametrize(
        ("facts", "field"),
        [({"role": "king"}, "role"), ({"email": "nobody"}, "email"), ({"days": "3000"}, "days")],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, facts: dict[str, str], field: str, client_of_administrator: Client
    ) -> None:
        response = client_of_administrator.post(NEW, LINK | facts)
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors.keys() == {field}
        assert not SignUpLink.objects.exists()

    def test_that_no_link_opens_anything_is_said(self, client_of_administrator: Client) -> None:
        assert "no link opens anything" in client_of_administrator.get(NEW).content.decode()
        SignInPolicy(sign_up=SignUp.BY_LINK).save()
        assert "no link opens anything" not in client_of_administrator.get(NEW).content.decode()

    def test_link_that_would_open_nothing_is_sent_to_nobody(
        self, settings: Settings, client_of_administrator: Client
    ) -> None:
        settings.MAIL_IS_SET_UP = True
        refused = client_of_administrator.post(NEW, LINK | {"email": "ada@example.org"})
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert refused.context["form"].errors.keys() == {"email"}
        assert 'value="ada@example.org"' in refused.content.decode()
        assert not mail.outbox
        assert not SignUpLink.objects.exists()
        # Handed over later, once people may sign up, it is of use.
        assert client_of_administrator.post(NEW, LINK).status_code == HTTPStatus.CREATED

    def test_link_is_withdrawn_once(self, administrator: User, client_of_administrator: Client) -> None:
        link, _token = enrolling.make_link(by=administrator, role=Role.ORGANIZER)
        url = f"{LINKS}{link.pk}/withdraw/"
        assert client_of_administrator.post(url)["Location"] == URL
        link.refresh_from_db()
        first = link.revoked_at
        assert first is not None
        client_of_administrator.post(url)
        link.refresh_from_db()
        assert link.revoked_at == first
        assert url not in client_of_administrator.get(URL).content.decode()

    def test_each_says_what_became_of_it(self, administrator: User, client_of_administrator: Client) -> None:
        now = timezone.now()
        states: list[dict[str, object]] = [
            {},
            {"used_at": now, "used_by": administrator},
            {"revoked_at": now},
            {"expires_at": now - timedelta(days=1)},
        ]
        for facts in states:
            link, _token = enrolling.make_link(by=administrator, role=Role.ORGANIZER)
            SignUpLink.objects.filter(pk=link.pk).update(**facts)
        page = client_of_administrator.get(URL).content.decode()
        words = ("Expired", "Withdrawn", "Used", "Can be used")
        places = [
            page.index(f"</svg> {word}") if f"</svg> {word}" in page else page.rindex(word) for word in words
        ]
        assert places == sorted(places)
        assert page.count("/withdraw/") == 1

    def test_older_ones_follow(
        self, administrator: User, client_of_administrator: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.views.sign_up_link.PAGE_SIZE", 2)
        for _link in range(5):
            enrolling.make_link(by=administrator, role=Role.ORGANIZER)
        url, seen = LINKS, []
        while url:
            response = client_of_administrator.get(url, headers=htmx("more_sign_up_links"))
            assert "<html" not in response.content.decode()
            seen += [link.pk for link in response.context["links"]]
            cursor = response.context["next_cursor"]
            url = cursor and f"{LINKS}?before={cursor}"
        assert len(set(seen)) == len(seen) == 5
        assert "<html" in client_of_administrator.get(LINKS).content.decode()
