from django.db import migrations, models

from config.lib.indexes import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0010_quota_resets")]

    operations = [
        AddIndexBesideWriters(
            "conversation", models.Index(fields=["-last_message_at", "-id"], name="conversation_latest")
        ),
    ]
