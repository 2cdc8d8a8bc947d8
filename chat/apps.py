from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class ChatConfig(AppConfig):
    name = "chat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of logouts and premium: they come by signal, because accounts may not know that sockets exist."""
        from accounts.premium import premium_changed  # models are loaded by now
        from chat.realtime import account_changed, end_session

        user_logged_out.connect(end_session, dispatch_uid="chat.end_session")
        premium_changed.connect(account_changed, dispatch_uid="chat.account_changed")
