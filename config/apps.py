from django.apps import AppConfig
from django.core.checks import register

from config import checks


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import errors  # it knows models, which are there by now

        errors.replace_yellow_pages()
        register(checks.safe_to_start, "dusk")
        register(checks.templates_compile, "dusk", deploy=True)
        register(checks.database_keeps_promises, "dusk", deploy=True)
        register(checks.stripe_serves_us, "dusk", deploy=True)
        register(checks.helplines_were_checked, "dusk", deploy=True)
        register(checks.bucket_serves_us, "dusk", deploy=True)
