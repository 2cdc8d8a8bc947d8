"""Who is asked outside: Stripe, Turnstile, the mail, the bucket, the model hosts, and the way to ourselves."""

import asyncio
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings

from accounts import transports, turnstile
from chat import llm
from config.lib import localhosts
from config.lib.asking import NoAnswer, ask
from media.storage import StorageUnavailable, store, window_end
from payments.base import NotServed, ProcessorDown, ProcessorError
from payments.processor import get_processor, is_scripted
from staff.doctor import Finding
from staff.doctor.machines import judged_clock

LLM_SECONDS = 12.0
TWIN = "not set up: a local twin serves"


def stripe() -> Iterator[Finding]:
    """The key is good, and something is on sale."""
    if is_scripted():
        yield Finding("ok", "Stripe", f"{TWIN}, checkouts are played")
        return
    try:
        processor = get_processor()
        offers = processor.list_offers()
    except NotServed as error:
        remedy = "Set STRIPE_SECRET_KEY from Stripe’s dashboard, Developers, API keys."
        yield Finding("bad", "Stripe", f"refuses the key: {error}", remedy)
        return
    except ProcessorDown as error:
        yield Finding("bad", "Stripe", f"does not answer: {error}", "See status.stripe.com, and whether we may go out.")
        return
    except ProcessorError as error:
        yield Finding("bad", "Stripe", str(error), "Set STRIPE_SECRET_KEY, or leave plans out.")
        return
    mode = "live" if processor.is_live() else "test mode"
    if offers:
        yield Finding("ok", "Stripe", f"{mode}, {len(offers)} products")
    else:
        yield Finding("odd", "Stripe", f"{mode}, no product", "Make one with a price and the metadata duration_days.")
    if not settings.STRIPE_WEBHOOK_SECRETS:
        yield Finding("bad", "Stripe", "no webhook secret: nobody tells us of payments", "Set STRIPE_WEBHOOK_SECRET.")


def ourselves() -> Iterator[Finding]:
    """The site answers at its own address, and Stripe's webhook gets through to it."""
    url = settings.SITE_URL
    try:
        health = ask(f"{url}/healthz")
    except NoAnswer as error:
        verdict: Any = "odd" if settings.DEBUG else "bad"
        yield Finding(
            verdict, "site", f"{url} does not answer: {error}", "Start it; else see DNS, the proxy, SITE_URL."
        )
        return
    if health.status != 200:
        words = f"{url}/healthz answers {health.status}"
        yield Finding("bad", "site", words, "Something else is there, or the proxy does not let it through.")
        return
    yield Finding("ok", "site", f"{url} answers")
    try:
        hook = ask(f"{url}/webhooks/stripe/", method="POST", body=b"{}", headers={"Content-Type": "application/json"})
    except NoAnswer as error:
        yield Finding("bad", "webhook", f"does not answer: {error}", "See the proxy’s log for /webhooks/stripe/.")
        return
    if hook.status == 400:
        yield Finding("ok", "webhook", "is reached, and takes nothing unsigned")
    else:
        words = f"an unsigned call is answered {hook.status}, not 400"
        yield Finding("bad", "webhook", words, "Let the proxy pass /webhooks/stripe/ on as it is, to Dusk.")


def turnstile_key() -> Iterator[Finding]:
    """Cloudflare knows the secret."""
    if not settings.TURNSTILE_SECRET_KEY:
        yield Finding("ok", "Turnstile", TWIN)
        return
    try:
        known = turnstile.knows_us()
    except turnstile.SecurityCheckFailed as error:
        words = f"does not answer: {error.reason}"
        yield Finding("bad", "Turnstile", words, "Let this machine reach challenges.cloudflare.com.")
        return
    if not known:
        remedy = "Set TURNSTILE_SECRET_KEY to the secret of TURNSTILE_SITE_KEY."
        yield Finding("bad", "Turnstile", "does not know the secret", remedy)
    elif turnstile.is_dummy(settings.TURNSTILE_SECRET_KEY):
        yield Finding("odd", "Turnstile", "the key is Cloudflare’s for tests", "Set the site’s own keys.")
    else:
        yield Finding("ok", "Turnstile", "knows the secret")


def mail() -> Iterator[Finding]:
    """Whoever carries mails would take one."""
    who = "Resend" if settings.RESEND_API_KEY else settings.EMAIL_HOST if settings.EMAIL_URL else ""
    try:
        words = transports.greet()
    except transports.NotSent as error:
        remedy = (
            "Correct RESEND_API_KEY." if settings.RESEND_API_KEY else "Correct EMAIL_URL, or start the mail server."
        )
        if "verified" in str(error):
            remedy = "Verify the domain at resend.com, or set DEFAULT_FROM_EMAIL to an address of one that is."
        yield Finding("bad", "mail", f"{who or 'this disk'}: {error}", remedy)
    else:
        yield Finding("ok", "mail", words)


def bucket() -> Iterator[Finding]:
    """A file can be kept, read and deleted, and browsers may send some."""
    files: Any = store()
    key, said = f"tmp/doctor-{uuid.uuid4().hex}", b"Dusk was here."
    where = f"bucket {settings.AWS_S3_BUCKET}" if settings.AWS_S3_BUCKET else "this disk"
    remedy = (
        "Compare name, region, keys and policy with docs/media.md."
        if settings.AWS_S3_BUCKET
        else f"Let the user that runs Dusk write to {settings.MEDIA_ROOT}."
    )
    step = "be asked"
    try:
        files.answers()
        step = "be written to"
        files.put(key, io.BytesIO(said), content_type="text/plain")
        try:
            step = "be read"
            with files.open(key) as file:
                whole = file.read() == said
            seen = _seen_through_cdn(files, key, said) if settings.CF_DOMAIN else None
        finally:
            step = "have something deleted"
            files.delete([key])
        step = "be asked for its CORS rule"
        takes_forms = not (settings.AWS_S3_BUCKET and settings.AWS_S3_FORMS) or files.takes_forms_of(settings.SITE_URL)
    except (StorageUnavailable, OSError) as error:
        yield Finding("bad", "files", f"{where} could not {step}: {error}", remedy)
        return
    if not whole:
        yield Finding("bad", "files", f"{where} gave back something else than was kept", remedy)
    elif not takes_forms:
        remedy = "Give it the CORS rule of docs/media.md with this address and POST."
        yield Finding("bad", "files", f"{where} takes nothing from pages of {settings.SITE_URL}", remedy)
    else:
        yield Finding("ok", "files", f"{where} was written to, read and cleaned up")
    if seen is not None:
        yield seen


def _seen_through_cdn(files: Any, key: str, said: bytes) -> Finding:
    remedy = "Compare CF_DOMAIN, CF_KEY_PAIR_ID, CF_PRIVATE_KEY and the distribution with docs/media.md."
    try:
        answer = ask(files.view_url(key, until=window_end()))
    except NoAnswer as error:
        return Finding("bad", "CloudFront", f"does not answer: {error}", remedy)
    if (answer.status, answer.body) == (200, said):
        return Finding("ok", "CloudFront", "shows what we sign")
    # It may read girls/ and avatars/ only: what it says to a signed address of another is no, too, but not to the key.
    if answer.status in (403, 404) and b"MissingKey" not in answer.body and b"InvalidKey" not in answer.body:
        return Finding("ok", "CloudFront", "answers; it may not read tmp/, as it should be")
    return Finding("bad", "CloudFront", f"answers {answer.status} to a signed address", remedy)


def model_hosts() -> Iterator[Finding]:
    """Each host that is named writes a word; where none is, those on this machine are found."""
    named = [provider for provider in settings.LLM_PROVIDERS if provider["base_url"]]
    for provider in named:
        yield _asked(provider)
    if named:
        return
    if not settings.DEBUG:
        remedy = "Set LLM_BASE_URL_PRIMARY and LLM_MODEL_PRIMARY."
        yield Finding("bad", "model host", "none is named: nobody writes replies", remedy)
    else:
        yield Finding("ok", "model host", f"{TWIN}, replies are scripted")
    own = int(settings.PORT) if settings.PORT.isdecimal() else None
    for host in localhosts.find(localhosts.PLACES, but=own):
        lines = host.env if host.models else ()
        yield Finding("odd", "model host", localhosts.hint(host), "", lines)


def _asked(provider: dict[str, Any]) -> Finding:
    about, name = f"model host, {provider['name']}", provider["name"].upper()
    try:
        seconds = asyncio.run(llm.greet(provider, seconds=LLM_SECONDS))
    except llm.Unreachable as error:
        return Finding("bad", about, f"is not there: {error.reason}", f"Start it, or correct LLM_BASE_URL_{name}.")
    except llm.TimedOut:
        return Finding(
            "bad", about, f"said nothing in {LLM_SECONDS:g} s", "It is overloaded, or reads its model: try again."
        )
    except llm.Refused as error:
        wrong = {401: "API_KEY", 403: "API_KEY", 404: "MODEL"}.get(error.status)
        remedy = (
            f"Correct LLM_{wrong}_{name}."
            if wrong
            else f"Compare LLM_MODEL_{name} and LLM_EXTRA_BODY_{name} with its manual."
        )
        if error.status == 429 or error.status >= 500:
            remedy = "Its own affair: see its status page, or the account there."
        return Finding("bad", about, f"refuses: {error.reason}", remedy)
    except Exception as error:  # what it said is no answer, or its settings are none
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Finding("bad", about, words, f"Compare LLM_BASE_URL_{name} with its manual.")
    return Finding("ok", about, f"{provider['model']} answered in {seconds:.1f} s")


def clocks() -> Iterator[Finding]:
    """This machine's clock agrees with that of whoever we ask anyway."""
    url = _somebody_outside()
    if not url:
        return
    try:
        told = ask(url, method="HEAD").headers.get("date", "")
        there = parsedate_to_datetime(told)
    except (NoAnswer, ValueError):
        return  # that they are away is said elsewhere
    off = abs((datetime.now(UTC) - there).total_seconds())
    yield judged_clock("clock", "a vendor’s", max(0.0, off - 1))  # they tell whole seconds


def _somebody_outside() -> str:
    if settings.STRIPE_SECRET_KEY:
        return settings.STRIPE_API_BASE or "https://api.stripe.com"
    if settings.TURNSTILE_SECRET_KEY:
        return settings.TURNSTILE_VERIFY_URL
    if settings.RESEND_API_KEY:
        return settings.RESEND_API_URL
    return next((provider["base_url"] for provider in settings.LLM_PROVIDERS if provider["base_url"]), "")
