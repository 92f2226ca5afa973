"""What the checks say about the database."""

import psycopg
from django.core.checks.registry import registry
from django.db import connection, connections

from invites import checks


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
