"""The sample of a proxy in front is read by nginx itself, and pages come through it as the guide says."""

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.project.test_deploying import DEPLOY, HOST, free_port
from tests.services.packages import find_nginx

START_SECONDS = 30
# From there on http2 is a directive of its own; before, the sample says, a word of `listen`.
WITH_HTTP2 = (1, 25, 1)


class Echo(BaseHTTPRequestHandler):
    """A web server that answers with what it was told."""

    def do_GET(self) -> None:
        told = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Says nothing."""


class Proxy:
    """nginx with the sample, whose ports and files are those of a test."""

    def __init__(self, folder: Path, upstream: int) -> None:
        self.folder, self.plain, self.secure = folder, free_port(), free_port()
        program = find_nginx()
        assert program is not None
        self.command = [program, "-p", str(folder), "-c", str(folder / "main.conf"), "-e", "stderr"]
        make_certificate(folder)
        (folder / "site.conf").write_text(self.placed(upstream), encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        places = " ".join(
            f"{name}_temp_path {folder / name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = f"{user} daemon off; pid {folder}/pid; events {{}} http {{ {places} include {folder}/site.conf; }}"
        (folder / "main.conf").write_text(main, encoding="utf-8")

    def placed(self, upstream: int) -> str:
        text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
        listens = re.findall(r"^    listen \[::\].*$", text, re.MULTILINE)
        assert len(listens) == 2
        text = re.sub(r"^    listen \[::\].*\n", "", text, flags=re.MULTILINE)
        for there, here in {
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.secure} ssl;",
            f"/etc/letsencrypt/live/{HOST}/": f"{self.folder}/",
            "/var/log/nginx/": f"{self.folder}/",
            "http://127.0.0.1:8000": f"http://127.0.0.1:{upstream}",
        }.items():
            assert there in text
            text = text.replace(there, here)
        if self.version() < WITH_HTTP2:
            text = text.replace("    http2 on;\n", "").replace(
                f"{self.secure} ssl;", f"{self.secure} ssl http2;"
            )
        return text

    def version(self) -> tuple[int, ...]:
        told = subprocess.run([self.command[0], "-v"], capture_output=True, text=True, check=True).stderr
        [version] = re.findall(r"nginx/([\d.]+)", told)
        return tuple(map(int, version.split(".")))

    def start(self) -> subprocess.Popen[bytes]:
        tested = subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr
        assert "[warn]" not in tested.stderr
        running = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self.listens():
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return running

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.secure)) == 0

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, str]:
        """As a browser does, over https."""
        context = ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))
        context.check_hostname = False
        web = http.client.HTTPSConnection("127.0.0.1", self.secure, timeout=20, context=context)
        return read(
            web,
            path,
            method,
            {"Host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def ask_plainly(self, path: str) -> http.client.HTTPResponse:
        web = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=20)
        return read(web, path, "GET", {"Host": HOST})[0]

    @property
    def log(self) -> str:
        return (self.folder / "invites.log").read_text(encoding="utf-8")


def read(
    web: http.client.HTTPConnection, path: str, method: str, headers: dict[str, str]
) -> tuple[http.client.HTTPResponse, str]:
    try:
        web.request(method, path, headers=headers)
        answer = web.getresponse()
        return answer, answer.read().decode()
    finally:
        web.close()


def make_certificate(folder: Path) -> None:
    """One for HOST that nobody but itself has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def running(folder: Path, upstream: int) -> Iterator[Proxy]:
    proxy = Proxy(folder, upstream)
    process = proxy.start()
    yield proxy
    process.terminate()
    assert process.wait(timeout=30) == 0


class TestWhatIsToldBehindIt:
    @pytest.fixture
    def proxy(self, tmp_path: Path) -> Iterator[Proxy]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield from running(tmp_path, server.server_port)
        server.shutdown()
        server.server_close()

    def test_who_asked_and_how_is_said_by_the_proxy_and_by_nobody_else(self, proxy: Proxy) -> None:
        forged = {"X_Forwarded_Proto": "http", "X_Forwarded_For": "203.0.113.9", "X_Request_ID": "mine"}
        told = json.loads(proxy.ask("/", **forged)[1])
        assert (told["host"], told["x-forwarded-proto"], told["x-forwarded-for"]) == (
            HOST,
            "https",
            "127.0.0.1",
        )
        assert re.fullmatch(r"[0-9a-f]{32}", told["x-request-id"])

    def test_plain_http_leads_to_https(self, proxy: Proxy) -> None:
        answer = proxy.ask_plainly("/history/?person=Ann")
        assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/history/?person=Ann")

    def test_log_holds_neither_queries_nor_what_opens_an_account(self, proxy: Proxy) -> None:
        for path in ("/history/?person=Ann", "/join/secret-of-a-link/", "/sign-in/forgotten/key/1-secret/"):
            proxy.ask(path)
        assert len(proxy.log.splitlines()) == 3
        assert '"GET /join/"' in proxy.log
        assert not {"Ann", "secret"} & set(re.findall(r"\w+", proxy.log))

    def test_what_is_larger_than_any_list_is_refused_before_it_comes(self, proxy: Proxy) -> None:
        assert proxy.ask("/", "POST", Content_Length=str(23 * 1024 * 1024))[0].status == 413


class TestPages:
    @pytest.fixture
    def proxy(self, tmp_path: Path, live_server: LiveServer, settings: Settings) -> Iterator[Proxy]:
        settings.ALLOWED_HOSTS = [HOST]
        settings.SECURE_SSL_REDIRECT = True
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        yield from running(tmp_path, int(live_server.url.rpartition(":")[2]))

    def test_page_comes_through_it(self, proxy: Proxy) -> None:
        answer, page = proxy.ask("/sign-in/")
        assert answer.status == 200
        assert "csrfmiddlewaretoken" in page
        assert "nginx/" not in answer.headers["Server"]
