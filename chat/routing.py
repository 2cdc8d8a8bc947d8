"""Where the websocket is; any other path is refused like a forbidden one."""

from channels.routing import URLRouter
from django.urls import path, re_path

from chat.consumers import TabConsumer
from config.lib.doors import refused_socket

websocket = URLRouter([path("ws/", TabConsumer.as_asgi()), re_path("", refused_socket)])  # type: ignore[arg-type]  # ASGI
