"""How soon /healthz answers while somebody whom the site needs says nothing: `python -m bench.health`.

A web process, a worker, a PostgreSQL and a Redis of their own; Stripe, Turnstile and the model host are doors behind
which nobody speaks, and PostgreSQL is reached through a relay that can fall silent. Meanwhile a crowd of browsers
knocks at the doors that wait for the one who is silent, again and again.
"""

import contextlib
import http.client
import os
import secrets
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg

from tests.servers import ROOT, Process, Redis, free_port, postgres, provide

CROWD, REST = 64, 2.0  # browsers, and seconds before one that was answered asks again
PROBES, PAUSE = 250, 0.04


class Silent:
    """A port that takes connections and never says a word; or hands on, until it is told to be silent."""

    def __init__(self, to: int | None = None) -> None:
        self.to = to
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.speaks = threading.Event()
        if to:
            self.speaks.set()
        self.refuses = False
        self.held: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            here, _ = self.listener.accept()
            if self.refuses:
                here.close()
                continue
            self.held.append(here)
            if self.to:
                there = socket.create_connection(("127.0.0.1", self.to))
                for a, b in ((here, there), (there, here)):
                    threading.Thread(target=self._hand_on, args=(a, b), daemon=True).start()

    def cut(self) -> None:
        """Let nobody in, and hang up on whoever is."""
        self.refuses = True
        for here in self.held:
            with contextlib.suppress(OSError):
                here.shutdown(socket.SHUT_RDWR)
        self.held = []

    def _hand_on(self, a: socket.socket, b: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                self.speaks.wait()
                b.sendall(data)
        with contextlib.suppress(OSError):
            b.shutdown(socket.SHUT_RDWR)


def arrange(database: str, redis: str, stripe: Silent, turnstile: Silent, model: Silent) -> dict[str, str]:
    """A production's environment in which everybody is silent, and the rows that are needed."""
    port = free_port()
    env = {
        "ENV_FILE": os.devnull,
        "DEBUG": "0",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "SITE_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "TRUSTED_PROXY_COUNT": "1",  # each browser has an address of its own
        "TURNSTILE_SITE_KEY": "0x4AAAAAAABench",
        "TURNSTILE_SECRET_KEY": "0x4AAAAAAABench",
        "TURNSTILE_VERIFY_URL": f"http://127.0.0.1:{turnstile.port}/",
        "STRIPE_SECRET_KEY": "sk_test_bench",
        "STRIPE_WEBHOOK_SECRET": "whsec_bench",
        "STRIPE_API_BASE": f"http://127.0.0.1:{stripe.port}",
        "LLM_BASE_URL_PRIMARY": f"http://127.0.0.1:{model.port}",
        "LLM_MODEL_PRIMARY": "bench",
    }
    os.environ.update(env)
    return env


def percentile(took: list[float], share: float) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * share))] * 1000


class Crowd:
    """Browsers that ask again and again, until it is over; how they were answered."""

    def __init__(self, ask: Callable[[int], int]) -> None:
        self.ask, self.over, self.answers = ask, threading.Event(), Counter[int]()
        self.threads = [threading.Thread(target=self._go_on, args=(n,), daemon=True) for n in range(CROWD)]

    def _go_on(self, n: int) -> None:
        while not self.over.is_set():
            try:
                self.answers[self.ask(n)] += 1
            except httpx.HTTPError:
                self.answers[0] += 1
            self.over.wait(REST)

    def __enter__(self) -> "Crowd":
        for thread in self.threads:
            thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()


def probe(site: str, path: str, count: int = PROBES) -> list[float]:
    """Seconds that each of so many probes took, each on a connection of its own, as orchestrators do."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        door = http.client.HTTPConnection(urlsplit(site).netloc, timeout=30)
        door.request("GET", path)
        door.getresponse().read()
        door.close()
        took.append(time.monotonic() - began)
        time.sleep(PAUSE)
    return took


def doors(site: str) -> tuple[dict[str, Callable[[int], int]], Callable[[int], int]]:
    """What the crowd asks, by who is silent; and a page that needs the database only."""
    from bench import stage

    stage.build()
    from django.utils import timezone

    from payments.models import CatalogCache, Purchase

    tabs = stage.tabs("crowd", CROWD)
    users = list(stage.User.objects.filter(username__startswith="crowd").order_by("pk"))
    CatalogCache.objects.update_or_create(pk=1, defaults={"refreshed_at": timezone.now(), "plans": []})
    later = timezone.now() + stage.timedelta(days=1)
    for n, user in enumerate(users):
        terms = {"product_id": "p", "name": "p", "price_id": "p", "amount": 1, "currency": "usd", "duration_days": 30}
        when = {"expires_at": later, "due_at": later}
        Purchase.objects.create(user=user, click=uuid.uuid4(), session_id=f"cs_{n}", **terms, **when)
    one = httpx.Client(base_url=site, trust_env=False, timeout=120, limits=httpx.Limits(max_connections=None))

    def headers(n: int) -> dict[str, str]:
        return {"Cookie": tabs[n]["cookie"], "X-CSRFToken": tabs[n]["csrf"], "Accept": "text/html", "Origin": site}

    def success(n: int) -> int:
        return one.get(f"/checkout/success/?session_id=cs_{n}", headers=headers(n)).status_code

    def sign_in(n: int) -> int:
        csrf = "c" * 32
        form = {"login": f"x{uuid.uuid4()}@example.com", "password": "x", "cf-turnstile-response": "x"}
        cookie = {"Cookie": f"csrftoken={csrf}", "Origin": site, "X-Forwarded-For": f"192.0.2.{n}"}
        return one.post("/accounts/login/", data={**form, "csrfmiddlewaretoken": csrf}, headers=cookie).status_code

    def send(n: int) -> int:
        body = {"text": "Hello", "client_id": str(uuid.uuid4()), "permit": tabs[n]["permit"]}
        return one.post(f"/chat/{tabs[n]['conversation']}/messages/", json=body, headers=headers(n)).status_code

    def page(n: int) -> int:
        return one.get("/chat/", headers=headers(n)).status_code

    return {"Stripe": success, "Turnstile": sign_in, "the model host": send, "PostgreSQL": page}, page


@contextlib.contextmanager
def site(scratch: Path, env: dict[str, str], database: str) -> Iterator[str]:
    """Web and worker at work."""
    env = {**os.environ, **env, "DATABASE_URL": database}
    with contextlib.ExitStack() as stack:
        for name in ("web", "worker"):
            process = stack.enter_context(Process(name, ["bin/process", name], scratch, env, apart=True))
            if name == "web":
                process.wait_for(int(env["PORT"]))
        yield env["SITE_URL"]


def main() -> None:
    provide(["postgres", "redis"])
    with tempfile.TemporaryDirectory(prefix="dusk-bench-") as folder, contextlib.ExitStack() as stack:
        scratch = Path(folder)
        scratch.chmod(0o755)
        direct = stack.enter_context(postgres(scratch))
        redis = stack.enter_context(Redis(scratch, apart=True)).url
        stripe, turnstile, model = Silent(), Silent(), Silent()
        relay = Silent(to=urlsplit(direct).port)
        env = arrange(direct, redis, stripe, turnstile, model)
        asked, page = doors(env["SITE_URL"])
        through = urlsplit(direct)._replace(netloc=f"postgres@127.0.0.1:{relay.port}").geturl()
        where = stack.enter_context(site(scratch, env, through))
        probe(where, "/healthz", 20)
        print("silent           /healthz p50      p99      max   /readyz p99   answers to the crowd")
        more = {"a locked table": page, "nobody, refused": page}
        for name, ask in {"nobody": page, **asked, **more}.items():
            lock = None
            if name == "PostgreSQL":
                relay.speaks.clear()
            if name == "a locked table":
                lock = psycopg.connect(direct)
                lock.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
            if name == "nobody, refused":  # PostgreSQL lets nobody in
                relay.cut()
            with Crowd(ask) as crowd:
                took = probe(where, "/healthz")
                ready = probe(where, "/readyz", 20)
                said = ", ".join(f"{n} x {code or 'none'}" for code, n in sorted(crowd.answers.items()))
            relay.speaks.set()
            if lock is not None:
                lock.close()
            p50, p99, most = percentile(took, 0.5), percentile(took, 0.99), max(took) * 1000
            print(
                f"{name:16} {p50:10.1f} ms {p99:5.1f} ms {most:5.1f} ms {percentile(ready, 0.99):9.1f} ms   {said}",
                flush=True,
            )
            time.sleep(3)


if __name__ == "__main__":
    os.chdir(ROOT)
    os.environ["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    sys.exit(main())
