"""The web's door: HTTP to Django, `/ws/` to the one consumer."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

from config.checks import refuse_unsafe

refuse_unsafe()
http = get_asgi_application()  # before anything that needs models

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter

from chat.routing import websocket
from config.health import lifespan
from config.origins import SameOrigin

application = ProtocolTypeRouter(
    {"http": http, "websocket": SameOrigin(AuthMiddlewareStack(websocket)), "lifespan": lifespan}
)
