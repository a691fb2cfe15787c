"""Every setting of the portal. The only file that reads the environment.

The names and their meaning are documented in .env.example and in the README. A nonsensical value stops the start
with one line that says what to set.
"""

import contextlib
import logging
import os
import re
import warnings
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from portal.leap.environments import PRODUCTION, STAGING, Environment, sandbox

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env(
    SECRET_KEY=(str, ""),
    DEBUG=(bool, False),
    ALLOWED_HOSTS=(list, []),
    PUBLIC_URL=(str, ""),
    DATABASE_URL=(str, f"sqlite:///{VAR_DIR / 'portal.sqlite3'}"),
    CACHE_URL=(str, f"filecache://{VAR_DIR / 'cache'}"),
    EMAIL_URL=(str, "consolemail://"),
    DEFAULT_FROM_EMAIL=(str, ""),
    LEAP_ENVIRONMENT=(str, "production"),
    LEAP_API_URL=(str, ""),
    LEAP_CONNECT_URL=(str, ""),
    LEAP_CONNECT_NEW_URL=(str, ""),
    LEAP_LEGACY_URL=(str, ""),
    LEAP_API_KEY=(str, ""),
    LEAP_WEBHOOK_SECRET=(str, ""),
    SANDBOX=(bool, False),
    SPOOL_DIR=(str, str(VAR_DIR / "spool")),
)
environ.Env.read_env(BASE_DIR / ".env")
# An empty value (`CACHE_URL=` in a file, `${CACHE_URL:-}` of compose) is no value: the default holds.
for _name, (_, _default) in env.scheme.items():
    if _default and not os.environ.get(_name, "-").strip():
        del os.environ[_name]
# django-environ takes a value that begins with “$” for the name of another variable: a key may begin so. Escaped, it is
# read as it stands.
env.escape_proxy = True
env.ENVIRON = {name: value.replace("$", r"\$") for name, value in os.environ.items()}
# django-environ warns of what is refused below, in a second line.
warnings.filterwarnings("ignore", message="Engine not recognized", module="environ")


def refuse(message: str) -> NoReturn:
    """Stop the start with one line: a traceback would hide what to do."""
    raise SystemExit(f"portal: {message}")


#: A host name (not in Unicode: URLs and QR codes carry its ASCII form), an IPv4 or an IPv6 address.
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")


def web_address(name: str, default: str) -> str:
    """Return the http(s) address in setting `name` without its last slash."""
    value = (env(name) or default).rstrip("/")
    try:
        parts = urlsplit(value)
        wrong = parts.scheme not in {"http", "https"} or bool(parts.query or parts.fragment)
        wrong = wrong or not _HOST.fullmatch(parts.hostname or "")
        _ = parts.port
    except ValueError:
        wrong = True
    if wrong:
        refuse(f"{name} is “{value}”: set it to an address such as https://portal.example.com")
    return value


def writable_folder(name: str, folder: Path) -> Path:
    """Return the folder of setting `name`, created if it was missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(0, "permission denied")
    except OSError as error:
        refuse(f"{name} is “{folder}”, which cannot be written ({error.strerror}): set it to a writable folder")
    return folder


def yes_or_no(name: str) -> bool:
    """Return a setting that is on or off; a misspelt one is refused rather than taken for off."""
    value = str(env.str(name, default="")).strip().lower()
    if value not in {"", "on", "off", "true", "false", "yes", "no", "1", "0"}:
        refuse(f"{name} is “{value}”: set it to on or off")
    return value in {"on", "true", "yes", "1"}


# --- The house ---------------------------------------------------------------------------------------------------

DEBUG = yes_or_no("DEBUG")
SECRET_KEY = env("SECRET_KEY") or ("debug-only" if DEBUG else "")
if not SECRET_KEY:
    refuse(
        "SECRET_KEY is not set: set it to a long random text "
        "(python -c 'import secrets; print(secrets.token_urlsafe(50))')"
    )
ALLOWED_HOSTS = [host.strip() for host in env("ALLOWED_HOSTS") if host.strip()]
if not ALLOWED_HOSTS and not DEBUG:
    refuse("ALLOWED_HOSTS is not set: set it to the portal's host names, separated by commas")
for _host in ALLOWED_HOSTS:
    if not re.fullmatch(r"\*|\.?[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", _host):
        refuse(f"ALLOWED_HOSTS has “{_host}”: set it to host names only, without scheme or port, separated by commas")
if not env("PUBLIC_URL") and not DEBUG:
    refuse("PUBLIC_URL is not set: set it to how the world reaches the portal, such as https://portal.example.com")
# In small letters: “HTTPS://” must not pass for http below, and the browser's Origin header is written so, too.
PUBLIC_URL = web_address("PUBLIC_URL", "http://127.0.0.1:8000").lower()
if urlsplit(PUBLIC_URL).path or urlsplit(PUBLIC_URL).username:
    refuse(f"PUBLIC_URL is “{PUBLIC_URL}”: set it to scheme and host only, without a path (QR codes need that)")

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "portal.accounts",
    "portal.authorizations",
    # Off, it has no address: its tables stay empty.
    "portal.sandbox",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django.contrib.humanize",
    "django_filters",
    "django_tables2",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.authorizations.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.authorizations.middleware.PublicDoorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.authorizations.audit_middleware.AuditMiddleware",
    "portal.authorizations.middleware.PrivateByDefaultMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

# Widgets are drawn by the templates of the portal, where it has one, or else by Django's.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

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
                "portal.authorizations.context_processors.portal",
            ],
        },
    },
]

# --- Data --------------------------------------------------------------------------------------------------------

try:
    DATABASES = {"default": env.db_url("DATABASE_URL")}
except (ImproperlyConfigured, ValueError, KeyError):
    DATABASES = {}
_engines = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}
if not DATABASES or DATABASES["default"].get("ENGINE") not in _engines or not DATABASES["default"].get("NAME"):
    refuse("DATABASE_URL cannot be read: set it to sqlite:////path/to/file or postgres://user:password@host:5432/name")
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"].endswith("sqlite3"):
    # One writer at a time, and readers that never wait for it. A transaction takes the write lock when it begins: a
    # lock taken later, after a read, fails at once instead of waiting.
    _database.setdefault("OPTIONS", {}).update(
        {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # What is erased or overwritten is zeroed in the file, too.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
        }
    )
    if _database["NAME"] != ":memory:":
        # A relative path means the same wherever a command is started.
        _database["NAME"] = str(BASE_DIR / _database["NAME"])
        writable_folder("DATABASE_URL", Path(_database["NAME"]).parent)
else:
    # A server that does not answer must not keep a customer waiting for minutes.
    _database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

try:
    CACHES = {"default": env.cache_url("CACHE_URL")}
except (ImproperlyConfigured, ValueError, KeyError):
    refuse("CACHE_URL cannot be read: set it to filecache:///path/to/folder or redis://host:6379/0")
if CACHES["default"]["BACKEND"].endswith("FileBasedCache"):
    CACHES["default"]["LOCATION"] = str(writable_folder("CACHE_URL", BASE_DIR / CACHES["default"]["LOCATION"]))
    # Django throws away a third of 300: with them the counters of failed sign-ins, and how far an import is.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 10_000)

# Uploaded customer lists: personal data, so never below a public address.
MEDIA_ROOT = VAR_DIR / "media"
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
FILE_UPLOAD_HANDLERS = [
    "portal.authorizations.upload_limit.LimitedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
MAX_UPLOAD_BYTES = 100 * 1024 * 1024

SPOOL_DIR = writable_folder("SPOOL_DIR", BASE_DIR / env("SPOOL_DIR"))

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

# --- Leap --------------------------------------------------------------------------------------------------------

LEAP_ENVIRONMENT = env("LEAP_ENVIRONMENT").strip().lower()
_environments: dict[str, Environment] = {"production": PRODUCTION, "staging": STAGING, "sandbox": sandbox(PUBLIC_URL)}
if LEAP_ENVIRONMENT not in _environments:
    refuse(f"LEAP_ENVIRONMENT is “{LEAP_ENVIRONMENT}”: set it to production, staging or sandbox")
LEAP_API_URL = web_address("LEAP_API_URL", _environments[LEAP_ENVIRONMENT].api_url)
LEAP_CONNECT_URL = web_address("LEAP_CONNECT_URL", _environments[LEAP_ENVIRONMENT].connect_url)
LEAP_CONNECT_NEW_URL = web_address("LEAP_CONNECT_NEW_URL", _environments[LEAP_ENVIRONMENT].connect_new_url)
LEAP_LEGACY_URL = web_address("LEAP_LEGACY_URL", _environments[LEAP_ENVIRONMENT].legacy_url)
LEAP_API_KEY = env("LEAP_API_KEY").strip()
# Blanks at its ends reach no header: Leap's calls would never equal it.
LEAP_WEBHOOK_SECRET = env("LEAP_WEBHOOK_SECRET").strip()
SANDBOX = yes_or_no("SANDBOX")
if SANDBOX and LEAP_ENVIRONMENT != "sandbox":
    refuse(
        f"SANDBOX is on, but LEAP_ENVIRONMENT is {LEAP_ENVIRONMENT}: "
        "set LEAP_ENVIRONMENT=sandbox, or SANDBOX=off (nobody presses “success” in production)"
    )
# Whoever knows the sandbox's key reads there what the portal's webhook sends along: its secret.
if SANDBOX and not LEAP_API_KEY and urlsplit(PUBLIC_URL).hostname not in {"127.0.0.1", "localhost", "::1"}:
    refuse(
        f"LEAP_API_KEY is not set, and the sandbox would be open at {PUBLIC_URL} with a key that everybody knows: "
        "set it to a long random text"
    )

# --- People ------------------------------------------------------------------------------------------------------

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600

# --- Security ----------------------------------------------------------------------------------------------------

_https = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = _https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_REDIRECT_EXEMPT = [r"^healthz\Z", r"^readyz\Z"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A list of ten thousand chosen rows is one form.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

# --- Words, files, mail, log -------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
FORMAT_MODULE_PATH = "portal.formats"
TIME_ZONE = "America/Los_Angeles"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
# whitenoise warns of a missing one at every start, and before collectstatic there is none.
with contextlib.suppress(OSError):
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
# Pages render, and their files are served, before collectstatic has run.
WHITENOISE_USE_FINDERS = True
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.authorizations.static_storage.ForgivingManifestStorage"},
}

try:
    _mail = env.email_url("EMAIL_URL")
    if _mail["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
        if not _mail["EMAIL_HOST"]:
            raise ValueError("no host")
        _ports = {"smtp+ssl": 465, "smtp+tls": 587, "smtps": 587}
        _mail["EMAIL_PORT"] = _mail["EMAIL_PORT"] or _ports.get(urlsplit(env("EMAIL_URL")).scheme, 25)
    vars().update(_mail)
except (ImproperlyConfigured, ValueError, KeyError):
    refuse("EMAIL_URL cannot be read: set it to smtp+tls://user:password@host:587 or consolemail://")
# Whom mails come from: an address of a domain for which the mail server may send (SPF, DKIM). Empty: the support email
# of the installation.
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL").strip()
try:
    if DEFAULT_FROM_EMAIL:
        validate_email(DEFAULT_FROM_EMAIL)
except ValidationError:
    refuse("DEFAULT_FROM_EMAIL is no address: set it to one such as energy@example.com, without a name")
# A mail server that does not answer must not keep the worker for ever.
EMAIL_TIMEOUT = 20

DJANGO_TABLES2_TEMPLATE = "django_tables2/portal.html"
FILTERS_EMPTY_CHOICE_LABEL = "Any"


def _without_traceback_of_refusals(record: logging.LogRecord) -> bool:
    """A page that is not for a role is no fault of the portal's: one line says so, fifteen would hide real errors."""
    if getattr(record, "status_code", None) == 403:
        record.exc_info = None
    return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {
        "refusals": {"()": "django.utils.log.CallbackFilter", "callback": _without_traceback_of_refusals},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"portal": {"level": "INFO"}},
}
