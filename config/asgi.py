"""The web's door: HTTP to Django, `/ws/` to the one consumer."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

from config.checks import refuse_unsafe

refuse_unsafe()
django.setup(set_prefix=False)  # before anything that needs models

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter

from chat.routing import websocket
from config import urls  # noqa: F401 - all pages, before the first is asked for
from config.addresses import PerAddress
from config.bodies import most_of
from config.health import Health, lifespan
from config.lib.handler import ThreadedHandler
from config.origins import SameOrigin, WithSession

people = PerAddress(
    ProtocolTypeRouter(
        {
            "http": ThreadedHandler(most_of),
            "websocket": SameOrigin(WithSession(AuthMiddlewareStack(websocket))),
        }
    )
)
application = ProtocolTypeRouter({"http": Health(people), "websocket": people, "lifespan": lifespan})
