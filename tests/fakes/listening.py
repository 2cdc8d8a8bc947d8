"""What the vendors' fakes listen with."""

from http.server import ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Many may knock at once: the standard library's five in a queue would have some of them turned away."""

    daemon_threads = True
    request_queue_size = 128
