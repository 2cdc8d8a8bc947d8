from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_a_theme_was_chosen_or_not")]

    operations = [
        migrations.AddIndex(model_name="mail", index=models.Index(fields=["created_at"], name="mail_newest")),
        migrations.AddIndex(
            model_name="mail",
            index=models.Index(
                fields=["created_at"],
                name="mail_unsent",
                condition=models.Q(due_at__isnull=True, sent_at__isnull=True),
            ),
        ),
    ]
