"""What log lines say, and what never stands in one."""

import logging
import re
import runpy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard import logs
from dashboard.urls import urlpatterns as site
from invites import tracing
from invites.models import User
from tests.conftest import SignedIn
from tests.dashboard.lines import Lines, listen

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "+8613800138000"


def tell(request: HttpRequest) -> HttpResponse:
    logging.getLogger("invites.probe").info("told")
    return HttpResponse(tracing.current())


def break_down(request: HttpRequest) -> HttpResponse:
    raise ValueError(f"of {NUMBER}")


def forbid(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def misunderstand(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        for _ in range(2):
            logging.getLogger("invites.probe").info("row")
            yield tracing.current()

    return StreamingHttpResponse(lines())


urlpatterns = [
    path("probe/tell/", tell),
    path("probe/break/", break_down),
    path("probe/forbid/", forbid),
    path("probe/misunderstand/", misunderstand),
    path("probe/stream/", stream),
    *site,
]


@pytest.fixture
def plain_lines() -> Iterator[Lines]:
    """Those for a terminal."""
    yield from listen("console")


@pytest.fixture
def client(organizer: User, signed_in: SignedIn) -> Client:
    found = signed_in(organizer)
    found.raise_request_exception = False
    return found


@pytest.fixture
def lines() -> Iterator[Lines]:
    yield from listen("json")


class TestMasking:
    """Numbers, secrets and addresses."""

    @pytest.mark.parametrize(
        "text",
        [
            "+8613800138000",
            "+86 138 0013 8000",
            "(+86) 13800138000",
            "+49 (30) 1234-5678",
            "13800138000",
            "138-0013-8000",
            "8613800138000",
            "?q=%2B8613800138000",
            "13800138000,13800138001",
        ],
    )
    def test_number_is_known_by_its_last_digits_alone(self, text: str) -> None:
        masked = logs.mask_text(f"called {text} twice")
        assert logs.HIDDEN in masked
        assert "138" not in masked
        assert "1234" not in masked
        assert masked.endswith(" twice")

    @pytest.mark.parametrize(
        "text",
        [
            "5a9db0c000000000000000a1",
            "request 15D4F8A2-1380-4138-8001-38001380013F",
            "2026-11-29T21:00:00.123456+08:00",
            "in 1700000000000 ms",
            "Attempt 12345678901: 100 invited",
            "HTTP/1.1 200",
            "10.13.138.1",
        ],
    )
    def test_what_is_no_number_stays(self, text: str) -> None:
        assert logs.mask_text(text) == text

    @pytest.mark.parametrize(
        "text",
        [
            "access_token=hush-hush",
            "accessToken: hush-hush",
            '{"accessToken": "hush-hush"}',
            "x-acs-dingtalk-access-token: hush-hush",
            "Authorization: Bearer hush-hush",
            "got Bearer hush-hush back",
            "client_secret='hush-hush'",
            "appsecret=hush-hush&x=1",
            "suite_ticket=hush-hush",
            "password=hush-hush",
            "postgres://user:hush-hush@host/name",
            "postgres://user:hu@sh-hush@host/name",
            "https://oapi.dingtalk.com/x?access_token=hush-hush",
            "GET /join/hush-hush/",
            "GET /sign-in/forgotten/1z-hush-hush/ took long",
        ],
    )
    def test_secret_is_dropped(self, text: str) -> None:
        assert "sh-hush" not in logs.mask_text(text)

    def test_of_an_address_the_host_is_left(self) -> None:
        text = "no answer from https://api.dingtalk.io/v1.0/conference/abc/members?x=1, trying again"
        assert logs.mask_text(text) == "no answer from https://api.dingtalk.io/… trying again"

    def test_keys_that_name_a_secret_lose_their_value(self, lines: Lines) -> None:
        structlog.get_logger("invites.probe").info(
            "told", access_token="hush", people=[{"value": NUMBER, "password": "hush"}], n=3, ok=True
        )
        line = lines.of("told")
        assert "hush" not in lines.text
        assert line["people"] == [{"value": f"{logs.HIDDEN}00", "password": logs.HIDDEN}]
        assert (line["n"], line["ok"]) == (3, True)


class TestServersInFront:
    """What gunicorn writes, where somebody wants it, and nginx as in our sample."""

    ADDRESSES = ("/join/only-its-holder-knows/", "/sign-in/forgotten/1a-only-its-holder-knows/")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_gunicorn_writes_no_address_that_opens_an_account(self, address: str) -> None:
        conf = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
        logger = conf["logger_class"].__new__(conf["logger_class"])
        asked = {
            "REQUEST_METHOD": "GET",
            "RAW_URI": address,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "PATH_INFO": address,
        }
        answer = SimpleNamespace(status="200 OK", headers=[], sent=1)
        atoms = logger.atoms(answer, SimpleNamespace(headers=[]), asked, timedelta())
        line = conf["access_log_format"] % atoms
        assert "holder" not in line
        assert address[:6] in line

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_nginx_cuts_such_an_address_off(self, address: str) -> None:
        sample = (ROOT / "docs" / "deploy" / "nginx.conf").read_text(encoding="utf-8")
        cut = dict(re.findall(r"^    ~(\S+) (\S+);$", sample, re.MULTILINE))
        assert [put for pattern, put in cut.items() if re.match(pattern, address)] in (
            ["/join/"],
            ["/sign-in/forgotten/"],
        )
        assert "$uri " not in sample.partition("log_format")[2].partition(";")[0]


class TestLines:
    """Loggers of the standard library, as all of ours are, speak the same way."""

    def test_line_says_when_who_and_how_bad(self, lines: Lines) -> None:
        logging.getLogger("invites.probe").warning("Called %s: %s", NUMBER, "no")
        line = lines.of(f"Called {logs.HIDDEN}00: no")
        assert (line["level"], line["logger"]) == ("warning", "invites.probe")
        assert line["timestamp"].endswith("Z")

    @pytest.mark.parametrize("fixture", ["lines", "plain_lines"])
    def test_traceback_is_masked_too(self, fixture: str, request: pytest.FixtureRequest) -> None:
        found: Lines = request.getfixturevalue(fixture)
        try:
            break_down(HttpRequest())
        except ValueError:
            logging.getLogger("invites.probe").exception("broken")
        assert "ValueError" in found.text
        assert "13800138000" not in found.text

    def test_line_for_a_terminal_is_one_to_read(self, plain_lines: Lines) -> None:
        logging.getLogger("invites.probe").info("told")
        assert "[info     ] told" in plain_lines.text
        assert "invites.probe" in plain_lines.text

    @pytest.mark.parametrize(
        ("level", "of_django", "of_httpx"),
        [("DEBUG", "INFO", "WARNING"), ("WARNING", "WARNING", "WARNING"), ("ERROR", "ERROR", "ERROR")],
    )
    def test_level_quiets_libraries_as_well_and_never_lets_them_tell_more_than_they_may(
        self, level: str, of_django: str, of_httpx: str
    ) -> None:
        loggers = logs.logging_of(log_format="json", level=level)["loggers"]
        assert (loggers["django"]["level"], loggers["httpx"]["level"]) == (of_django, of_httpx)

    def test_chinese_stays_readable(self, lines: Lines) -> None:
        logging.getLogger("invites.probe").info("例会")
        assert "例会" in lines.text


@pytest.mark.urls(__name__)
class TestRequests:
    """Each has an id, and is told of without its query."""

    def test_id_is_in_the_lines_and_in_the_answer(self, client: Client, lines: Lines) -> None:
        answer = client.get("/probe/tell/")
        request_id = answer["X-Request-ID"]
        assert len(request_id) == 36
        assert answer.content.decode() == request_id
        assert lines.of("told")["request_id"] == request_id

    def test_each_has_its_own_and_none_is_left_behind(self, client: Client) -> None:
        ids = {client.get("/probe/tell/")["X-Request-ID"] for _ in range(3)}
        assert len(ids) == 3
        assert tracing.current() == ""

    @pytest.mark.parametrize("given", ["7e57-abc.DEF_1", "0af7651916cd43dd8448eb211c80319c", "x" * 64])
    def test_id_of_a_proxy_is_taken_over(self, client: Client, given: str) -> None:
        assert client.get("/probe/tell/", headers={"x-request-id": given})["X-Request-ID"] == given

    @pytest.mark.parametrize(
        "given",
        ["", "short", "x" * 65, "with blank", "<script>", "ü" * 10, "13800138000", "a\nb" * 5, "-" * 10],
    )
    def test_what_looks_like_none_is_not(self, client: Client, given: str) -> None:
        assert client.get("/probe/tell/", headers={"x-request-id": given})["X-Request-ID"] != given

    def test_post_is_told_once_with_who_it_was_and_without_its_query(
        self, client: Client, organizer: User, lines: Lines
    ) -> None:
        client.post(f"/probe/tell/?q={NUMBER}", {"phone": NUMBER})
        line = lines.of("request_finished")
        assert (line["request"], line["code"], line["user_id"]) == ("POST /probe/tell/", 200, organizer.pk)
        assert "138" not in lines.words

    def test_page_that_was_read_is_no_news(self, client: Client, lines: Lines) -> None:
        client.get("/history/?q=13800138000")
        client.get("/healthz")
        assert lines.text == ""

    def test_page_that_is_not_there_is_told_once(self, client: Client, lines: Lines) -> None:
        client.get("/no/such/page/?q=13800138000")
        assert lines.of("request_finished")["code"] == 404
        assert len(list(lines)) == 1
        assert "138" not in lines.words

    def test_fault_of_ours_is_told_once_with_its_traceback(self, client: Client, lines: Lines) -> None:
        answer = client.post("/probe/break/?q=13800138000")
        assert answer.status_code == 500
        line = lines.of("request_failed")
        assert "ValueError" in line["exception"]
        assert line["request_id"] == answer["X-Request-ID"]
        assert len(list(lines)) == 1
        assert "13800138000" not in lines.text

    def test_streamed_answer_keeps_its_id_to_the_end(self, client: Client, lines: Lines) -> None:
        answer = client.get("/probe/stream/")
        assert b"".join(answer.streaming_content).decode() == answer["X-Request-ID"] * 2  # type: ignore[attr-defined]
        assert {line["request_id"] for line in lines} == {answer["X-Request-ID"]}
        assert tracing.current() == ""

    def test_nobody_is_looked_up_for_a_line(
        self, db: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            assert "X-Request-ID" in Client().get("/healthz")

    @pytest.mark.parametrize(
        ("path", "status"),
        [("/probe/break/", 500), ("/probe/forbid/", 403), ("/probe/misunderstand/", 400)],
    )
    def test_page_of_what_goes_wrong_says_what_to_quote(self, client: Client, path: str, status: int) -> None:
        answer = client.get(path)
        assert answer.status_code == status
        assert f">{answer['X-Request-ID']}</code>" in answer.content.decode()

    def test_host_that_is_not_ours_is_not_understood(self, client: Client, settings: Settings) -> None:
        answer = client.post("/probe/tell/", headers={"host": "elsewhere.example"})
        assert answer.status_code == 400
        assert answer["X-Request-ID"] in answer.content.decode()
