"""All settings, and the only module that reads the environment.

.env.example lists each variable with its default and meaning; a test compares the two.
"""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from csp.constants import NONCE
from django.templatetags.static import static

from aethercrown import data_dir, identity_provider
from aethercrown import env as variables
from aethercrown.http import hsts

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = variables.Variables()
environ.Env.read_env(BASE_DIR / ".env")


def _inherited() -> dict[str, str]:
    return dict(env.ENVIRON)


INHERITED_ENVIRONMENT = _inherited  # for child programs; a function, so that no page prints it

# --- Storage and secrets ---------------------------------------------------------------------
DATA_DIR = data_dir.folder(env.str("DATA_DIR", default=""))
SECRET_KEY = env.str("SECRET_KEY", default="") or data_dir.secret(DATA_DIR, "secret_key")
# Earlier versions kept the pepper and the audit key in files.
API_KEY_PEPPER = env.str("API_KEY_PEPPER", default="") or data_dir.stored(DATA_DIR, "pepper")
API_KEY_OLD_PEPPER = env.str("API_KEY_OLD_PEPPER", default="")
AUDIT_KEY = env.str("AUDIT_KEY", default="") or data_dir.stored(DATA_DIR, "audit_key")
AUDIT_ANCHORS = Path(env.str("AUDIT_ANCHORS", default="") or DATA_DIR / "anchors")
BACKUP_KEY = env.str("BACKUP_KEY", default="")
IMPORT_ROOT = env.str("IMPORT_ROOT", default="")  # of folders that are looked at for files
BACKUP_FOLDER = Path(env.str("BACKUP_FOLDER", default="") or DATA_DIR / "backups")
KEY_FILES_DIR = variables.folder(env.str("KEY_FILES_DIR", default=""), "KEY_FILES_DIR")
KEY_RELOAD_COMMANDS = variables.commands(
    env.str("KEY_RELOAD_COMMANDS", default=""), "KEY_RELOAD_COMMANDS"
)
API_KEY_PREFIX = env.str("API_KEY_PREFIX", default="ac")
DEBUG = env.bool("DEBUG", default=False)
DATABASE_URL = env.address("DATABASE_URL", variables.DATABASES)
ENCRYPTION_KEYS = variables.encryption_keys(
    given=env.str("ENCRYPTION_KEYS", default=""),
    file=env.str("ENCRYPTION_KEYS_FILE", default=""),
    folder=DATA_DIR if DEBUG or not DATABASE_URL else None,
    others=(SECRET_KEY, API_KEY_PEPPER, AUDIT_KEY),
)

# --- Decisions ---------------------------------------------------------------------------------
AUTOMATION_ENABLED = env.bool("AUTOMATION_ENABLED", default=True)
CHECK_INTERVAL_MINUTES = env.number("CHECK_INTERVAL_MINUTES", 30, most=525_600)
DEFAULT_MARKETING_BUDGET = env.number(
    "DEFAULT_MARKETING_BUDGET", Decimal(10_000), least=Decimal("0.01"), most=999_999_999_999
)
DEFAULT_CURRENCY = env.str("DEFAULT_CURRENCY", default="USD")
COMPANY_TIME_ZONE = env.zone("COMPANY_TIME_ZONE", default="UTC")
CHURN_THRESHOLD = env.number("CHURN_THRESHOLD", 0.7, least=0, most=1)
MIN_ENGAGEMENT_DAYS = env.number("MIN_ENGAGEMENT_DAYS", 14, least=0, most=36_500)
NUM_WORKERS = env.number("NUM_WORKERS", 4, most=1_000)
DEMO_USAGE_EVENTS = env.number("DEMO_USAGE_EVENTS", 20_000, least=0, most=1_000_000)
MIN_SAMPLE_SIZE_AB_TEST = env.number("MIN_SAMPLE_SIZE_AB_TEST", 1000)
AB_TEST_ATTRIBUTION_HOURS = env.number("AB_TEST_ATTRIBUTION_HOURS", 168, least=0, most=2_160)
KEY_ROTATION_CRITICAL_DAYS = env.number("KEY_ROTATION_CRITICAL_DAYS", 30, most=36_500)
KEY_ROTATION_HIGH_DAYS = env.number("KEY_ROTATION_HIGH_DAYS", 60, most=36_500)
KEY_ROTATION_MEDIUM_DAYS = env.number("KEY_ROTATION_MEDIUM_DAYS", 90, most=36_500)
KEY_ROTATION_LOW_DAYS = env.number("KEY_ROTATION_LOW_DAYS", 180, most=36_500)
HEALTH_CHECK_INTERVAL_HOURS = env.number("HEALTH_CHECK_INTERVAL_HOURS", 1, most=8_760)
HEALTH_CHECK_TIMEOUT_SECONDS = env.number("HEALTH_CHECK_TIMEOUT_SECONDS", 5, most=3_600)

# --- Serving ---------------------------------------------------------------------------------
HTTPS = env.bool("HTTPS", default=True)
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.number("PORT", 8000, most=65_535)
PUBLIC_URL = env.origin("PUBLIC_URL")
STATUS_PAGE = env.str("STATUS_PAGE", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0, least=0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

ROOT_URLCONF = "aethercrown.urls"
WSGI_APPLICATION = "aethercrown.wsgi.application"
APPEND_SLASH = False

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # its own site would take the place of ours
    "unfold.contrib.filters",
    "dashboards.apps.CrownAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "axes",
    "aethercrown",
    "operations",
    "security",
    "revenue",
    "marketing",
    "enterprise",
    "dashboards",
]

MIDDLEWARE = [
    "aethercrown.monitoring.request_id.RequestIdMiddleware",
    "aethercrown.monitoring.access_log.AccessLog",
    "aethercrown.http.headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "aethercrown.http.compression.StaticCompression",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "aethercrown.http.headers.ContentSecurityPolicy",
    "aethercrown.api.body_limits.BodyLimit",
    "aethercrown.http.bad_input.BadInput",
    "aethercrown.api.computations.BusyPages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "aethercrown.http.sessions.SessionLimits",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "aethercrown.history.attribution.AttributionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "security.access.api.SecondFactorMiddleware",
    "aethercrown.http.kept_forms.KeptForms",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboards.navigation.shell",
            ],
            "builtins": ["aethercrown.templatetags.formatting"],
        },
    },
]

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns where it is missing
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step before the first start

# --- Database--------------------------------------------------------------------------------
_kept: dict[str, Any] = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}  # one a thread
_sqlite: dict[str, Any] = {
    **_kept,
    "ENGINE": "aethercrown.db.sqlite",
    "NAME": str(DATA_DIR / "aethercrown.sqlite3"),
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",  # a writer waits before its transaction
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
}
_postgresql: dict[str, Any] = {
    **_kept,
    "ENGINE": "aethercrown.db.postgresql",
    "OPTIONS": {
        "connect_timeout": 10,
        "options": "-c statement_timeout=10s -c lock_timeout=5s"
        " -c idle_in_transaction_session_timeout=30s",
    },
}
DATABASES: dict[str, dict[str, Any]] = {
    "default": {**env.db_url_config(DATABASE_URL), **_postgresql} if DATABASE_URL else _sqlite
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "aethercrown.formats"

# --- Broker and cache ------------------------------------------------------------------------
REDIS_URL = env.address("REDIS_URL", variables.BROKERS) or data_dir.stored(
    DATA_DIR, data_dir.BROKER_URL_FILE
)
CACHE_PREFIX = env.str("CACHE_PREFIX", default="ac")
CACHES = {
    "default": {"BACKEND": "aethercrown.db.cache.DatabaseCache"},  # signing in needs no broker
    "broker": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": CACHE_PREFIX,
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 1500
CELERY_TASK_TIME_LIMIT = 1800
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "aethercrown.celery_beat_scheduler:SteadyScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,  # above the hard time limit, or a long task would run twice
    "global_keyprefix": f"{CACHE_PREFIX}:",
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 3,
    "interval_start": 0.2,
    "interval_step": 0.3,
    "interval_max": 0.8,
}

# --- Mail ------------------------------------------------------------------------------------
EMAIL_URL = env.address("EMAIL_URL", variables.MAILS)
ALERT_EMAIL_FROM = env.str("ALERT_EMAIL_FROM", default="aethercrown@localhost")
_mail = environ.Env.email_url_config(EMAIL_URL or "consolemail://")
EMAIL_BACKEND: str = _mail["EMAIL_BACKEND"].replace(
    "django.core.mail.backends.smtp.EmailBackend", "aethercrown.http.mail.PinnedEmailBackend"
)
EMAIL_HOST: str = _mail.get("EMAIL_HOST") or "localhost"
EMAIL_PORT: int = _mail.get("EMAIL_PORT") or 25
EMAIL_HOST_USER: str = _mail.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD: str = _mail.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_FILE_PATH: str = _mail.get("EMAIL_FILE_PATH") or ""
EMAIL_USE_TLS: bool = _mail.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL: bool = _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ALERT_EMAIL_FROM

# --- People ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "security.User"
AUTHENTICATION_BACKENDS = ["security.access.services.sign_in.PasswordBackend"]
PASSWORD_HASHERS = [
    "aethercrown.passwords.Argon2id",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # verifies older hashes
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "aethercrown.passwords.ProductNameValidator"},
    {"NAME": "aethercrown.passwords.StrengthValidator"},
]
LOGIN_URL = "/login"
SECOND_FACTOR_REQUIRED = env.bool("SECOND_FACTOR_REQUIRED", default=not DEBUG)
ACCOUNT_ADAPTER = "security.access.services.sessions.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]  # there is no sign-up; allauth requires it
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
# axes and security/access/lockout.py limit passwords. This limits codes of second factors: five
# failures in 15 minutes for each person.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "5/15m/key", "reauthenticate": "10/m/user"}
OIDC_PROVIDER = identity_provider.settings(
    issuer=env.str("OIDC_ISSUER", default=""),
    client_id=env.str("OIDC_CLIENT_ID", default=""),
    client_secret=env.str("OIDC_CLIENT_SECRET", default=""),
    networks=env.str("OIDC_NETWORKS", default=""),
    ca_file=env.str("OIDC_CA_FILE", default=""),
    roles=env.str("OIDC_ROLES", default=""),
)
OIDC_NAME = env.str("OIDC_NAME", default="single sign-on")
OIDC_SCOPES = tuple(env.str("OIDC_SCOPES", default="openid profile email").split())
OIDC_ROLES_CLAIM = env.str("OIDC_ROLES_CLAIM", default="groups")
OIDC_ROLES = identity_provider.role_mapping(env.str("OIDC_ROLES", default=""))
OIDC_SECOND_FACTORS = identity_provider.second_factors(env.str("OIDC_SECOND_FACTORS", default=""))
OIDC_CREATE_PEOPLE = env.bool("OIDC_CREATE_PEOPLE", default=True)
OIDC_PASSWORDS = env.bool("OIDC_PASSWORDS", default=True)
SOCIALACCOUNT_ADAPTER = "security.access.services.identity_provider.SocialAccountAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "security.access.services.second_factor.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 0  # a code is valid for 30 s and used once
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # or repeated attempts would lock for ever
AXES_LOCKOUT_CALLABLE = "security.access.api.locked_out"
AXES_USERNAME_CALLABLE = "security.access.services.sign_in.axes_username"
AXES_CLIENT_IP_CALLABLE = "security.access.services.sign_in.axes_client_ip"
AXES_CLIENT_STR_CALLABLE = "security.access.services.sign_in.axes_client_text"
AXES_SENSITIVE_PARAMETERS = ["username", "password", "csrfmiddlewaretoken", "code", "credential"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"

# --- Hardening -------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$", r"^api/"]  # body_limits refuses /api
SECURE_HSTS_SECONDS = hsts.seconds(DATA_DIR, https=HTTPS)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SESSION_ENGINE = "security.access.session_store"
SESSION_COOKIE_AGE = 12 * 3600  # sessions.py ends each after 30 minutes without a request as well
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", NONCE],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}

# --- The API ---------------------------------------------------------------------------------
API_BURST = env.number("API_BURST", 200)
API_RATE_PER_SECOND = env.number("API_RATE_PER_SECOND", 50.0, least=0.001)
API_ADDRESS_BURST = env.number("API_ADDRESS_BURST", 2000)
API_ADDRESS_RATE_PER_SECOND = env.number("API_ADDRESS_RATE_PER_SECOND", 500.0, least=0.001)
COMPUTATIONS_PER_CALLER = env.number("COMPUTATIONS_PER_CALLER", 1, most=1_000)
COMPUTATIONS_AT_ONCE = env.number("COMPUTATIONS_AT_ONCE", 2, most=10_000)
COMPUTATION_SECONDS = env.number("COMPUTATION_SECONDS", 20, most=70)
JOBS_AT_ONCE = env.number("JOBS_AT_ONCE", 1, most=1_000)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "security.apikeys.api.KeyAuthentication",
        "security.apikeys.api.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["security.apikeys.api.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "aethercrown.api.body_limits.StrictJSONParser",
        "aethercrown.api.body_limits.EmptyFormParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "aethercrown.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "aethercrown.api.openapi.EnvelopeSchema",
    "DEFAULT_THROTTLE_CLASSES": ["aethercrown.api.throttling.TokenBucket"],
    "EXCEPTION_HANDLER": "aethercrown.api.endpoint.failure",
    "COERCE_DECIMAL_TO_STRING": False,
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DATETIME_FORMAT": "iso-8601",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AetherCrown",
    "DESCRIPTION": "Growth and operations on autopilot: decisions from your own rows.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["security.apikeys.api.AnyCredential"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["aethercrown.api.openapi.complete"],
}

# --- Logs ------------------------------------------------------------------------------------
LOG_FORMAT = env.str("LOG_FORMAT", default="auto")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "aethercrown.monitoring.logs.configure"
LOGGING = {"format": LOG_FORMAT, "level": LOG_LEVEL}

# --- The admin theme -------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "AetherCrown",
    "SITE_HEADER": "AetherCrown",
    "SITE_ICON": lambda _: static("img/crown.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda _: static("img/crown.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "dashboards.admin_home.context",
    "STYLES": [
        lambda _: static("css/tokens.css"),
        lambda _: static("css/components.css"),
        lambda _: static("css/shell.css"),
        lambda _: static("css/admin.css"),
    ],
    "COLORS": {
        "base": {  # the grounds, edges and texts of css/tokens.css
            "50": "#f5f5f9",
            "100": "#eeeef5",
            "200": "#e2e2ec",
            "300": "#cfcfdd",
            "400": "#8b8ba0",
            "500": "#75758c",
            "600": "#5a5a70",
            "700": "#3a3a4d",
            "800": "#2e2e3e",
            "900": "#191924",
            "950": "#111119",
        },
        "primary": {
            "50": "oklch(97% .015 280)",
            "100": "oklch(94% .03 280)",
            "200": "oklch(88% .06 280)",
            "300": "oklch(80% .10 280)",
            "400": "oklch(72% .13 280)",
            "500": "oklch(68% .15 280)",
            "600": "oklch(46% .19 280)",
            "700": "oklch(41% .17 280)",
            "800": "oklch(35% .14 280)",
            "900": "oklch(30% .11 280)",
            "950": "oklch(22% .08 280)",
        },
    },
}
