from django.db import migrations, models


class Migration(migrations.Migration):
    """The column of before stays, with a default, for the processes that still know it; nothing of ours ever filled it."""

    dependencies = [
        ("accounts", "0003_one_address"),
        ("media", "0001_files_and_uploads"),
    ]

    operations = [
        migrations.AlterField("user", "avatar", models.ImageField(blank=True, db_default="", upload_to="avatars/")),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("user", "avatar")]),
        migrations.AddField(
            "user",
            "avatar",
            models.ForeignKey("media.File", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"),
        ),
    ]
