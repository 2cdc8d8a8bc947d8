"""Indexes that cost whoever writes next to nothing."""

from typing import Any

from django.db import models
from django.db.migrations.operations import AddIndex

PAGES = 32  # of the table, each of which the index knows the earliest and the latest moment of: a quarter of a megabyte


class BlockRangeIndex(models.Index):
    """For a moment in rows that are written in its order: PostgreSQL's BRIN, and a plain index elsewhere.

    Of a million messages it is 100 kB, and a new row mostly changes nothing in it: pages are summarized when they are
    full. At worst it costs a row 6 µs (docs/benchmarks.md).
    """

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        """As Django's own, which would need all of django.contrib.postgres, and that database."""
        if schema_editor.connection.vendor != "postgresql":
            return super().create_sql(model, schema_editor, using=using, **kwargs)
        statement: Any = super().create_sql(model, schema_editor, using=" USING brin", **kwargs)
        how = f" WITH (autosummarize = on, pages_per_range = {PAGES})"
        statement.parts["extra"] = f"{how}{statement.parts['extra']}"
        return statement


class AddIndexBesideWriters(AddIndex):
    """Adds an index to a table in which people write: they go on meanwhile. Its migration says `atomic = False`."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """CONCURRENTLY, where there is such a thing."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            beside = {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}
            schema_editor.add_index(model, self.index, **beside)
