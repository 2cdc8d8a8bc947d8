from django.db import migrations

from config.lib.indexes import AddIndexBesideWriters, BlockRangeIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0008_tokens_of_a_cache")]

    operations = [
        AddIndexBesideWriters("message", BlockRangeIndex(fields=["created_at"], name="message_by_time")),
    ]
