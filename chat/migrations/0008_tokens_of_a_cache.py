from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0007_what_the_team_may_do")]

    operations = [
        migrations.AddField(
            "reply",
            "tokens_cached",
            models.PositiveIntegerField(
                blank=True, help_text="Of those in: what the host had read before.", null=True
            ),
        ),
    ]
