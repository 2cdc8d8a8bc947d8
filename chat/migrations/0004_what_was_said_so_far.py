"""Rows of before get what the new columns hold, in batches, each a short transaction of its own."""

from django.db import migrations, transaction
from django.db.models import OuterRef, Subquery

BATCH = 2000


def in_batches(rows, **changes):
    while pks := list(rows.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            rows.model.objects.filter(pk__in=pks).update(**changes)


def fill(apps, schema_editor):
    Message, Reply = apps.get_model("chat", "Message"), apps.get_model("chat", "Reply")
    in_batches(Message.objects.filter(charged=True, charged_as=""), charged_as="text")
    made = Reply.objects.filter(message=OuterRef("pk")).values("pk")[:1]
    in_batches(
        Message.objects.filter(reply=None, pk__in=Reply.objects.exclude(message=None).values("message")),
        reply=Subquery(made),
    )
    in_batches(Reply.objects.exclude(state__in=["queued", "writing"]).filter(due_at__isnull=False), due_at=None)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("chat", "0003_what_messages_and_replies_are_made_of")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
