from typing import Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.contrib.admin import apps as admin
from django.contrib.auth.management import create_permissions
from django.db.models.signals import post_migrate

from config.lib import auditing


class StaffConfig(AppConfig):
    name = "staff"
    default_auto_field = "django.db.models.BigAutoField"
    default = True

    def ready(self) -> None:
        """Write down what the apps tell; keep the roles, whenever migrations ran, as Django keeps the permissions."""
        from staff import audit  # it knows models, which are there by now

        auditing.told_to(audit.record)
        post_migrate.connect(_sync_roles, sender=self)


def _sync_roles(*, using: str, apps: Any = all_apps, verbosity: int = 1, **_: Any) -> None:
    from staff import roles  # it knows models, which are there by now

    try:
        apps.get_model("auth", "Permission")
    except LookupError:  # migrations are applied up to before there were any
        return
    for config in all_apps.get_app_configs():  # Django makes those of the apps after this one later
        create_permissions(config, using=using, apps=apps, verbosity=0)
    for change in roles.sync(using=using, skip_unknown=True):
        if verbosity:
            print(f"  Role {change.role}: {len(change.gives)} permissions given, {len(change.takes)} taken")  # noqa: T201


class ConsoleConfig(admin.AdminConfig):
    """Django's admin, with the staff's console for its site."""

    default = False
    default_site = "staff.site.StaffSite"
