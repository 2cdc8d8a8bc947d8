from django.db import migrations, models


def nobody_has_chosen_yet(apps, schema_editor):
    """No page ever wrote a theme down: what stands there is the default of before."""
    apps.get_model("accounts", "User").objects.filter(theme="system").update(theme="")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_mail_to_an_address_and_a_pause"),
    ]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="theme",
            field=models.CharField(
                blank=True,
                choices=[("system", "System"), ("light", "Light"), ("dark", "Dark")],
                db_default="",
                default="",
                help_text="Empty: never chosen; each browser has its own.",
                max_length=6,
            ),
        ),
        migrations.RunPython(nobody_has_chosen_yet, migrations.RunPython.noop),
    ]
