from django.db import migrations
from django.db.models import F
from django.db.models.functions import Lower

import accounts.spelling


def one_spelling(apps, schema_editor):
    """Addresses get their one spelling, where nobody else has it; lower case was the rule before."""
    User = apps.get_model("accounts", "User")
    for pk, email in User.objects.values_list("pk", "email").iterator():
        spelt = accounts.spelling.address(email)
        if spelt != email and not User.objects.filter(email=spelt).exclude(pk=pk).exists():
            User.objects.filter(pk=pk).update(email=spelt)


def forget_former_addresses(apps, schema_editor):
    """What staff corrected before still let its former owner in."""
    apps.get_model("account", "EmailAddress").objects.exclude(email=Lower(F("user__email"))).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_mail"), ("account", "0009_emailaddress_unique_primary_email")]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="email",
            field=accounts.spelling.AddressField(max_length=254, unique=True, verbose_name="e-mail address"),
        ),
        migrations.RunPython(one_spelling, migrations.RunPython.noop),
        migrations.RunPython(forget_former_addresses, migrations.RunPython.noop),
    ]
