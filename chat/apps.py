from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class ChatConfig(AppConfig):
    name = "chat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of logouts: Django tells them by signal, and accounts may not know that sockets exist."""
        from chat.realtime import end_session  # models are loaded by now

        user_logged_out.connect(end_session, dispatch_uid="chat.end_session")
