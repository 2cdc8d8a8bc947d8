from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0002_audit"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="audit",
            options={
                "default_permissions": ("view",),
                "ordering": ["-at", "-pk"],
                "permissions": [("view_overview", "Can view the overview")],
                "verbose_name_plural": "audit",
            },
        ),
    ]
