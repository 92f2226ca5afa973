"""Every command of the Dockerfile, the compose file and the systemd units does outside of them what it does there."""

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from cryptography.fernet import Fernet
from django.db import connection

from tests.services.packages import find_postgres

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
BIN = Path(sys.executable).parent
HOST = "invites.example.com"
START_SECONDS = 90
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - only a name here


def instructions(kind: str) -> list[str]:
    """What stands behind each ``kind`` of the Dockerfile."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(rf"^{kind} (.*)$", text, re.MULTILINE)


def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))[
        "services"
    ]
    return services


def units() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(DEPLOY.glob("*.service"))}


def unit_commands(kind: str) -> dict[str, list[str]]:
    """The command behind ``kind`` of each unit."""
    return {
        name: shlex.split(found[1])
        for name, text in units().items()
        if (found := re.search(rf"^{kind}=(.*)$", text, re.MULTILINE))
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens_to_stop(pid: int) -> bool:
    """Whether a process would end by itself if it were told to; elsewhere than on Linux nobody tells."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return True
    [caught] = re.findall(r"^SigCgt:\s*([0-9a-f]+)$", status.read_text(encoding="ascii"), re.MULTILINE)
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


class Image:
    """What an image would hold, in folders of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code, self.data, self.venv = folder / "code", folder / "data", folder / "venv"
        self.code.mkdir()
        for line in instructions("COPY"):
            if not line.startswith("--from"):
                *sources, target = line.split()
                for source in sources:
                    self._copy(source, self.code / target)

    def _copy(self, source: str, target: Path) -> None:
        allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        assert any(
            source == line[1:] or source.startswith(f"{line[1:]}/") for line in allowed if line[:1] == "!"
        )
        if (ROOT / source).is_dir():
            ignored = shutil.ignore_patterns(
                *(line.removeprefix("**/") for line in allowed if line[:3] == "**/")
            )
            shutil.copytree(ROOT / source, target, ignore=ignored)
        else:
            place = target / Path(source).name if target.is_dir() else target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)

    def here(self, word: str) -> str:
        """``word`` of a command with the folders of the image in place of those of a container."""
        return word.replace("/srv/data", str(self.data)).replace(SHARED_MEMORY, str(self.folder))

    def environment(self, **variables: str) -> dict[str, str]:
        """That of the image, with nothing of this machine's."""
        [stated] = instructions("ENV")
        given = dict(word.partition("=")[::2] for word in stated.split())
        given["PATH"] = f"{BIN}:{os.environ['PATH']}"
        return {name: self.here(value) for name, value in given.items()} | variables

    def run(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", self.here(line)],
            cwd=self.code,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self) -> set[Path]:
        return {path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture
def image(tmp_path: Path) -> Image:
    (tmp_path / "image").mkdir()
    return Image(tmp_path / "image")


def build(image: Image) -> None:
    """Runs what is run in the last stage, which holds the code."""
    for line in instructions("RUN")[2:]:
        done = image.run(line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


class TestImage:
    def test_packages_are_those_of_the_list_and_held_by_their_hashes(self, image: Image) -> None:
        make, install, *_rest = instructions("RUN")
        made = image.run(make.replace("/srv/venv", str(image.venv)))
        assert made.returncode == 0, made.stderr
        assert (image.venv / "bin" / "pip").is_file()
        assert "--require-hashes" in install
        # Here they are installed already, and nothing is fetched.
        again = install.replace("/srv/venv/bin/", f"{BIN}/").replace(
            " install ", " install --no-index --dry-run "
        )
        installed = image.run(again)
        assert installed.returncode == 0, installed.stderr
        assert "Would install" not in installed.stdout

    def test_it_runs_as_nobody_and_on_a_disk_that_it_cannot_write(self) -> None:
        [user] = instructions("USER")
        assert user.partition(":")[0] not in {"0", "root"}
        for name, service in services().items():
            if name != "db":
                assert service["read_only"] is True, name
                assert service["cap_drop"] == ["ALL"], name
        for text in units().values():
            assert "User=invites" in text
            assert "ProtectSystem=strict" in text
            assert "NoNewPrivileges=yes" in text


class Site:
    """Processes that run as they do in containers or under systemd."""

    def __init__(self, image: Image, database_url: str) -> None:
        self.image, self.port = image, free_port()
        self.variables = {
            "DATABASE_URL": database_url,
            "ALLOWED_HOSTS": HOST,
            "HTTPS_ONLY": "1",
            "SECRET_KEY": "of-this-test-alone-Gm1_fZ8r-Wq7LpXv4tYs0KdJh3BnC-9uTz",
            "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "HISTORY_KEYS": "of-this-test-alone-too-Gm1_fZ8r-Wq7LpXv4tYs0KdJ",
            "PORT": str(self.port),
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def finish(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command that ends by itself."""
        return self.image.run(shlex.join(words), **self.variables)

    def start(self, words: list[str]) -> subprocess.Popen[bytes]:
        command = [self.placed(word) for word in words]
        environment = self.image.environment(**self.variables)
        process = subprocess.Popen(command, cwd=self.image.code, env=environment, stdin=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def placed(self, word: str) -> str:
        """``word`` of a command of a unit or a container, as it is here."""
        word = word.replace("/srv/invites/.venv/bin/", f"{BIN}/").replace(
            "0.0.0.0:8000", f"127.0.0.1:{self.port}"
        )
        return self.image.here(word.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}"))

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not holds():
            assert all(process.poll() is None for process in self.running), "A process has ended."
            assert time.monotonic() < deadline, "It did not come up."
            time.sleep(0.1)

    def get(self, path: str) -> tuple[http.client.HTTPResponse, str]:
        """As a proxy that speaks https asks for it."""
        web = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            web.request("GET", path, headers={"Host": HOST, "X-Forwarded-Proto": "https"})
            answer = web.getresponse()
            return answer, answer.read().decode()
        finally:
            web.close()

    def stop(self) -> None:
        """Told to stop, each ends by itself and says that all went well."""
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(timeout=60) for process in self.running] == [0] * len(self.running)

    def kill(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture
def site(image: Image, database_url: str) -> Iterator[Site]:
    build(image)
    site = Site(image, database_url)
    yield site
    site.kill()


class TestRunning:
    def test_image_is_built_and_its_processes_answer_work_stop_and_leave_nothing_behind(
        self, site: Site
    ) -> None:
        self.look_into(site.image)
        for words in (services()["migrate"]["command"], unit_commands("ExecStartPre")["invites-web.service"]):
            done = site.finish([site.placed(word) for word in words])
            assert done.returncode == 0, done.stderr
        before = site.image.files()
        [web] = instructions("CMD")
        [healthy] = instructions("HEALTHCHECK.* CMD")
        assert site.finish(json.loads(healthy)).returncode == 1
        site.start(json.loads(web))
        site.start(services()["worker"]["command"])
        stream = site.start(services()["stream"]["command"])
        site.until(lambda: site.finish(json.loads(healthy)).returncode == 0)
        self.look_at(site)
        site.until(lambda: "No worker" not in site.get("/readyz")[1])
        site.until(lambda: listens_to_stop(stream.pid))
        site.stop()
        database = Path(urlsplit(site.variables["DATABASE_URL"]).path).name
        written = {path for path in site.image.files() - before if not path.name.startswith(database)}
        assert written == set()

    def look_into(self, image: Image) -> None:
        """It holds what is served, and nothing that only its operator may know."""
        names = {path.name for path in image.files()}
        assert {"staticfiles.json", "django.mo", "healthy.py"} <= names
        assert not names & {"secret-key", ".env", "db.sqlite3"}
        assert not [path for path in image.files() if ".git" in path.parts or "tests" in path.parts]
        text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
        assert not re.search(r"^(ARG|ENV).*(SECRET|PASSWORD|TOKEN|KEY)", text, re.MULTILINE)

    def look_at(self, site: Site) -> None:
        """A page comes with everything that https promises, and its files for ever."""
        answer, page = site.get("/readyz")
        assert (answer.status, json.loads(page)["problem"]) == (200, "")
        answer, page = site.get("/")
        assert answer.status == 302
        answer, page = site.get(answer.headers["Location"])
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert "__Host-csrftoken" in answer.headers["Set-Cookie"]
        assert not re.search(r"\d", answer.headers.get("Server", ""))
        [style] = re.findall(r'href="(/static/css/app[^"]*\.css)"', page)
        answer, _style = site.get(style)
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]

    def test_database_is_asked_whether_it_is_ready(self, database_url: str) -> None:
        program, *arguments = services()["db"]["healthcheck"]["test"][1:]
        assert program == "pg_isready"
        if connection.vendor == "postgresql":
            folder = find_postgres()
            assert folder is not None
            [place] = parse_qs(urlsplit(database_url).query)["host"]
            command = [folder / program, *arguments]
            assert subprocess.run(command, env={"PGHOST": place}, check=False).returncode == 0


class TestUnits:
    def test_they_start_what_containers_start(self) -> None:
        started = {name: words[1:] for name, words in unit_commands("ExecStart").items()}
        of_containers = {name: service.get("command", [""])[1:] for name, service in services().items()}
        assert started["invites-worker@.service"] == of_containers["worker"]
        assert started["invites-stream.service"] == of_containers["stream"]
        [web] = instructions("CMD")
        own = {"0.0.0.0:8000", "127.0.0.1:8000", "--worker-tmp-dir", SHARED_MEMORY}
        assert [word for word in json.loads(web)[1:] if word not in own] == [
            word for word in started["invites-web.service"] if word not in own
        ]
        assert len(set(map(tuple, unit_commands("ExecStartPre").values()))) == 1

    def test_systemd_finds_no_fault(self, tmp_path: Path) -> None:
        assert set(units()) == {"invites-stream.service", "invites-web.service", "invites-worker@.service"}
        if judge := shutil.which("systemd-analyze"):
            for name, text in units().items():
                placed = text.replace("/srv/invites/.venv/bin/", f"{BIN}/").replace("/srv/invites", str(ROOT))
                path = tmp_path / name.replace("@.", "@1.")
                path.write_text(placed, encoding="utf-8")
                judged = subprocess.run([judge, "verify", path], capture_output=True, text=True, check=False)
                about_it = [line for line in judged.stderr.splitlines() if name.partition(".")[0] in line]
                assert about_it == []
