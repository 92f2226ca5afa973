"""What every answer shares, tried on small views of its own beside the site's real addresses."""

import re

import pytest
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.test import Client
from django.urls import path
from django.utils import timezone

from dashboard.urls import urlpatterns as site
from invites.errors import AlreadySent
from invites.models import User
from tests.conftest import SignedIn

HTMX = {"HX-Request": "true"}


def refuse(request: HttpRequest) -> HttpResponse:
    raise AlreadySent


def say(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Anna <was> added.")
    return HttpResponse("<p>list</p>", status=int(request.GET.get("status", 200)))


def say_on_a_page(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Anna was added.")
    return render(request, "404.html")


def say_as_text(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Anna was added.")
    return HttpResponse("a,b", content_type="text/csv")


def go(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Went.")
    response = HttpResponseRedirect("/history/")
    response.set_cookie("kept", "yes")
    return response


def zone(request: HttpRequest) -> HttpResponse:
    return HttpResponse(timezone.get_current_timezone_name())


urlpatterns = [
    path("probe/refuse/", refuse),
    path("probe/say/", say),
    path("probe/say-on-a-page/", say_on_a_page),
    path("probe/say-as-text/", say_as_text),
    path("probe/go/", go),
    path("probe/zone/", zone),
    *site,
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def client(organizer: User, signed_in: SignedIn) -> Client:
    return signed_in(organizer)


def toasts(body: bytes) -> int:
    return body.decode().count('data-toast="success"')


class TestDomainErrors:
    """What the domain refuses."""

    def test_page_says_why_and_leads_back(self, client: Client) -> None:
        response = client.post("/probe/refuse/", headers={"referer": "http://testserver/conferences/4/"})
        assert response.status_code == 409
        assert str(AlreadySent()) in response.content.decode()
        assert 'href="/conferences/4/"' in response.content.decode()

    def test_refused_page_does_not_lead_back_to_itself(self, client: Client) -> None:
        body = client.get("/probe/refuse/").content.decode()
        assert re.search(r'class="btn btn-primary"\s+href="/"', body)

    def test_htmx_gets_a_toast_and_keeps_what_it_shows(self, client: Client) -> None:
        response = client.post("/probe/refuse/", headers=HTMX)
        assert response.status_code == 409
        assert response["HX-Reswap"] == "none"
        body = response.content.decode()
        assert 'hx-swap-oob="beforeend:#messages"' in body
        assert 'data-toast="error"' in body
        assert str(AlreadySent()) in body


class TestMessages:
    """Messages come along with the answer that htmx gets."""

    @pytest.mark.parametrize("status", [200, 422])
    def test_they_follow_what_htmx_swaps(self, client: Client, status: int) -> None:
        body = client.get(f"/probe/say/?status={status}", headers=HTMX).content.decode()
        assert body.startswith("<p>list</p>")
        assert "Anna &lt;was&gt; added." in body

    @pytest.mark.parametrize("status", [204, 403, 404])
    def test_they_wait_where_htmx_swaps_nothing(self, client: Client, status: int) -> None:
        assert toasts(client.get(f"/probe/say/?status={status}", headers=HTMX).content) == 0
        assert toasts(client.get("/password/").content) == 1

    def test_they_are_shown_once(self, client: Client) -> None:
        client.get("/probe/say/", headers=HTMX)
        assert toasts(client.get("/password/").content) == 0

    def test_whole_page_for_htmx_shows_them_once(self, client: Client) -> None:
        assert toasts(client.get("/probe/say-on-a-page/", headers=HTMX).content) == 1

    def test_they_stay_out_of_what_is_no_page(self, client: Client) -> None:
        assert client.get("/probe/say-as-text/", headers=HTMX).content == b"a,b"
        assert toasts(client.get("/password/").content) == 1

    def test_ordinary_answer_is_left_alone(self, client: Client) -> None:
        assert client.get("/probe/say/").content == b"<p>list</p>"


class TestRedirects:
    """Views redirect as if htmx did not exist."""

    def test_htmx_is_told_where_to_go(self, client: Client) -> None:
        response = client.post("/probe/go/", headers=HTMX)
        assert response.status_code == 200
        assert response["HX-Redirect"] == "/history/"
        assert response.cookies["kept"].value == "yes"
        assert toasts(client.get("/password/").content) == 1

    def test_ordinary_redirect_is_left_alone(self, client: Client) -> None:
        assert client.post("/probe/go/")["Location"] == "/history/"

    def test_expired_session_leads_back_to_the_page_and_not_to_a_fragment(self, db: None) -> None:
        headers = HTMX | {"HX-Current-URL": "http://testserver/conferences/4/?q=a"}
        response = Client().post("/probe/say/", headers=headers)
        assert response["HX-Redirect"] == "/sign-in/?next=/conferences/4/%3Fq%3Da"

    def test_expired_session_leads_back_from_a_form_to_its_page(self, db: None) -> None:
        response = Client().post("/probe/say/", headers={"referer": "http://testserver/conferences/4/?q=a"})
        assert response["Location"] == "/sign-in/?next=/conferences/4/%3Fq%3Da"

    def test_page_leads_back_to_itself_after_the_sign_in(self, db: None) -> None:
        response = Client().get("/history/?q=a", headers={"referer": "http://testserver/conferences/4/"})
        assert response["Location"] == "/sign-in/?next=/history/%3Fq%3Da"

    def test_language_can_be_changed_before_the_sign_in(self, db: None) -> None:
        response = Client().post(
            "/language/",
            {"language": "zh-hans", "next": "/sign-in/?next=/history/"},
            headers={"referer": "http://testserver/sign-in/?next=/history/"},
        )
        assert response["Location"] == "/sign-in/?next=/history/"

    def test_page_of_another_site_is_no_way_back(self, db: None) -> None:
        headers = HTMX | {"HX-Current-URL": "https://elsewhere.example/"}
        response = Client().get("/history/", headers=headers)
        assert response["HX-Redirect"] == "/sign-in/?next=/history/"


class TestViewer:
    """Times stand in the zone of whoever looks, and nothing of it is kept for later."""

    def test_no_cache_keeps_what_is_meant_for_one_person(self, client: Client) -> None:
        assert "no-store" in client.get("/history/")["Cache-Control"]

    @pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York"])
    def test_zone_of_the_browser_counts(self, client: Client, name: str) -> None:
        client.cookies["timezone"] = name
        assert client.get("/probe/zone/").content.decode() == name

    @pytest.mark.parametrize(
        "name", ["", "Nowhere/At_All", "../../etc/passwd", "/etc/passwd", "Europe", "\x00"]
    )
    def test_nonsense_counts_for_nothing(self, client: Client, name: str) -> None:
        # As a browser could send it; Python's own cookies refuse to hold some of these.
        session = f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}"
        answer = client.get("/probe/zone/", headers={"cookie": f"{session}; timezone={name}"})
        assert answer.content.decode() == "Asia/Shanghai"
