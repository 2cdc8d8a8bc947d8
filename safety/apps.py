from typing import Any

from django.apps import AppConfig
from django.apps import apps as all_apps
from django.db.models.signals import post_migrate


class SafetyConfig(AppConfig):
    name = "safety"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Bring in the helplines of a new release whenever migrations ran, as the roles are."""
        post_migrate.connect(_load_helplines, sender=self)


def _load_helplines(*, using: str, apps: Any = all_apps, verbosity: int = 1, **_: Any) -> None:
    from safety import loading  # it knows models, which are there by now

    try:
        apps.get_model("safety", "Helpline")
    except LookupError:  # migrations are applied up to before there were any
        return
    said = loading.load(using=using)
    if verbosity:
        for line in said.lines():
            print(f"  Helplines: {line}")  # noqa: T201
