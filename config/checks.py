"""What would be unsafe with DEBUG off, each named with its remedy. Every process asks before it starts."""

import re
import sys
import threading
from collections.abc import Iterator
from email.utils import parseaddr
from importlib import import_module
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
from config.lib import bells, buckets, mailservers
from config.lib.modelhosts import completions_url
from config.lib.names import is_loopback, read
from media.storage import StorageUnavailable, store

CLOUDFLARE = "challenges.cloudflare.com"
RESEND = "https://api.resend.com/"
REDIS = re.compile(r"rediss?://[^\s/?#]+(/\d*)?(\?\S*)?")
HOST = re.compile(r"[*.]?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\*|\[[0-9a-f:.]+\]", re.I)
MOST_HOURS = 3  # between two notices that it is an AI: NY GBL 1702
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
        *_mail(),
        *_database(),
        *_pooler(),
        *_redis(),
        *_ways_in(),
        *_model_hosts(),
        *_quotas(),
        *_notices(),
        *_payments(),
        *_bucket(),
        *_cdn(),
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
    if not settings.STAFF_SECOND_FACTOR:
        yield Error(
            "STAFF_SECOND_FACTOR is off: a guessed password would open the console.",
            hint="Unset STAFF_SECOND_FACTOR; it is for laptops.",
            id="dusk.E042",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS lets any host name in: links in mails could be forged.",
            hint="Leave it unset (it is then SITE_URL's host) or name the hosts.",
            id="dusk.E007",
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


def _mail() -> Iterator[CheckMessage]:
    server = mailservers.read(settings.EMAIL_URL)
    if server.problem:
        yield Error(
            f"EMAIL_URL names no mail server: {server.problem}.",
            hint="Set it as in smtp+tls://user:password@mail.example:587.",
            id="dusk.E037",
        )
    elif server.user and server.is_open and not is_loopback(server.host):
        yield Error(
            "EMAIL_URL would send the mail server's password in the clear.",
            hint="Begin it with smtp+tls:// (port 587) or smtp+ssl:// (port 465).",
            id="dusk.E038",
        )
    if settings.EMAIL_URL and settings.RESEND_API_KEY:
        yield Warning(
            "RESEND_API_KEY and EMAIL_URL are both set: mails go through Resend.",
            hint="Unset the one that is not meant.",
            id="dusk.W009",
        )
    if settings.RESEND_API_URL != RESEND and not is_loopback(urlsplit(settings.RESEND_API_URL).hostname or ""):
        yield Error(
            f"RESEND_API_URL is {settings.RESEND_API_URL!r}, not Resend's: whoever answers there reads every code.",
            hint="Unset RESEND_API_URL; it is for tests.",
            id="dusk.E041",
        )
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    if not sender.rpartition("@")[0] or len(settings.DEFAULT_FROM_EMAIL.splitlines()) > 1:
        yield Error(
            f"DEFAULT_FROM_EMAIL is {settings.DEFAULT_FROM_EMAIL!r}: nobody could send from it.",
            hint="Set it as in Dusk <hello@dusk.example>.",
            id="dusk.E039",
        )
    if settings.DEBUG or settings.EMAIL_URL or settings.RESEND_API_KEY:
        return
    if is_loopback(read(settings.SITE_URL).host):
        yield Warning(
            f"Nobody carries mails: those with codes, too, are kept in {settings.MAIL_ROOT}.",
            hint="Set RESEND_API_KEY, or EMAIL_URL to a mail server.",
            id="dusk.W001",
        )
    else:
        yield Error(
            "Nobody carries mails: nobody could sign up, or choose a new password.",
            hint="Set RESEND_API_KEY, or EMAIL_URL to a mail server, as in smtp+tls://user:password@mail.example:587.",
            id="dusk.E040",
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


def _quotas() -> Iterator[CheckMessage]:
    if settings.QUOTA_RESET not in ("never", "daily", "monthly"):
        yield Error(
            f"QUOTA_RESET is {settings.QUOTA_RESET!r}: nobody knows when free messages fill up.",
            hint="Set it to never, daily or monthly.",
            id="dusk.E060",
        )


def _notices() -> Iterator[CheckMessage]:
    if settings.DISCLOSURE_HOURS <= 0:
        yield Error(
            "DISCLOSURE_HOURS is not more than 0: members would be told with every message that they talk with an AI.",
            hint="Set it to 3, or less.",
            id="dusk.E061",
        )
    elif settings.DISCLOSURE_HOURS > MOST_HOURS:
        yield Warning(
            f"DISCLOSURE_HOURS is {settings.DISCLOSURE_HOURS:g}: New York and others ask for a notice every 3 hours.",
            hint="Set it to 3, or less.",
            id="dusk.W011",
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


def _bucket() -> Iterator[CheckMessage]:
    names = ("AWS_S3_BUCKET", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    missing = [name for name in names if not getattr(settings, name)]
    # AWS_REGION and keys alone are what other programs of the machine may have set; they ask for no bucket.
    if settings.AWS_S3_BUCKET and missing:
        yield Error(
            f"AWS_S3_BUCKET is set and {_all_of(missing)} missing: no file could be stored or shown.",
            hint=f"Set {', '.join(missing)} too (R2's region is auto); or unset AWS_S3_BUCKET: files are kept on this "
            "disk then.",
            id="dusk.E030",
        )
    if settings.AWS_S3_BUCKET and not buckets.NAME.fullmatch(settings.AWS_S3_BUCKET):
        yield Error(
            f"AWS_S3_BUCKET is {settings.AWS_S3_BUCKET!r}, which is no bucket's name.",
            hint="Set it to the name alone: no arn:, no s3://, no folder.",
            id="dusk.E031",
        )
    if settings.AWS_S3_ENDPOINT_URL:
        here = read(settings.AWS_S3_ENDPOINT_URL)
        if here.problem or (here.scheme == "http" and not settings.DEBUG and not is_loopback(here.host)):
            yield Error(
                f"AWS_S3_ENDPOINT_URL is {settings.AWS_S3_ENDPOINT_URL!r}: browsers could not send files there safely.",
                hint="Set it to scheme and host, as in https://<account>.r2.cloudflarestorage.com, without the bucket; "
                "leave it unset for Amazon.",
                id="dusk.E032",
            )
    if settings.AWS_S3_ADDRESSING_STYLE not in ("", *buckets.STYLES):
        yield Error(
            f"AWS_S3_ADDRESSING_STYLE is {settings.AWS_S3_ADDRESSING_STYLE!r}.",
            hint="Set it to virtual (https://bucket.host/) or path (https://host/bucket/), or leave it unset.",
            id="dusk.E033",
        )


def _cdn() -> Iterator[CheckMessage]:
    values = {name: getattr(settings, name) for name in ("CF_DOMAIN", "CF_KEY_PAIR_ID", "CF_PRIVATE_KEY")}
    if not any(values.values()):
        return
    missing = [name for name, value in {"AWS_S3_BUCKET": settings.AWS_S3_BUCKET, **values}.items() if not value]
    if missing:
        yield Error(
            f"CloudFront is half configured, {_all_of(missing)} missing: nothing private could be shown.",
            hint=f"Set {', '.join(missing)} too, or unset every variable that begins with CF_.",
            id="dusk.E034",
        )
    if values["CF_DOMAIN"] and (problem := read(buckets.cdn(values["CF_DOMAIN"])).problem):
        yield Error(
            f"CF_DOMAIN is {values['CF_DOMAIN']!r}: {problem}.",
            hint="Set it to the distribution's name alone, as in media.dusk.example.",
            id="dusk.E035",
        )
    if values["CF_PRIVATE_KEY"]:
        # Reading keys loads OpenSSL, which a process without a CDN has no use for.
        cloudfront = import_module("media.cloudfront")
        try:
            cloudfront.pem(values["CF_PRIVATE_KEY"])
        except ValueError as error:
            yield Error(
                f"CF_PRIVATE_KEY signs nothing: {error}.",
                hint="Set it to the private key of CF_KEY_PAIR_ID: PEM on one line with \\n between its lines, or all "
                "of it in base64 (base64 -w0 private_key.pem).",
                id="dusk.E036",
            )


def _ways_in() -> Iterator[CheckMessage]:
    of_each = {
        "Google": ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
        "Apple": ("APPLE_CLIENT_ID", "APPLE_TEAM_ID", "APPLE_KEY_ID", "APPLE_PRIVATE_KEY"),
    }
    for name, variables in of_each.items():
        missing = [variable for variable in variables if not getattr(settings, variable)]
        if missing and len(missing) < len(variables):
            yield Error(
                f"{name} is half configured, {_all_of(missing)} missing: nobody could sign in by it.",
                hint=f"Set {', '.join(missing)} too, or unset every variable that begins with {name.upper()}_.",
                id="dusk.E050",
            )
        elsewhere = getattr(settings, f"{name.upper()}_API_BASE")
        if elsewhere and not is_loopback(urlsplit(elsewhere).hostname or ""):
            yield Error(
                f"{name.upper()}_API_BASE names another {name}: whoever answers there decides who is who.",
                hint=f"Unset {name.upper()}_API_BASE; it is for tests.",
                id="dusk.E051",
            )
    if settings.APPLE_PRIVATE_KEY:
        # Reading keys loads OpenSSL, which a process without one has no use for.
        keys = import_module("cryptography.hazmat.primitives.serialization")
        try:
            keys.load_pem_private_key(settings.APPLE_PRIVATE_KEY.encode(), password=None)
        except (TypeError, ValueError):
            yield Error(
                "APPLE_PRIVATE_KEY signs nothing.",
                hint="Set it to the whole .p8 file of APPLE_KEY_ID, on one line with \\n between its lines.",
                id="dusk.E052",
            )


def _all_of(names: list[str]) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'}"


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


def helplines_were_checked(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The check of `check --deploy`: did somebody here look whether the helplines ring, and within a year?"""
    try:
        waiting = apps.get_model("safety", "Helpline")._default_manager.to_be_checked().count()
    except DatabaseError:  # not there, or not yet ours
        return []
    if not waiting:
        return []
    return [
        Warning(
            f"{waiting} helplines were never checked by anybody here, or not for a year: a number may ring elsewhere.",
            hint="Compare each with the line's own site and say so in the console (docs/safety.md); hide the others.",
            id="dusk.W010",
        )
    ]


def bucket_serves_us(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """The check of `check --deploy`: is the bucket there, and does it take what pages of the site send?"""
    if not settings.AWS_S3_BUCKET or [*_bucket(), *_cdn()]:
        return []
    bucket: Any = store()
    try:
        bucket.answers()
        if not settings.AWS_S3_FORMS or bucket.takes_forms_of(settings.SITE_URL):
            return []
    except StorageUnavailable as error:
        return [
            Warning(
                f"The bucket {settings.AWS_S3_BUCKET} does not serve us: {error}.",
                hint="Compare its name, AWS_REGION, the keys and what they may do with docs/media.md.",
                id="dusk.W007",
            )
        ]
    return [
        Warning(
            f"The bucket {settings.AWS_S3_BUCKET} takes nothing from pages of {settings.SITE_URL}: uploads would fail.",
            hint="Give it the CORS rule of docs/media.md, with this address and POST.",
            id="dusk.W008",
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
