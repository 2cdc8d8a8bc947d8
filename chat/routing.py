"""Where the websocket is; any other path is refused like a forbidden one."""

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from chat.consumers import TabConsumer

websocket = URLRouter([path("ws/", TabConsumer.as_asgi()), re_path("", WebsocketDenier.as_asgi())])
