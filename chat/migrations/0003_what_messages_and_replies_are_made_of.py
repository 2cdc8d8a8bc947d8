"""New columns, all with a default in the database, so that running processes write rows without them."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

CHARGES = [("text", "A message"), ("media", "A photo"), ("audio", "A voice note")]


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_one_index_is_enough")]

    operations = [
        migrations.AddField(
            "conversation",
            "cleared_version",
            models.PositiveBigIntegerField(
                db_default=0,
                default=0,
                help_text="Whoever knows an older version than this starts afresh: rows are gone.",
            ),
        ),
        # Message
        migrations.AlterField(
            "message",
            "sender",
            models.CharField(
                choices=[("user", "Member"), ("ai", "Character"), ("site", "The site itself")], max_length=4
            ),
        ),
        migrations.AlterField(
            "message",
            "kind",
            models.CharField(
                choices=[
                    ("text", "Text"),
                    ("image", "Photo"),
                    ("video", "Video"),
                    ("audio", "Voice note"),
                    ("notice", "Notice"),
                ],
                default="text",
                max_length=6,
            ),
        ),
        migrations.AddField(
            "message",
            "reply",
            models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The reply that made what stands here now.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="messages",
                to="chat.reply",
            ),
        ),
        migrations.AddField(
            "message",
            "charged_as",
            models.CharField(
                blank=True, choices=CHARGES, db_default="", default="", help_text="What it used up.", max_length=5
            ),
        ),
        migrations.AddField("message", "edited_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "message",
            "deleted_at",
            models.DateTimeField(blank=True, help_text="The words are gone, the place stays.", null=True),
        ),
        migrations.AddField(
            "message",
            "alternatives",
            models.PositiveSmallIntegerField(db_default=1, default=1, help_text="How many answers there are."),
        ),
        migrations.AddField(
            "message",
            "chosen",
            models.PositiveSmallIntegerField(db_default=1, default=1, help_text="Which of them stands here."),
        ),
        migrations.AddIndex(
            "message",
            models.Index(condition=models.Q(("reply__isnull", False)), fields=["reply"], name="message_of_a_reply"),
        ),
        migrations.AlterField("message", "charged", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            name="Alternative",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.PositiveBigIntegerField()),
                ("n", models.PositiveSmallIntegerField()),
                ("text", models.TextField()),
                (
                    "conversation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="chat.conversation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("conversation", "seq", "n"), name="one_alternative_for_each_n")
                ],
            },
        ),
        # Reply
        migrations.AddField(
            "reply",
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
        migrations.AlterField(
            "reply",
            "lease_token",
            models.UUIDField(blank=True, editable=False, help_text="Fences off whoever lost it.", null=True),
        ),
        migrations.AlterField(
            "reply", "attempts", models.PositiveSmallIntegerField(db_default=0, default=0, editable=False)
        ),
        migrations.AddField(
            "reply",
            "version",
            models.PositiveBigIntegerField(
                db_default=0,
                default=0,
                help_text="The conversation's when it was owed: the latest reply has the highest.",
            ),
        ),
        migrations.AddField(
            "reply",
            "purpose",
            models.CharField(
                choices=[("answer", "An answer"), ("regenerate", "Another answer")],
                db_default="answer",
                default="answer",
                max_length=10,
            ),
        ),
        migrations.AddField(
            "reply",
            "replaces",
            models.PositiveBigIntegerField(
                blank=True, help_text="The seq of the message it is another answer for.", null=True
            ),
        ),
        migrations.AddField(
            "reply",
            "charged_as",
            models.CharField(
                blank=True,
                choices=CHARGES,
                db_default="",
                default="",
                help_text="What it used up itself.",
                max_length=5,
            ),
        ),
        migrations.AlterField("reply", "created_at", models.DateTimeField(db_default=Now(), editable=False)),
        migrations.AlterField(
            "reply",
            "text",
            models.TextField(blank=True, help_text="Written so far; saved every few seconds."),
        ),
        migrations.AddIndex(
            "reply", models.Index(fields=["conversation", "-version", "-created_at"], name="reply_latest_first")
        ),
    ]
