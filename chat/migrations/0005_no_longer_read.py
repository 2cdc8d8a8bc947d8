"""Columns that nothing reads any more. The database keeps them while old processes run; the next release drops them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("chat", "0004_what_was_said_so_far")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField("message", "charged"),
                migrations.RemoveField("reply", "message"),
                migrations.RemoveField("reply", "lease_until"),
            ]
        ),
        migrations.RemoveIndex("reply", "reply_latest"),
    ]
