from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("girls", "0004_what_she_shows"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="girl",
            options={
                "ordering": ["position", "-created_at", "-pk"],
                "permissions": [("try_persona", "Can try a persona on the model host")],
                "verbose_name": "character",
            },
        ),
    ]
