"""Dusk's settings: one file, by topic, closed by default.

Every value that differs between a laptop and a server comes from the environment (or `.env`);
`.env.example` names each. A vendor is on when its key is set, else its local twin serves.
`config/checks.py` refuses to start what would be unsafe.
"""

import sys
from email.utils import formataddr
from pathlib import Path
from urllib.parse import urlsplit

import environ
from csp.constants import NONCE, NONE, SELF

from config.lib import buckets, mailservers, names
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
OPERATOR_NAME = env.str("OPERATOR_NAME", "")  # who runs it, in legal pages
OPERATOR_EMAIL = env.str("OPERATOR_EMAIL", "")  # unset: where mails come from
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
    "staff.apps.ConsoleConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.apple",
    "allauth.socialaccount.providers.google",
    "django_htmx",
    "simple_history",
    "config",
    "accounts",
    "media",
    "girls",
    "chat",
    "payments",
    "safety",
    "staff",
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
    "accounts.middleware.AccountsRest",
    "accounts.middleware.RestrictionsHold",
    "accounts.middleware.ConsentIsAsked",
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
FORMAT_MODULE_PATH = ["config.formats"]
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
    "accounts.tasks.sweep_restrictions": 60.0,
    "accounts.tasks.sweep_sessions": 3600.0,
    "accounts.tasks.sweep_mails": 600.0,
    "chat.tasks.keep_calendar": 60.0,
    "payments.tasks.tidy": 60.0,
    "media.tasks.sweep": 6 * 3600.0,
    "girls.tasks.finish_removals": 60.0,
    "staff.tasks.sweep": 6 * 3600.0,
    "staff.tasks.count_days": 300.0,
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
ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # of whom staff or a command made: a new member proves it to become one
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True  # see accounts/codes.py
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_TIMEOUT = ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 600
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = 5
ACCOUNT_RATE_LIMITS = {
    "confirm_email": "1/10s/key,20/d/key",
    "reset_password": "20/m/ip,60/h/ip,5/m/key,20/d/key",
}
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""  # the sender's name says who writes
ACCOUNT_CHANGE_EMAIL = True  # one address for each account: another one takes its place when it is proven
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_USERNAME_MIN_LENGTH = 3
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "confirm_email_verification_code": "accounts.codes.EmailCodeForm",
    "confirm_password_reset_code": "accounts.codes.ResetCodeForm",
}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # before what matters, unless it was shown in the last five minutes
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a mail for each change of what keeps the account safe
MFA_ADAPTER = "accounts.factors.FactorAdapter"
MFA_FORMS = {
    "activate_totp": "accounts.security_forms.ActivateTOTPForm",
    "add_webauthn": "accounts.security_forms.AddPasskeyForm",
    "authenticate": "accounts.security_forms.AuthenticateForm",
    "authenticate_webauthn": "accounts.security_forms.AuthenticateWebAuthnForm",
    "edit_webauthn": "accounts.security_forms.RenamePasskeyForm",
    "login_webauthn": "accounts.security_forms.LoginWebAuthnForm",
    "reauthenticate": "accounts.security_forms.ReauthenticateForm",
    "reauthenticate_webauthn": "accounts.security_forms.ReauthenticateWebAuthnForm",
}
MFA_TOTP_TOLERANCE = 1  # steps of 30 s that a clock may be off, and that typing may take
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # the device asks who is there, so a passkey is two factors in one
# Staff see of the console only how to set up a second factor until they have one. Off only on a laptop (DEBUG).
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", not DEBUG)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = SITE_NAME
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers allow it on localhost only
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600  # from the last use on (accounts/middleware.py)
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
MINIMUM_AGE = 18
ERASURE_DAYS = env.int("ERASURE_DAYS", 14)  # between asking to be erased and the end, to change one's mind in
DEMO_PHOTOS = env.bool("DEMO_PHOTOS", True)  # drawn by `make run`, beside the serving
DEMO_PASSWORD = "demo-password"  # noqa: S105 - everybody knows it, so it lets in from this machine only

# --- Google and Apple: a way in, each when its keys are set ------------------------------------------------

GOOGLE_CLIENT_ID = env.str("GOOGLE_CLIENT_ID", "")
GOOGLE_CLIENT_SECRET = env.str("GOOGLE_CLIENT_SECRET", "")
GOOGLE_API_BASE = env.str("GOOGLE_API_BASE", "")  # another Google, for tests
APPLE_CLIENT_ID = env.str("APPLE_CLIENT_ID", "")
APPLE_TEAM_ID = env.str("APPLE_TEAM_ID", "")
APPLE_KEY_ID = env.str("APPLE_KEY_ID", "")
APPLE_PRIVATE_KEY = env.str("APPLE_PRIVATE_KEY", "").replace("\\n", "\n")
APPLE_API_BASE = env.str("APPLE_API_BASE", "")  # another Apple, for tests
_google = [{"client_id": GOOGLE_CLIENT_ID, "secret": GOOGLE_CLIENT_SECRET}]
_apple = [
    {
        "client_id": APPLE_CLIENT_ID,
        "secret": APPLE_KEY_ID,
        "key": APPLE_TEAM_ID,
        "settings": {"certificate_key": APPLE_PRIVATE_KEY},
    }
]
SOCIALACCOUNT_PROVIDERS = {  # asked for an address, and for nothing else
    "google": {
        "APPS": _google if GOOGLE_CLIENT_ID else [],
        "SCOPE": ["openid", "email"],
        "AUTH_PARAMS": {"prompt": "select_account"},
        "OAUTH_PKCE_ENABLED": True,
    },
    "apple": {"APPS": _apple if APPLE_CLIENT_ID else [], "SCOPE": ["email"]},
}
SOCIALACCOUNT_ADAPTER = "accounts.connecting.SocialAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False  # nobody becomes a member without a birth date and a yes
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 5

# --- Turnstile: proof of a browser. Without keys, any token but "fail" passes while DEBUG is on ----------

TURNSTILE_SITE_KEY = env.str("TURNSTILE_SITE_KEY", "")
TURNSTILE_SECRET_KEY = env.str("TURNSTILE_SECRET_KEY", "")
TURNSTILE_VERIFY_URL = env.str("TURNSTILE_VERIFY_URL", "https://challenges.cloudflare.com/turnstile/v0/siteverify")
PERMIT_USES = {"free": 5, "premium": 50}
PERMIT_SECONDS = {"free": 120, "premium": 600}

# --- Conversations -----------------------------------------------------------------------------------

FREE_TEXT = env.int("FREE_TEXT", 10)  # free messages with each character
FREE_MEDIA = env.int("FREE_MEDIA", 2)
FREE_AUDIO = env.int("FREE_AUDIO", 3)
# Whether what is free fills up again by the calendar: never, daily or monthly (at midnight in TIME_ZONE).
QUOTA_RESET = env.str("QUOTA_RESET", "never").strip().lower() or "never"
MATURE_CONTENT = env.bool("MATURE_CONTENT", False)  # whether the site has mature pictures at all, for who asks for them
MESSAGE_MAX_CHARACTERS = 2000
CHAT_CONTEXT_TURNS = env.int("CHAT_CONTEXT_TURNS", 8)  # messages of history that the model is shown
REPLY_LEASE_SECONDS = env.int("REPLY_LEASE_SECONDS", 10)  # a worker that has not saved for so long lost the reply
REPLY_MAX_ATTEMPTS = 4
REPORT_EVIDENCE_DAYS = env.int("REPORT_EVIDENCE_DAYS", 180)  # after a report was decided, until its evidence goes
DISCLOSURE_HOURS = env.float("DISCLOSURE_HOURS", 3.0)  # of use, after which members are told again that it is an AI
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
LLM_PRICES = {  # US dollars for a million tokens; 0: not known. See chat/prices.py
    name: {
        "input": env.float(f"LLM_PRICE_INPUT_{name.upper()}", 0.0),
        "cached": env.float(f"LLM_PRICE_CACHED_{name.upper()}", 0.0),
        "output": env.float(f"LLM_PRICE_OUTPUT_{name.upper()}", 0.0),
    }
    for name in ("primary", "fallback")
}
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
# A bucket of S3 when it is named, viewed through CloudFront when that is (media/s3.py); else this disk.
AWS_S3_BUCKET = env.str("AWS_S3_BUCKET", "")
AWS_REGION = env.str("AWS_REGION", "")
AWS_ACCESS_KEY_ID = env.str("AWS_ACCESS_KEY_ID", "")
AWS_SECRET_ACCESS_KEY = env.str("AWS_SECRET_ACCESS_KEY", "")
AWS_S3_ENDPOINT_URL = env.str("AWS_S3_ENDPOINT_URL", "")  # whoever speaks like S3: R2, MinIO
AWS_S3_ADDRESSING_STYLE = env.str("AWS_S3_ADDRESSING_STYLE", "")
AWS_S3_FORMS = env.bool("AWS_S3_FORMS", buckets.takes_forms(AWS_S3_ENDPOINT_URL))  # else files come through the site
CF_DOMAIN = env.str("CF_DOMAIN", "")
CF_KEY_PAIR_ID = env.str("CF_KEY_PAIR_ID", "")
CF_PRIVATE_KEY = env.str("CF_PRIVATE_KEY", "")
MEDIA_URL = "/media/"
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(BASE_DIR / "var" / "media")))
AVATAR_MAX_MB = env.int("AVATAR_MAX_MB", 5)
IMAGE_MAX_MB = env.int("IMAGE_MAX_MB", 20)
VIDEO_MAX_MB = env.int("VIDEO_MAX_MB", 200)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static.HashedStaticFiles"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- Mail: through Resend or a mail server; kept on this disk until one of them is set -------------------------

RESEND_API_KEY = env.str("RESEND_API_KEY", "")
RESEND_API_URL = env.str("RESEND_API_URL", "https://api.resend.com/")
EMAIL_URL = env.str("EMAIL_URL", "")
_server = mailservers.read(EMAIL_URL)
EMAIL_HOST, EMAIL_PORT = _server.host, _server.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _server.user, _server.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _server.starttls, _server.tls
EMAIL_TIMEOUT = 10  # seconds, for each answer of a mail server
EMAIL_BACKEND = f"accounts.transports.{'Resend' if RESEND_API_KEY else 'Smtp' if EMAIL_URL else 'Disk'}"
ANYMAIL = {
    "RESEND_API_KEY": RESEND_API_KEY,
    "RESEND_API_URL": RESEND_API_URL,
    "REQUESTS_TIMEOUT": (5, 10),  # to connect, and for an answer
}
_domain = "localhost" if ":" in _site.host else _site.host
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "") or formataddr((SITE_NAME, f"hello@{_domain}"))
MAIL_ROOT = Path(env.str("MAIL_ROOT", str(BASE_DIR / "var" / "mail")))
MAIL_DAYS = env.int("MAIL_DAYS", 30)  # for so long it is known that one was sent, and when

# --- Security headers -----------------------------------------------------------------------------------

_bucket = buckets.address(AWS_S3_BUCKET, region=AWS_REGION, url=AWS_S3_ENDPOINT_URL, chosen=AWS_S3_ADDRESSING_STYLE)
_origin = [buckets.origin(_bucket)] if _bucket else []
_uploads = _origin if AWS_S3_FORMS else []  # browsers send files straight to the bucket,
_views = [buckets.cdn(CF_DOMAIN)] if CF_DOMAIN else _origin  # and fetch them straight from the CDN
# A browser also asks for the redirect after a form, which leads to whoever signs one in.
_ways_in = [
    *([GOOGLE_API_BASE or "https://accounts.google.com"] if GOOGLE_CLIENT_ID else []),
    *([APPLE_API_BASE or "https://appleid.apple.com"] if APPLE_CLIENT_ID else []),
]
_turnstile = ["https://challenges.cloudflare.com"] if TURNSTILE_SITE_KEY else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE, *_turnstile],
        "style-src": [SELF],
        "img-src": [SELF, "data:", *_views],
        "media-src": [SELF, *_views],
        "font-src": [SELF],
        "connect-src": [SELF, SITE_URL.replace("http", "ws", 1), *_uploads],
        "frame-src": _turnstile or [NONE],
        "form-action": [SELF, "https://checkout.stripe.com", *_ways_in],
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
