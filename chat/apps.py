from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class ChatConfig(AppConfig):
    name = "chat"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of endings and premium: they come by signal, because accounts may not know that sockets exist."""
        from accounts.premium import premium_changed  # models are loaded by now
        from accounts.sessions import sessions_ended
        from chat.realtime import account_changed, end_session, end_sessions

        user_logged_out.connect(end_session, dispatch_uid="chat.end_session")
        sessions_ended.connect(end_sessions, dispatch_uid="chat.end_sessions")
        premium_changed.connect(account_changed, dispatch_uid="chat.account_changed")
