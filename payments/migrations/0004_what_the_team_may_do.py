from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_pseudonym"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="purchase",
            options={"ordering": ["-created_at"], "permissions": [("export_purchase", "Can export purchases")]},
        ),
    ]
