"""What the checks say about the database and the keys."""

from pathlib import Path

import psycopg
from cryptography.fernet import Fernet
from django.core.checks.registry import registry
from django.db import connection, connections
from pytest_django import Settings

from invites import checks
from tests.factories import AppFactory


class TestSearchSeesChinese:
    def test_database_that_knows_chinese_letters_is_fine(self, db: None) -> None:
        assert checks.search_sees_chinese in registry.registered_checks
        assert checks.search_sees_chinese(databases=["default"]) == []

    def test_database_for_english_alone_is_warned_about(self, db: None) -> None:
        if connection.vendor != "postgresql":
            assert checks.search_sees_chinese(databases=None) == []
            return
        parameters = connection.get_connection_params()
        server = {
            name: parameters[name] for name in ("host", "port", "user", "password") if name in parameters
        }
        with psycopg.connect(**server, dbname="postgres", autocommit=True) as administrator:
            administrator.execute("DROP DATABASE IF EXISTS english")
            administrator.execute("CREATE DATABASE english TEMPLATE template0 LC_CTYPE 'C' LC_COLLATE 'C'")
            english = connection.copy("english")
            english.settings_dict = connection.settings_dict | {"NAME": "english"}
            connections["english"] = english
            try:
                (warning,) = checks.search_sees_chinese(databases=["english"])
                assert (warning.id, "english" in warning.msg) == ("invites.W001", True)
            finally:
                english.close()
                del connections["english"]
                administrator.execute("DROP DATABASE english WITH (FORCE)")


class TestSecretsCanBeRead:
    def test_other_keys_than_those_of_the_backup_are_told_with_what_they_do_not_open(
        self, db: None, settings: Settings
    ) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        AppFactory(name="Head office", client_secret="hush-hush")
        assert checks.secrets_can_be_read(databases=["default"]) == []
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        warnings = checks.secrets_can_be_read(databases=["default"])
        assert {warning.id for warning in warnings} == {"invites.W002"}
        assert all("Head office" in warning.msg for warning in warnings)
        assert "hush" not in str(warnings)
        assert checks.secrets_can_be_read(databases=None) == []


class TestKeysAreTheInstallationsOwn:
    def test_shared_database_wants_keys_that_are_set_and_a_file_does_not(self, settings: Settings) -> None:
        settings.SECRET_KEY_IS_OWN, settings.FIELD_ENCRYPTION_KEYS, settings.HISTORY_KEYS = False, [], []
        found = [each.id for each in checks.keys_are_the_installations_own()]
        assert found == (["invites.W003"] * 3 if connection.vendor == "postgresql" else [])
        settings.SECRET_KEY_IS_OWN, settings.FIELD_ENCRYPTION_KEYS, settings.HISTORY_KEYS = True, ["k"], ["h"]
        assert checks.keys_are_the_installations_own() == []


class TestNobodyElseReadsTheKeys:
    def test_files_that_everybody_may_read_are_told(self, settings: Settings, tmp_path: Path) -> None:
        settings.DATA_DIR, settings.ENV_FILE = tmp_path, str(tmp_path / "env")
        settings.SECRET_KEY_IS_OWN = False
        assert checks.nobody_else_reads_the_keys() == []
        for name in ("secret-key", "env"):
            (tmp_path / name).touch(mode=0o600)
        assert checks.nobody_else_reads_the_keys() == []
        for name in ("secret-key", "env"):
            (tmp_path / name).chmod(0o644)
        found = checks.nobody_else_reads_the_keys()
        assert [(each.id, each.is_serious()) for each in found] == [
            ("invites.E001", True),
            ("invites.W004", False),
        ]
        settings.SECRET_KEY_IS_OWN, settings.ENV_FILE = True, ""
        assert checks.nobody_else_reads_the_keys() == []
