"""A burst of Stripe's events against production's processes: how soon each is answered, and when all are processed.

    DATABASE_URL=postgres://… REDIS_URL=redis://… python -m bench.payments [events]

Both should be nobody else's. Stripe is played by `tests.fakes.stripe`, in this process. A third of the events are
repeated, a fifth are refunds, and all come in any order.
"""

import json
import os
import random
import secrets
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.fakes.stripe import KEY, SECRET, FakeStripe, Letter, stripe_server
from tests.servers import Process, free_port

SENDERS = 20  # connections that Stripe delivers over at once
LONGEST = 300


def prepare(fake: FakeStripe, events: int) -> list[Letter]:
    """People, each with a payment that nobody has told us of; the letters that tell of them, shuffled."""
    from accounts.models import User
    from payments import catalog, checkout

    fake.add_product()
    catalog.refresh()
    run = secrets.token_hex(4)
    letters: list[Letter] = []
    while len(letters) < events:
        name = f"burst_{run}_{len(letters)}"
        user = User.objects.create(email=f"{name}@example.com", username=name)
        session_id = checkout.start(user, "prod_30", click=uuid.uuid4(), consents=True).rsplit("/", 1)[1]
        fake.pay(session_id)
        if random.random() < 0.2:
            fake.refund(session_id)
        letters += fake.post.letters
        if random.random() < 0.5:
            letters.append(fake.letter("checkout.session.completed", {"id": session_id, "payment_intent": None}))
        fake.post.drop()
    random.shuffle(letters)
    return letters[:events]


def measure(site: str, letters: list[Letter]) -> dict[str, object]:
    """Deliver all, then wait until all are processed and the book says what Stripe says."""
    import httpx

    from payments.models import Purchase, StripeEvent

    waits: list[float] = []
    ids = [json.loads(letter.body)["id"] for letter in letters]
    with httpx.Client(base_url=site, timeout=30, trust_env=False) as stripe:

        def deliver(letter: Letter) -> int:
            at = time.monotonic()
            headers = {"Stripe-Signature": letter.signature, "Content-Type": "application/json"}
            status = stripe.post("/webhooks/stripe/", content=letter.body, headers=headers).status_code
            waits.append(time.monotonic() - at)
            return status

        began = time.monotonic()
        with ThreadPoolExecutor(SENDERS) as senders:
            statuses = list(senders.map(deliver, letters))
        answered = time.monotonic() - began
    ours = StripeEvent.objects.filter(pk__in=ids)
    while left := ours.filter(processed_at=None).count():
        if time.monotonic() - began > LONGEST:
            break
        time.sleep(0.1)
    waits.sort()
    heard = Purchase.objects.filter(session_id__in=ours.exclude(session_id="").values("session_id"))
    wrong = sum((p.status == "paid") != p.user.premium_active for p in heard.select_related("user"))
    return {
        "events": len(letters),
        "not answered 200": sum(status != 200 for status in statuses),
        "answer p50 ms": round(waits[len(waits) // 2] * 1000),
        "answer p95 ms": round(waits[len(waits) * 95 // 100] * 1000),
        "all answered s": round(answered, 1),
        "all processed s": round(time.monotonic() - began, 1),
        "not processed": left,
        "purchases that disagree with premium": wrong,
    }


def main() -> None:
    """Start everything, measure, print, stop everything."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    port = free_port()
    with ExitStack() as stack:
        fake = stack.enter_context(stripe_server())
        os.environ.update(
            DJANGO_SETTINGS_MODULE="config.settings",
            ENV_FILE=os.devnull,
            DEBUG="1",
            SECRET_KEY=secrets.token_urlsafe(50),
            LOG_LEVEL="WARNING",
            SITE_URL=f"http://127.0.0.1:{port}",
            HOST="127.0.0.1",
            PORT=str(port),
            STRIPE_SECRET_KEY=KEY,
            STRIPE_WEBHOOK_SECRET=SECRET,
            STRIPE_API_BASE=fake.url,
        )
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        letters = prepare(fake, events)
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dusk-bench-")))
        env = dict(os.environ)
        web, _ = [stack.enter_context(Process(name, ["bin/process", name], logs, env)) for name in ("web", "worker")]
        web.wait_for(port)
        for name, value in measure(env["SITE_URL"], letters).items():
            sys.stdout.write(f"{name:>40}  {value}\n")


if __name__ == "__main__":
    main()
