"""Indexes that are built while others write. Not a migration: its name begins with an underscore."""

from django.db import migrations


class AddIndexBeside(migrations.AddIndex):
    """Builds an index on PostgreSQL beside whatever is written meanwhile, for which a migration must not be atomic.

    What an interrupted one has left is built anew.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.index.name)}")
            schema_editor.add_index(model, self.index, concurrently=True)
