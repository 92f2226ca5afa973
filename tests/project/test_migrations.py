"""A new release may be rolled out while the old one runs: its migrations break nothing that the old code does."""

from typing import Final

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED, Field, Model
from django_migration_linter import MigrationLinter

BASELINE: Final = "0007_history_that_is_kept"
"""Up to here installations were stopped for an upgrade. What comes after is looked at, one migration by one."""

ACCEPTED: Final[dict[str, str]] = {}
"""Migrations that the linter complains of, and why the old code can live with them all the same."""


def later_migrations() -> list[str]:
    """The names of ours that came after the baseline."""
    loader = MigrationLoader(None)
    return sorted(name for app, name in loader.disk_migrations if app == "invites" and name > BASELINE)


@pytest.mark.django_db
class TestBesideTheOldCode:
    def test_migration_linter_finds_nothing_that_breaks_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        if connection.vendor != "postgresql":
            # SQLite has one machine, and alters a table by making it anew, which no linter reads as what it is.
            assert later_migrations()
            return
        linter = MigrationLinter(
            include_name=[name for name in later_migrations() if name not in ACCEPTED],
            include_apps=["invites"],
            no_cache=True,
        )
        linter.lint_all_migrations()
        assert linter.nb_valid + linter.nb_warnings + linter.nb_erroneous >= len(later_migrations()) - len(
            ACCEPTED
        )
        assert not linter.has_errors, capsys.readouterr().out

    def test_every_column_that_was_added_is_filled_by_the_database_where_the_old_code_does_not_know_it(
        self,
    ) -> None:
        loader = MigrationLoader(connection)
        before = loader.project_state(("invites", BASELINE)).apps
        after = loader.project_state(loader.graph.leaf_nodes()).apps
        left_open = [
            f"{model._meta.label}.{field.name}"
            for model in after.get_models()
            if model._meta.app_label == "invites" and model._meta.label in _labels(before.get_models())
            for field in _added(before.get_model(model._meta.label), model)
            if not field.null and field.db_default is NOT_PROVIDED
        ]
        assert left_open == []


def _labels(models: list[type[Model]]) -> set[str]:
    return {model._meta.label for model in models}


def _added(old: type[Model], new: type[Model]) -> list[Field[object, object]]:
    """The columns of ``new`` that ``old`` did not have."""
    known = {field.column for field in old._meta.concrete_fields}
    return [field for field in new._meta.concrete_fields if field.column not in known]
