from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0006_conversations_can_be_brought_back"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="conversation",
            options={
                "permissions": [
                    ("read_conversation", "Can read what was said, with a reason that is written down"),
                    ("reset_quotas", "Can reset free quotas"),
                ]
            },
        ),
    ]
