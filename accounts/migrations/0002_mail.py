import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Mail",
            fields=[
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True,
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        help_text="When somebody must look: at the end of a lease while somebody has it. "
                        "Empty: nothing is owed.",
                        null=True,
                    ),
                ),
                (
                    "lease_token",
                    models.UUIDField(blank=True, editable=False, help_text="Fences off whoever lost it.", null=True),
                ),
                ("attempts", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)),
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("template", models.CharField(max_length=60)),
                ("subject", models.CharField(max_length=200)),
                ("body", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                (
                    "error",
                    models.CharField(blank=True, help_text="Why it was not sent yet, or never.", max_length=300),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mails",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="mail_due")
                ],
            },
        ),
    ]
