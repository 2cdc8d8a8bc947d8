"""The web server: uvicorn, and how it is set, for every process that serves.

`python -m config.server` is the web process of the Procfile; `config/embedded.py` runs the same in its own.
"""

import os
from typing import Any

import uvicorn
from django.conf import settings

APPLICATION = "config.asgi:application"
BACKLOG = 2048  # connections that wait to be accepted

# Django sets logging up for the whole process, and a middleware logs each request. What a browser says over its socket
# is short and rare; small buffers and no compression keep ten thousand sockets in little memory (decision 3).
OPTIONS: dict[str, Any] = {
    "http": "config.connections:Http",
    "ws": "config.connections:Websocket",
    "timeout_keep_alive": 5,
    "access_log": False,
    "log_config": None,
    "ws_max_size": 64 * 1024,
    "ws_max_queue": 8,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20,
    "ws_ping_timeout": 20,
}


def main() -> None:
    """Serve until SIGTERM. uvicorn itself reads WEB_CONCURRENCY and FORWARDED_ALLOW_IPS, also those of .env by now."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    uvicorn.run(
        APPLICATION,
        host=settings.HOST or "0.0.0.0",  # noqa: S104 - a container's port is opened by its host
        port=int(settings.PORT),
        backlog=BACKLOG,
        timeout_graceful_shutdown=10,
        **OPTIONS,
    )


if __name__ == "__main__":
    main()
