"""Databases for tests: migrated once in a run, and copied for whoever needs one.

Migrating takes longer than hundreds of tests, and copying a file or a database of PostgreSQL hardly any time.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from filelock import FileLock


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The migrated database of a run that nobody works in; ``folder`` is shared by the processes of the run."""

    folder: Path
    name: str


@contextmanager
def template_database(folder: Path, process: str) -> Iterator[Template]:
    """Made by the first ``process`` of a run that asks for it, and gone with the last.

    What comes after in this process works in a copy of it (`own_database`).
    """
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        settings["TEST"]["NAME"] = str(folder / "test.sqlite3")
    lock, users = FileLock(folder / "databases.lock"), folder / "database-users"
    with lock:
        if users.is_dir():
            settings["NAME"] = (users / "of").read_text(encoding="utf-8")
        else:
            # Also over what a run has left that was killed.
            name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
            connection.close()
            users.mkdir()
            (users / "of").write_text(name, encoding="utf-8")
        (users / process).touch()
    template = Template(folder=folder, name=settings["NAME"])
    yield template
    settings["NAME"] = template.name
    with lock:
        (users / process).unlink()
        if [path.name for path in users.iterdir()] == ["of"]:
            shutil.rmtree(users)
            connection.creation.destroy_test_db(None, verbosity=0)


@contextmanager
def own_database(template: Template, process: str) -> Iterator[None]:
    """The database that tests of this ``process`` find under Django's own name for it."""
    creation, settings = connection.creation, connection.settings_dict
    with FileLock(template.folder / "databases.lock"):
        creation.clone_test_db(suffix=process, verbosity=0, autoclobber=True)
    settings.update(creation.get_test_db_clone_settings(process))
    yield
    settings["NAME"] = template.name
    creation.destroy_test_db(None, verbosity=0, suffix=process)


@contextmanager
def spare_database(folder: Path, template: Template | None) -> Iterator[str]:
    """The DATABASE_URL of one more, for processes of their own: a copy of ``template``, empty where that is None.

    On SQLite it is in ``folder``.
    """
    if connection.vendor == "sqlite":
        path = folder / ("empty.sqlite3" if template is None else "migrated.sqlite3")
        if template is not None:
            shutil.copy(template.name, path)
        yield f"sqlite:///{path}"
        return
    server, name = os.environ["DATABASE_URL"], f"spare_{secrets.token_hex(4)}"
    copied = "" if template is None else f" TEMPLATE {template.name}"
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute(f"CREATE DATABASE {name}{copied}")
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
