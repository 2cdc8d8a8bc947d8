from django.apps import AppConfig


class GirlsConfig(AppConfig):
    name = "girls"
    default_auto_field = "django.db.models.BigAutoField"
