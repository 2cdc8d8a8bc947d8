"""What is owed gets one form (config/lib/owed.py). Columns keep their names, so that running processes go on.

`mail_owed` and `refreshing_until` are no longer read; they are dropped in the release after this one.
"""

import uuid

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now
from django.template.loader import render_to_string

LEASE = {"blank": True, "editable": False, "help_text": "Fences off whoever lost it.", "null": True}
NAMES_ONLY = migrations.SeparateDatabaseAndState


def owe_mails(apps, schema_editor):
    """Mails that were promised are rows of their own now."""
    purchases = apps.get_model("payments", "Purchase").objects.filter(mail_owed=True).exclude(user=None)
    mails = apps.get_model("accounts", "Mail")
    for purchase in purchases.select_related("user").iterator():
        days = purchase.duration_days
        shown = {
            "title": f"{days} day{'' if days == 1 else 's'} premium",
            "price": f"{(purchase.amount_total or purchase.amount) / 100:.2f} {purchase.currency.upper()}",
            "order": f"DSK-{purchase.id.hex[:6].upper()}",
        }
        user = purchase.user
        person = {"get_short_name": (user.name or user.username).split(" ")[0], "premium_until": user.premium_until}
        context = {"user": person, "purchase": shown, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
        mails.objects.create(
            id=uuid.uuid4(),
            user=user,
            template="premium_on",
            subject=render_to_string("emails/premium_on.subject.txt", context).strip(),
            body=render_to_string("emails/premium_on.body.txt", context),
        )
    purchases.update(mail_owed=False)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_mail"), ("payments", "0001_initial")]

    operations = [
        # Purchase: the look at the processor that is owed.
        NAMES_ONLY(
            state_operations=[
                migrations.RenameField("purchase", "look_at", "due_at"),
                migrations.AlterField(
                    "purchase",
                    "due_at",
                    models.DateTimeField(
                        db_column="look_at",
                        db_index=True,
                        editable=False,
                        help_text="When to ask the processor next.",
                        null=True,
                    ),
                ),
            ]
        ),
        migrations.AddField("purchase", "lease_token", models.UUIDField(**LEASE)),
        migrations.AddField(
            "purchase", "attempts", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)
        ),
        # StripeEvent: the look into it.
        NAMES_ONLY(
            state_operations=[
                migrations.RemoveIndex("stripeevent", "events_to_process"),
                migrations.RenameField("stripeevent", "try_at", "due_at"),
                migrations.RenameField("stripeevent", "tries", "attempts"),
                migrations.AlterField("stripeevent", "due_at", models.DateTimeField(db_column="try_at", null=True)),
                migrations.AlterField(
                    "stripeevent", "attempts", models.PositiveIntegerField(db_column="tries", default=0)
                ),
                migrations.AddIndex(
                    "stripeevent",
                    models.Index(
                        condition=models.Q(("processed_at", None)), fields=["due_at"], name="events_to_process"
                    ),
                ),
            ]
        ),
        migrations.AlterField(
            "stripeevent",
            "due_at",
            models.DateTimeField(
                db_column="try_at",
                db_default=Now(),
                editable=False,
                help_text="When to look into it. Empty: parked for staff, or processed.",
                null=True,
            ),
        ),
        migrations.AlterField(
            "stripeevent",
            "attempts",
            models.PositiveIntegerField(db_column="tries", db_default=0, default=0, editable=False),
        ),
        migrations.AddField("stripeevent", "lease_token", models.UUIDField(**LEASE)),
        # CatalogCache: the next question.
        migrations.AddField(
            "catalogcache",
            "due_at",
            models.DateTimeField(
                blank=True,
                db_default=Now(),
                editable=False,
                help_text="When somebody must look: at the end of a lease while somebody has it. "
                "Empty: nothing is owed.",
                null=True,
            ),
        ),
        migrations.AddField("catalogcache", "lease_token", models.UUIDField(**LEASE)),
        migrations.AddField(
            "catalogcache", "attempts", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)
        ),
        NAMES_ONLY(state_operations=[migrations.RemoveField("catalogcache", "refreshing_until")]),
        # Mails.
        migrations.AlterField("purchase", "mail_owed", models.BooleanField(db_default=False, default=False)),
        migrations.RunPython(owe_mails, migrations.RunPython.noop),
        NAMES_ONLY(state_operations=[migrations.RemoveField("purchase", "mail_owed")]),
    ]
