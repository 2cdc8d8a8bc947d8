from django.apps import AppConfig


class GirlsConfig(AppConfig):
    name = "girls"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from girls import purposes  # it knows models, which are there by now

        purposes.register_all()
