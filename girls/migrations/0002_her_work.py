"""Her work, with a default in the database, so that running processes write rows without it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("girls", "0001_initial")]

    operations = [
        migrations.AddField(
            "girl",
            "work",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="As it goes on after her age: ceramicist.",
                max_length=60,
            ),
        ),
    ]
