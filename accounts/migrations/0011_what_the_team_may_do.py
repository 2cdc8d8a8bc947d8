from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_sessions_have_rows"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "permissions": [
                    ("end_sessions", "Can end the sessions of people"),
                    ("deactivate_user", "Can deactivate people, and let them in again"),
                    ("erase_user", "Can start and call off the erasure of people"),
                ]
            },
        ),
    ]
