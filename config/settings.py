"""Dusk's settings: one file, by topic, closed by default.

Every value that differs between a laptop and a server comes from the environment (or `.env`);
`.env.example` names each. A vendor is on when its key is set, else its local twin serves.
`config/checks.py` refuses to start what would be unsafe.
"""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF

from config.lib import names
from config.logging import log_settings

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(env.str("ENV_FILE", str(BASE_DIR / ".env")))  # what is already in the environment wins


def words(name: str) -> list[str]:
    """What stands in a variable, separated by commas."""
    return [word.strip() for word in env.list(name, default=[]) if word.strip()]


# --- The site ------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
SITE_NAME = env.str("SITE_NAME", "Dusk")
HOST, PORT = env.str("HOST", ""), env.str("PORT", "") or "8000"  # what is listened on
_here = "127.0.0.1" if HOST in names.ANYWHERE else f"[{HOST}]" if ":" in HOST else HOST
SITE_URL = env.str("SITE_URL", "") or f"http://{_here}:{PORT if PORT.isdecimal() else 8000}"
_site = names.read(SITE_URL)
if not _site.problem:
    SITE_URL = _site.url
HTTPS = _site.scheme == "https"
ALLOWED_HOSTS = names.allowed_hosts(words("ALLOWED_HOSTS"), _site, debug=DEBUG, listening_on=HOST or "127.0.0.1")
OTHER_NAMES = [name for name in ALLOWED_HOSTS if name != _site.host and not names.is_loopback(name)]  # lead to SITE_URL
CSRF_TRUSTED_ORIGINS = [] if _site.problem else [SITE_URL]
ADMIN_PATH = env.str("ADMIN_PATH", "admin").strip("/")
AGE_GATE = env.bool("AGE_GATE", True)  # ask visitors whether they are adults before showing characters

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
INSTALLED_APPS = [
    *(["daphne"] if "runserver" in sys.argv else []),  # first: it replaces runserver, and nobody else waits for it
    "config.lib.adminkit.ConsoleConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "allauth",
    "allauth.account",
    "django_htmx",
    "config",
    "accounts",
    "media",
    "girls",
    "chat",
    "payments",
]
MIDDLEWARE = [
    "config.site.OneName",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.compression.CompressedPages",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "accounts.middleware.SessionsLast",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.requestlog.RequestLog",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.agegate.AgeGateMiddleware",
    "accounts.middleware.AccountPagesAreNotKept",
    "config.errors.MethodsHavePages",
    "config.errors.VendorsAreBusy",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["config.templatetags.icons", "config.templatetags.sentences"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
            ],
        },
    }
]

# --- Language and time ----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = "UTC"  # shown in the viewer's zone by the browser
USE_TZ = True

# --- Database: SQLite until DATABASE_URL says otherwise -----------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'dusk.sqlite3'}")}
DATABASE = DATABASES["default"]
POSTGRES = "postgresql" in DATABASE["ENGINE"]
# A statement that hangs, a lock that is not got, a transaction that nobody ends: each is ended by PostgreSQL.
DATABASE_LIMITS = {"statement_timeout": "10s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "30s"}
# A migration, and any command that somebody types, takes as long as it takes: nobody waits for it but for its locks.
PATIENT = {"statement_timeout": "0", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "0"}
IS_COMMAND = Path(sys.argv[0]).name in ("manage.py", "django-admin") and sys.argv[1:2] not in (["serve"], ["runserver"])
# "transaction": a pooler, such as PgBouncer, hands each transaction to whichever connection is free.
DATABASE_POOLER = env.str("DATABASE_POOLER", "")
if POSTGRES:
    DATABASE["ENGINE"] = "config.lib.postgresql"
    DATABASE["OPTIONS"] = {
        **DATABASE.get("OPTIONS", {}),
        # Requests come on many short-lived threads: connections live in a pool, not in a thread.
        # One that cannot connect gives up soon: the next request tries afresh. The pool's own way is to wait twice as
        # long after each failure, for minutes after a long outage.
        "pool": {"min_size": 2, "max_size": env.int("DATABASE_POOL", 12), "timeout": 5, "reconnect_timeout": 5},
        "connect_timeout": 5,
        "server_side_binding": True,
    }
    if DATABASE_POOLER:
        # Nothing that outlives a transaction: a statement or cursor by name would be another client's. The limits are
        # the database's own then; config/checks.py asks whether it has them.
        DATABASE["OPTIONS"]["prepare_threshold"] = None
        DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = True
    else:
        DATABASE["OPTIONS"]["prepare_threshold"] = 5
        _limits = PATIENT if IS_COMMAND else DATABASE_LIMITS
        DATABASE["OPTIONS"]["options"] = " ".join(f"-c {name}={limit}" for name, limit in _limits.items())
elif DATABASE["ENGINE"] != "django.db.backends.sqlite3":
    DATABASE["ENGINE"] = "django.db.backends.dummy"  # config/checks.py says so, before Django looks for a driver
else:
    # IMMEDIATE takes the write lock at BEGIN, so lock-then-look holds on SQLite too.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;",
    }
    # Tests race on a file, too: SQLite's shared memory locks tables in its own way.
    DATABASE["TEST"] = {"NAME": BASE_DIR / "var" / "test.sqlite3"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The statements of a message are built once (config/lib/prepared.py). Off: slower, and nothing of Django's own is used.
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", True)

# --- Redis: broker, cache, frames between processes; without it everything runs in one process --------

REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "config.lib.cache.ForgivingRedisCache", "LOCATION": REDIS_URL}}
    LAYER = {"url": REDIS_URL, "prefix": f"dusk:{_site.netloc}:{urlsplit(REDIS_URL).path.strip('/')}"}
    CHANNEL_LAYERS = {"default": {"BACKEND": "config.lib.layers.RedisLayer", "CONFIG": LAYER}}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "config.lib.layers.MemoryLayer"}}

# --- Bells: who is asked to look at what is owed. Never the record ----------------------------------------

BELLS = env.str("BELLS", "quick" if REDIS_URL else "threads")  # see config/lib/bells.py
SCHEDULE = {  # task: seconds from one time to the next
    "config.tasks.sweep": env.float("SWEEP_SECONDS", 15.0),
    "accounts.tasks.sweep_permits": 600.0,
    "accounts.tasks.sweep_sessions": 3600.0,
    "payments.tasks.tidy": 60.0,
}
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT = "config.lib.broker:Transport"
# Redis need not remember which bells were answered: rows say what is owed, and a sweep hears bells that were lost.
CELERY_BROKER_TRANSPORT_OPTIONS = {"ack_emulation": False}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
# There are no results, so one place for them serves every thread. Celery would make one for each thread and read the
# metadata of every installed package for it: in a web process, at each send.
CELERY_RESULT_BACKEND_THREAD_SAFE = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # the schedule is code; nothing to keep on disk
CELERY_BEAT_SCHEDULE = {name: {"task": name, "schedule": seconds} for name, seconds in SCHEDULE.items()}

# --- People: sign-up, sign-in, sessions ----------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # codes by mail come with their own issue
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""  # the sender's name says who writes
ACCOUNT_MAX_EMAIL_ADDRESSES = 1  # until an address can be proven, nobody adds a second one: it may be another's
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600  # from the last use on (accounts/middleware.py)
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
MINIMUM_AGE = 18
DEMO_PASSWORD = "demo-password"  # noqa: S105 - everybody knows it, so it lets in from this machine only

# --- Turnstile: proof of a browser. Without keys, any token but "fail" passes while DEBUG is on ----------

TURNSTILE_SITE_KEY = env.str("TURNSTILE_SITE_KEY", "")
TURNSTILE_SECRET_KEY = env.str("TURNSTILE_SECRET_KEY", "")
TURNSTILE_VERIFY_URL = env.str("TURNSTILE_VERIFY_URL", "https://challenges.cloudflare.com/turnstile/v0/siteverify")
PERMIT_USES = {"free": 5, "premium": 50}
PERMIT_SECONDS = {"free": 120, "premium": 600}

# --- Conversations -----------------------------------------------------------------------------------

FREE_TEXT = env.int("FREE_TEXT", 10)  # free messages with each character, once
FREE_MEDIA = env.int("FREE_MEDIA", 2)
FREE_AUDIO = env.int("FREE_AUDIO", 3)
MESSAGE_MAX_CHARACTERS = 2000
CHAT_CONTEXT_TURNS = env.int("CHAT_CONTEXT_TURNS", 8)  # messages of history that the model is shown
REPLY_LEASE_SECONDS = env.int("REPLY_LEASE_SECONDS", 10)  # a worker that has not saved for so long lost the reply
REPLY_MAX_ATTEMPTS = 4
REPLY_BUDGET_SECONDS = 80  # from owing a reply to done or failed; the promise is 90
REPLY_HANDOVER_SECONDS = env.int("REPLY_HANDOVER_SECONDS", 5)  # a stopping worker finishes what it can, then hands on

# --- Payments: Stripe. Without its key a checkout is played while DEBUG is on, and nothing is on sale otherwise ------

STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "")
STRIPE_PUBLISHABLE_KEY = env.str("STRIPE_PUBLISHABLE_KEY", "")  # only compared: Stripe's own page needs none
STRIPE_WEBHOOK_SECRETS = words("STRIPE_WEBHOOK_SECRET")  # two while they rotate
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "")  # another Stripe, for tests
CURRENCY = env.str("CURRENCY", "usd").lower()  # what the site sells in
PARTIAL_REFUND_ENDS_PREMIUM = env.bool("PARTIAL_REFUND_ENDS_PREMIUM", False)

# --- Model hosts: OpenAI-compatible; without them a scripted model answers -----------------------------

LLM_PROVIDERS = [
    {
        "name": name,
        "base_url": env.str(f"LLM_BASE_URL_{name.upper()}", ""),
        "api_key": env.str(f"LLM_API_KEY_{name.upper()}", ""),
        "model": env.str(f"LLM_MODEL_{name.upper()}", ""),
        "extra_body": env.json(f"LLM_EXTRA_BODY_{name.upper()}", {}),
    }
    for name in ("primary", "fallback")
]
LLM_TEMPERATURE = env.float("LLM_TEMPERATURE", 0.7)
LLM_MAX_TOKENS = env.int("LLM_MAX_TOKENS", 220)
LLM_CONNECT_SECONDS = 5.0
# While another host could be asked: silence before the first word, and one attempt. The last one has all that is left.
LLM_FIRST_TOKEN_SECONDS = env.float("LLM_FIRST_TOKEN_SECONDS", 20.0)
LLM_TOTAL_SECONDS = env.float("LLM_TOTAL_SECONDS", 60.0)
LLM_READ_SECONDS = env.float("LLM_READ_SECONDS", 30.0)  # of silence in the middle of an answer
LLM_MAX_CONNECTIONS = 1000

# --- Static files and pictures ------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = BASE_DIR / "var" / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static.HashedStaticFiles"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- Mail: on the console until Resend's key is set -----------------------------------------------------

RESEND_API_KEY = env.str("RESEND_API_KEY", "")
EMAIL_BACKEND = (
    "anymail.backends.resend.EmailBackend" if RESEND_API_KEY else "django.core.mail.backends.console.EmailBackend"
)
ANYMAIL = {"RESEND_API_KEY": RESEND_API_KEY}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"{SITE_NAME} <hello@{_site.host.strip('[]')}>")

# --- Security headers -----------------------------------------------------------------------------------

_turnstile = ["https://challenges.cloudflare.com"] if TURNSTILE_SITE_KEY else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE, *_turnstile],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF, SITE_URL.replace("http", "ws", 1)],
        "frame-src": _turnstile or [NONE],
        "form-action": [SELF, "https://checkout.stripe.com"],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        **({"upgrade-insecure-requests": True} if HTTPS else {}),
    }
}
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ALLAUTH_TRUSTED_PROXY_COUNT else None
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"
CONNECTIONS = env.int("CONNECTIONS", 20_000)  # of one process, as far as the system grants it files
CONNECTIONS_PER_ADDRESS = env.int("CONNECTIONS_PER_ADDRESS", 500)
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

# --- Logs and metrics -------------------------------------------------------------------------------------

METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # empty: /metrics answers only while DEBUG is on
DRAIN_SECONDS = env.int("DRAIN_SECONDS", 0)  # from SIGTERM on, keep serving so long while /readyz says 503
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
LOGGING = log_settings(pretty=DEBUG, level=LOG_LEVEL)
LOGGING_CONFIG = "config.logging.set_up"
