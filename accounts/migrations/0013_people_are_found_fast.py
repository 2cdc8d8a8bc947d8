"""The list of people is in the order in which they came, and finds them by how their username begins."""

from django.db import migrations, models

INDEX = "person_username_begins"


def add(apps, schema_editor):
    """PostgreSQL needs an index of its own for `LIKE 'ali%'`, whatever the language of the database."""
    if schema_editor.connection.vendor == "postgresql":
        table = apps.get_model("accounts", "User")._meta.db_table
        schema_editor.execute(f'CREATE INDEX {INDEX} ON "{table}" (LOWER("username") text_pattern_ops)')


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX {INDEX}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_who_assigns_roles")]

    operations = [
        migrations.AddIndex("user", models.Index(fields=["-date_joined", "-id"], name="people_newest_first")),
        migrations.RunPython(add, remove),
    ]
