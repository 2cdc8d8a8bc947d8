"""What would be unsafe with DEBUG off, each named with its remedy. Every process asks before it starts."""

import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.template import TemplateSyntaxError, engines

from accounts.turnstile import is_dummy
from config.lib import bells
from config.lib.modelhosts import completions_url
from config.lib.names import is_loopback, read

CLOUDFLARE = "challenges.cloudflare.com"
REDIS = re.compile(r"rediss?://[^\s/?#]+(/\d*)?(\?\S*)?")
HOST = re.compile(r"[*.]?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\*|\[[0-9a-f:.]+\]", re.I)
DATABASE_SECONDS = 6  # for the database to say how it is set up; a pooler may be silent for minutes


def refuse_unsafe(**kwargs: Any) -> None:
    """End the process, saying why, if it would be unsafe. For servers and workers, which run no system checks."""
    if problems := [m for m in [*safe_to_start(), *database_keeps_promises()] if m.is_serious()]:
        lines = "".join(f"\n  ({m.id}) {m.msg}\n      {m.hint}" for m in problems)
        sys.exit(f"Dusk does not start:{lines}")


def safe_to_start(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The system check: what half-works in any mode, and with DEBUG off what leaves a door open or loses data."""
    unsafe = [] if settings.DEBUG else [*_doors(), *_servers(), *_address()]
    return [
        *_secret_key(),
        *unsafe,
        *_site(),
        *_database(),
        *_pooler(),
        *_redis(),
        *_model_hosts(),
        *_payments(),
    ]


def _secret_key() -> Iterator[CheckMessage]:
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:  # how Django says that it is empty
        key = ""
    if not key or (not settings.DEBUG and (len(key) < 50 or len(set(key)) < 5)):
        yield Error(
            "SECRET_KEY is missing or shorter than 50 characters: sessions could be forged.",
            hint='Set it to what this prints: python -c "import secrets; print(secrets.token_urlsafe(50))"',
            id="dusk.E001",
        )


def _doors() -> Iterator[CheckMessage]:
    keys = (settings.TURNSTILE_SITE_KEY, settings.TURNSTILE_SECRET_KEY)
    if not all(keys):
        yield Error(
            "Turnstile's keys are missing: robots could sign up and send.",
            hint="Set TURNSTILE_SITE_KEY and TURNSTILE_SECRET_KEY from Cloudflare's dashboard.",
            id="dusk.E002",
        )
    elif any(map(is_dummy, keys)):
        yield Error(
            "Turnstile's keys are Cloudflare's dummies, which let everybody pass.",
            hint="Set TURNSTILE_SITE_KEY and TURNSTILE_SECRET_KEY to the site's own.",
            id="dusk.E003",
        )
    verified_by = urlsplit(settings.TURNSTILE_VERIFY_URL)
    if not is_loopback(verified_by.hostname or "") and (verified_by.scheme, verified_by.netloc) != (
        "https",
        CLOUDFLARE,
    ):
        yield Error(
            f"TURNSTILE_VERIFY_URL is {settings.TURNSTILE_VERIFY_URL!r}, not Cloudflare's: it could let robots in.",
            hint="Unset TURNSTILE_VERIFY_URL; it is for tests.",
            id="dusk.E022",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS lets any host name in: links in mails could be forged.",
            hint="Leave it unset (it is then SITE_URL's host) or name the hosts.",
            id="dusk.E007",
        )
    if not settings.RESEND_API_KEY:
        yield Warning(
            "RESEND_API_KEY is missing: mails go to the console, so nobody can reset a password.",
            hint="Set RESEND_API_KEY.",
            id="dusk.W001",
        )


def _servers() -> Iterator[CheckMessage]:
    if not settings.REDIS_URL:
        yield Error(
            "REDIS_URL is missing: queue, cache and frames would live in one process's memory.",
            hint="Set REDIS_URL, as in redis://127.0.0.1:6379/0.",
            id="dusk.E004",
        )
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        # A file nobody chose vanishes with the container that holds it. One that was chosen is correct, only slower.
        if Path(str(database["NAME"])).parent == settings.BASE_DIR / "var":
            yield Error(
                "DATABASE_URL is missing: everything would be kept in a file beside the code.",
                hint="Set DATABASE_URL, as in postgres://dusk@127.0.0.1:5432/dusk.",
                id="dusk.E005",
            )
        else:
            yield Warning(
                "DATABASE_URL names an SQLite file: right for one machine only.",
                hint="Use PostgreSQL as soon as there are two.",
                id="dusk.W002",
            )


def _database() -> Iterator[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.dummy":
        yield Error(
            "DATABASE_URL names a database that Dusk does not speak to.",
            hint="Set it to PostgreSQL, as in postgres://dusk:password@127.0.0.1:5432/dusk, or leave it unset.",
            id="dusk.E020",
        )


def _redis() -> Iterator[CheckMessage]:
    url = settings.REDIS_URL
    if url and not REDIS.fullmatch(url):
        yield Error(
            f"REDIS_URL begins with {url.split(':')[0]!r} or is no address: the queue, the cache and the frames of "
            "sockets would not all find it.",
            hint="Set it to one Redis by TCP, as in redis://127.0.0.1:6379/0 or rediss://:secret@redis.example:6379/0; "
            "write what is special in a password like %2F.",
            id="dusk.E021",
        )
    if settings.BELLS not in bells.RINGERS or (settings.BELLS in ("quick", "celery") and not url):
        yield Error(
            f"BELLS is {settings.BELLS!r}: nobody would be asked to answer, and every reply would wait for the sweep.",
            hint="Leave it unset; quick and celery need REDIS_URL.",
            id="dusk.E027",
        )


def _pooler() -> Iterator[CheckMessage]:
    if settings.DATABASE_POOLER not in ("", "transaction"):
        yield Error(
            f"DATABASE_POOLER is {settings.DATABASE_POOLER!r}, which is no way of pooling that we know.",
            hint="Set it to transaction, behind PgBouncer or the like; leave it unset for PostgreSQL itself.",
            id="dusk.E014",
        )


def database_keeps_promises(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The check that asks PostgreSQL itself: are our limits in force, and is it PostgreSQL that we speak to?

    For what serves and works, and for `check --deploy`. A database that is away is no reason not to start: /readyz
    tells of it, and it comes back.
    """
    if not settings.POSTGRES:
        return []
    found: list[CheckMessage] = []
    # On a thread: servers start us on their event loop, where Django keeps its hands off the database.
    asking = threading.Thread(target=lambda: found.extend(_asked()), name="database-check", daemon=True)
    asking.start()
    asking.join(DATABASE_SECONDS)
    return found


def _asked() -> Iterator[CheckMessage]:
    unset = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = '0'"
    question = f"SELECT current_database(), pg_backend_pid(), ARRAY({unset})"
    postgresql: Any = connection  # what Django's proxy stands for
    params = postgresql.get_connection_params()
    if not settings.DATABASE_POOLER:  # as those who serve ask for it, whoever asks here
        params["options"] = " ".join(f"-c {name}={limit}" for name, limit in settings.DATABASE_LIMITS.items())
    try:
        with postgresql.Database.connect(**params, autocommit=True) as asked:
            name, pid, lost = asked.execute(question, [list(settings.DATABASE_LIMITS)]).fetchone()
            direct = asked.info.backend_pid == pid  # a pooler tells its clients numbers of its own
    except postgresql.Database.Error as error:
        if "unsupported startup parameter" in str(error):
            yield Error(
                "DATABASE_URL names a pooler, which refuses our start-up options.",
                hint="Set DATABASE_POOLER=transaction.",
                id="dusk.E015",
            )
        return
    if lost:
        name = name.replace('"', '""')
        lines = [
            f"ALTER DATABASE \"{name}\" SET {limit} = '{settings.DATABASE_LIMITS[limit]}';"
            for limit in settings.DATABASE_LIMITS
            if limit in lost
        ]
        lines.append("and end the connections that the pooler holds (PgBouncer: RECONNECT): they keep what was before.")
        yield Error(
            f"The database does not keep {' and '.join(lost)}: a statement that hangs would hang for ever.",
            hint="\n      ".join(["Say in SQL, as the database's owner:", *lines]),
            id="dusk.E016",
        )
    if not direct and not settings.DATABASE_POOLER:
        yield Error(
            "A pooler stands before the database, and DATABASE_POOLER does not say so: one member could be shown rows "
            "that another asked for.",
            hint="Set DATABASE_POOLER=transaction. It is right for a pooler of sessions, too.",
            id="dusk.E017",
        )


def _site() -> Iterator[CheckMessage]:
    here = read(settings.SITE_URL)
    if here.problem:
        yield Error(
            f"SITE_URL is {settings.SITE_URL!r}: {here.problem}.",
            hint="Set it to the public address, as in https://dusk.example. Leave it unset on a laptop.",
            id="dusk.E024",
        )
    if wrong := [name for name in settings.ALLOWED_HOSTS if name and not HOST.fullmatch(name)]:
        yield Error(
            f"ALLOWED_HOSTS names {', '.join(map(repr, wrong))}, by which no request calls a host.",
            hint="Name hosts alone, separated by commas, as in dusk.example,www.dusk.example.",
            id="dusk.E019",
        )
    if settings.DEBUG and here.scheme == "https":
        yield Error(
            "DEBUG is on and SITE_URL is https: strangers would be shown our insides, and let in without a check.",
            hint="Set DEBUG=0 for a site; on a laptop leave SITE_URL unset.",
            id="dusk.E023",
        )
    taken = {
        "",
        "accounts",
        "account",
        "chat",
        "checkout",
        "girls",
        "media",
        "plans",
        "static",
        "webhooks",
        "ws",
        "age",
    }
    if settings.ADMIN_PATH in taken or not re.fullmatch(r"[\w-]+(/[\w-]+)*", settings.ADMIN_PATH, re.ASCII):
        yield Error(
            f"ADMIN_PATH is {settings.ADMIN_PATH!r}: the console would hide pages of the site, or not be found itself.",
            hint="Set it to a word, as in admin.",
            id="dusk.E025",
        )
    if settings.ALLAUTH_TRUSTED_PROXY_COUNT < 0:
        yield Error("TRUSTED_PROXY_COUNT is negative.", hint="Set it to the number of proxies.", id="dusk.E026")


def _address() -> Iterator[CheckMessage]:
    here = read(settings.SITE_URL)
    if here.scheme == "http" and not is_loopback(here.host):
        yield Error(
            "SITE_URL is not https: cookies and messages would travel in the clear.",
            hint="Set SITE_URL to the public address, as in https://dusk.example.",
            id="dusk.E006",
        )
    if here.scheme == "https" and not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        yield Warning(
            "SITE_URL is https but no proxy is trusted. Where TLS ends at a proxy on another machine, every page is an "
            "endless redirect to itself; where on this one, everybody shares the proxy's address and its limits.",
            hint="Set TRUSTED_PROXY_COUNT to the number of proxies that append to X-Forwarded-For and set "
            "X-Forwarded-Proto.",
            id="dusk.W003",
        )


def _model_hosts() -> Iterator[CheckMessage]:
    hosts = settings.LLM_PROVIDERS
    for host in hosts:
        if bool(host["base_url"]) != bool(host["model"]):
            name = host["name"].upper()
            yield Error(
                f"The {host['name']} model host is half configured: it would never be asked.",
                hint=f"Set both LLM_BASE_URL_{name} and LLM_MODEL_{name}, or neither.",
                id="dusk.E009",
            )
        elif host["base_url"]:
            try:
                completions_url(host["base_url"])
            except (ImproperlyConfigured, ValueError) as error:
                yield Error(str(error), hint=f"Correct LLM_BASE_URL_{host['name'].upper()}.", id="dusk.E018")
    if not settings.DEBUG and not any(host["base_url"] for host in hosts):
        yield Error(
            "No model host is named: the scripted model would answer people who believe that it is the real one.",
            hint="Set LLM_BASE_URL_PRIMARY, LLM_MODEL_PRIMARY and, where the host asks for one, LLM_API_KEY_PRIMARY.",
            id="dusk.E008",
        )


def _payments() -> Iterator[CheckMessage]:
    secret, publishable = settings.STRIPE_SECRET_KEY, settings.STRIPE_PUBLISHABLE_KEY
    if publishable and secret and ("_test_" in publishable) != ("_test_" in secret):
        yield Error(
            "One of Stripe's keys is a test key and the other is live.",
            hint="Set STRIPE_SECRET_KEY and STRIPE_PUBLISHABLE_KEY from the same page of Stripe's dashboard.",
            id="dusk.E011",
        )
    if settings.DEBUG:
        return
    if not secret:
        yield Warning(
            "STRIPE_SECRET_KEY is missing: nobody can buy premium.",
            hint="Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET from Stripe's dashboard.",
            id="dusk.W004",
        )
        return
    if not any(settings.STRIPE_WEBHOOK_SECRETS):
        yield Error(
            "STRIPE_WEBHOOK_SECRET is missing: refunds, disputes and late payments would never be heard of.",
            hint="Make a webhook to /webhooks/stripe/ in Stripe's dashboard; set STRIPE_WEBHOOK_SECRET to its secret.",
            id="dusk.E012",
        )
    if "_test_" in secret and not is_loopback(read(settings.SITE_URL).host):
        yield Error(
            "STRIPE_SECRET_KEY is a test key: premium is given for cards that everybody knows, and no money comes.",
            hint="Set STRIPE_SECRET_KEY to the live key. The test key is for DEBUG=1, or a SITE_URL on this machine.",
            id="dusk.E028",
        )
    if not re.fullmatch("[a-z]{3}", settings.CURRENCY):
        yield Error(
            f"CURRENCY is {settings.CURRENCY!r}: nothing is sold in it.",
            hint="Set it to the three letters of ISO 4217, as in usd.",
            id="dusk.E029",
        )
    if settings.STRIPE_API_BASE and not is_loopback(urlsplit(settings.STRIPE_API_BASE).hostname or ""):
        yield Error(
            "STRIPE_API_BASE names another Stripe: whoever answers there decides who has paid.",
            hint="Unset STRIPE_API_BASE; it is for tests.",
            id="dusk.E013",
        )


def stripe_serves_us(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The check of `check --deploy`: did Stripe, when it was asked last, do what we asked?"""
    if not settings.STRIPE_SECRET_KEY:
        return []
    try:
        said = apps.get_model("payments", "CatalogCache")._default_manager.first()
    except DatabaseError:  # not there, or not yet ours
        return []
    if said is None or not said.is_refused:
        return []
    return [
        Warning(
            f"Stripe refused what we asked last, so nothing can be bought. {said.error}",
            hint="Mend the key or the account in Stripe's dashboard; `manage.py refresh_catalog` asks again.",
            id="dusk.W006",
        )
    ]


def templates_compile(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The check of `check --deploy`: no page fails only when somebody opens it."""
    problems: list[CheckMessage] = []
    folder = settings.BASE_DIR / "templates"
    for path in sorted(folder.rglob("*.*")):
        name = path.relative_to(folder).as_posix()
        try:
            engines["django"].get_template(name)
        except TemplateSyntaxError as error:
            problems.append(Error(f"{name} does not compile: {error}", hint="Correct the template.", id="dusk.E010"))
    return problems
