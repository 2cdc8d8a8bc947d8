from django.apps import AppConfig
from django.conf import settings


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Know where Google and Apple are. Their code has models, which are there by now."""
        from accounts import providers

        providers.find(settings.GOOGLE_API_BASE, settings.APPLE_API_BASE)
