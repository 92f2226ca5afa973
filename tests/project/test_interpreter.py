"""Which Python carries the project, and how its environment is made. No package is downloaded here."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
TOOLS = ("ls", "grep", "sort")

GOOD = 'echo "$0"'
TOO_OLD = "exit 1"
SHIM_WITHOUT_VERSION = 'echo "pyenv: python3.13: command not found" >&2; exit 127'
# Debian's python3 without python3-venv: it answers, but the probe finds no ensurepip.
WITHOUT_VENV = 'case "$3" in *ensurepip*) exit 3;; *) echo 3.13;; esac'


class Machine:
    """A machine on which just those interpreters exist that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "bin"
        self.path.mkdir()
        for tool in TOOLS:
            (self.path / tool).symlink_to(str(shutil.which(tool)))
        self.put("bin/id", "echo somebody-without-a-home")

    def put(self, place: str, script: str) -> str:
        """Makes an executable at ``place`` below the machine's folder; returns its path."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def choose(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the choice as make does."""
        return subprocess.run(
            ["/bin/sh", REQUIREMENTS / "python.sh"],
            cwd=self.folder,
            env={"PATH": str(self.path), "HOME": str(self.folder / "home"), **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


class TestChoice:
    """Which interpreter is taken."""

    def test_plain_python3_is_taken_where_it_will_do(self, machine: Machine) -> None:
        plain = machine.put("bin/python3", GOOD)
        machine.put("bin/python3.14", GOOD)
        assert machine.choose().stdout.strip() == plain

    def test_environment_that_is_there_comes_first(self, machine: Machine) -> None:
        machine.put("bin/python3", GOOD)
        machine.put(".venv/bin/python", GOOD)
        assert machine.choose().stdout.strip() == ".venv/bin/python"

    def test_old_python3_gives_way_to_the_newest_versioned_name(self, machine: Machine) -> None:
        machine.put("bin/python3", TOO_OLD)
        machine.put("bin/python3.12", GOOD)
        newer = machine.put("bin/python3.13", GOOD)
        assert machine.choose().stdout.strip() == newer

    def test_name_that_does_not_run_is_passed_over(self, machine: Machine) -> None:
        machine.put("bin/python3", TOO_OLD)
        machine.put("bin/python3.13", SHIM_WITHOUT_VERSION)
        older = machine.put("bin/python3.12", GOOD)
        assert machine.choose().stdout.strip() == older

    def test_newest_of_pyenv_is_found_by_number_not_by_spelling(self, machine: Machine) -> None:
        machine.put("bin/python3", TOO_OLD)
        machine.put("home/.pyenv/versions/3.9.18/bin/python", TOO_OLD)
        machine.put("home/.pyenv/versions/3.13.2/bin/python", GOOD)
        newest = machine.put("home/.pyenv/versions/3.13.10/bin/python", GOOD)
        assert machine.choose().stdout.strip() == newest

    def test_pyenv_is_found_without_a_home(self, machine: Machine) -> None:
        machine.put("bin/python3", SHIM_WITHOUT_VERSION)
        version = machine.put("pyenv/versions/3.12.1/bin/python", GOOD)
        chosen = machine.choose(HOME="", PYENV_ROOT=str(machine.folder / "pyenv"))
        assert chosen.stdout.strip() == version

    def test_incomplete_python_gives_way_to_a_complete_one(self, machine: Machine) -> None:
        machine.put("bin/python3", WITHOUT_VENV)
        complete = machine.put("bin/python3.12", GOOD)
        assert machine.choose().stdout.strip() == complete

    def test_named_python_is_the_only_candidate(self, machine: Machine) -> None:
        machine.put("bin/python3", GOOD)
        assert machine.choose(PYTHON=machine.put("own/python", GOOD)).stdout.strip().endswith("own/python")
        refused = machine.choose(PYTHON=machine.put("own/python", TOO_OLD))
        assert refused.returncode == 1
        assert "own/python is not a Python 3.12 or newer" in refused.stderr


class TestRefusal:
    """What is said where no interpreter will do."""

    @pytest.mark.parametrize("script", [TOO_OLD, SHIM_WITHOUT_VERSION, None])
    def test_it_says_what_to_install(self, machine: Machine, script: str | None) -> None:
        if script is not None:
            machine.put("bin/python3", script)
        answer = machine.choose()
        assert (answer.returncode, answer.stdout) == (1, "")
        assert "Python 3.12 or newer is needed" in answer.stderr
        assert "apt-get install python3 python3-venv" in answer.stderr
        assert "pyenv install" in answer.stderr

    def test_missing_venv_module_is_named_with_its_package(self, machine: Machine) -> None:
        machine.put("bin/python3", WITHOUT_VENV)
        answer = machine.choose()
        assert (answer.returncode, answer.stdout) == (1, "")
        assert "apt-get install python3.13-venv" in answer.stderr


class TestEnvironment:
    """`.venv`: made once, left alone while it is sound, made anew when it is not."""

    def install(self, project: Path) -> str:
        """Runs the installation in ``project``; returns what it said."""
        answer = subprocess.run(
            [sys.executable, project / "requirements" / "install.py", "base"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"},
        )
        return answer.stdout

    def is_sound(self, project: Path) -> bool:
        """What the installation in ``project`` thinks of the environment there."""
        return bool(runpy.run_path(str(project / "requirements" / "install.py"))["is_sound"]())

    def test_it_is_made_once_and_what_is_broken_or_moved_does_not_count(self, tmp_path: Path) -> None:
        project = tmp_path / "first"
        lists = project / "requirements"
        lists.mkdir(parents=True)
        shutil.copy(REQUIREMENTS / "install.py", lists)
        (lists / "base.txt").write_text("# nothing is needed\n", encoding="utf-8")

        assert not self.is_sound(project)
        assert self.install(project).splitlines() == [
            f"Creating .venv with Python {sys.version.split()[0]}",
            "Installing requirements/base.txt",
        ]
        assert self.is_sound(project)
        assert self.install(project) == ""

        (lists / "base.txt").write_text("# nothing is needed any more\n", encoding="utf-8")
        assert self.install(project) == "Installing requirements/base.txt\n"

        python = project / ".venv" / "bin" / "python"
        interpreter = python.readlink()
        python.unlink()
        python.symlink_to(tmp_path / "removed")
        assert not self.is_sound(project)

        python.unlink()
        python.symlink_to(interpreter)
        assert self.is_sound(project)
        assert not self.is_sound(project.rename(tmp_path / "second"))
