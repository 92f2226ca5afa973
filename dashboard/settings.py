"""Django's settings, all from the environment or from `.env`; the README has the list."""

import logging
import os
from pathlib import Path
from typing import Any

import environ
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from dashboard import environment, environment_events, environment_mail, logs, safety

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
# The environment wins over the file. An empty ENV_FILE reads none: tests must not depend on somebody's own.
ENV_FILE = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
if ENV_FILE:
    environ.Env.read_env(ENV_FILE)

DATA_DIR = Path(env.str("DATA_DIR", default="") or BASE_DIR / "var")
DEBUG = environment.read_flag(env, "DEBUG")
HTTPS_ONLY = environment.read_flag(env, "HTTPS_ONLY")
INSECURE_HTTP = environment.read_flag(env, "INSECURE_HTTP")
DATABASES: dict[str, Any] = {
    "default": environment.read_database(env, default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
}
SECRET_KEY = environment.read_secret_key(env, data_dir=DATA_DIR)
SECRET_KEY_IS_OWN = bool(environment.read_text(env, "SECRET_KEY"))
ALLOWED_HOSTS = environment.read_hosts(env, default=["localhost", "127.0.0.1", "[::1]"])

# DingTalk: one app described by the environment, and the sandbox. Neither is ever written to the database.
DINGTALK = environment.read_dingtalk(env)
DINGTALK_SANDBOX_URL = environment.read_sandbox_url(env)
DINGTALK_LOGIN_URL = environment.read_login_url(env)
DINGTALK_DEFAULT_COUNTRY = environment.read_country(env)
# Whether the host of an app may be inside a private network.
DINGTALK_ALLOW_PRIVATE_HOSTS = environment.read_flag(env, "DINGTALK_ALLOW_PRIVATE_HOSTS")
# How what happens in DingTalk is heard of, for these two: "stream", "callback" or "none".
_events = environment_events.read_events(env, dingtalk=DINGTALK)
DINGTALK_EVENTS = _events.way
DINGTALK_EVENT_TOKEN, DINGTALK_EVENT_AES_KEY = _events.token, _events.aes_key
FIELD_ENCRYPTION_KEYS = environment.read_encryption_keys(env)
# The first seals the days of the history, all of them verify; without any, one is derived from SECRET_KEY.
HISTORY_KEYS = environment.read_history_keys(env)
# Whom each seal is sent to, so that whoever can rewrite the database cannot rewrite the past.
HISTORY_MAIL = environment_mail.read_addresses(env, "HISTORY_MAIL")

INSTALLED_APPS = [
    "invites",
    "dashboard",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.dingtalk",
    "allauth.mfa",
    "auditlog",
    "django_htmx",
    "django_tasks_db",
]
MIDDLEWARE = [
    # Before what serves files and what refuses a host, so that these answers are guarded, too.
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "dashboard.middleware.PolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # After what serves files: these have nothing to tell.
    "dashboard.middleware.RequestLogMiddleware",
    # Pages are compressed too. Django pads them at random and masks the CSRF token anew each time, so that their
    # size betrays nothing.
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "dashboard.middleware.VisitorSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dashboard.middleware.ActingMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "dashboard.middleware.SecondFactorMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "dashboard.middleware.ViewerMiddleware",
    "dashboard.middleware.HtmxAnswerMiddleware",
    "dashboard.middleware.DomainErrorMiddleware",
]
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "dashboard.wsgi.application"
ASGI_APPLICATION = "dashboard.asgi.application"
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
                "dashboard.context.page",
            ],
            "builtins": ["django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

FORM_RENDERER = "dashboard.rendering.FormRenderer"

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Writers wait for each other instead of failing, and readers never wait. Commits are synced to the disk
    # (WAL with the default `synchronous`), since an attempt must be on record before it leaves.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 20000;",
    }
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# What all processes have to know for a while, such as how often somebody has tried to sign in, is in the database too.
# Workers take away what has expired; the bound is for a flood, and above it rows go that still count.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "invites_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# Any backend of Django's Tasks interface will do: what is still to be sent is in our own tables.
TASKS = {
    "default": {
        "BACKEND": env.str("TASKS_BACKEND", default="") or "django_tasks_db.DatabaseBackend",
        "QUEUES": ["default", "lists"],
    }
}

# When one process takes another for dead, in seconds. One call to DingTalk, its token included, lasts at most
# CALL_SECONDS; an attempt without an outcome GRACE_SECONDS later is closed as unknown; an invitation with people due
# that no worker took up within UNHEARD_SECONDS is rung for again; a batch of which the directory has not said within
# LOOK_UP_SECONDS who is unknown is halved; and workers look for all of these every HEARTBEAT_SECONDS.
CALL_SECONDS = 15.0
GRACE_SECONDS = 15.0
UNHEARD_SECONDS = 30.0
LOOK_UP_SECONDS = 30.0
HEARTBEAT_SECONDS = 10.0
# So many calls to DingTalk may one worker have under way at the same time; each takes a connection to the database.
CALLS_IN_FLIGHT = environment.read_number(env, "CALLS_IN_FLIGHT", default=4)

# So often may one person do what costs others something (`invites.limiting`): how many times in how many seconds.
# Nobody who presses buttons gets near these; a script in somebody's name does.
LIMITS = {
    "sending": (60, 60),
    "exporting": (30, 600),
    "importing": (30, 600),
    "looking_up": (60, 60),
    "testing": (12, 60),
    "api": (300, 60),
}

# So many people a meeting holds in DingTalk's standard edition; above it the composer warns before it sends.
MEETING_HOLDS = 500

# How often the members of a conference are read while somebody looks, in seconds: OBSERVE_SHORTEST_SECONDS after
# something has happened, then ever more seldom up to OBSERVE_LONGEST_SECONDS; OBSERVE_REFUSED_SECONDS after a refusal
# that does not pass by itself. Whoever asked for a reading that is not there OBSERVE_LEASE_SECONDS later (longer than
# CALL_SECONDS) is taken for dead. Where events tell who is in, it is read every OBSERVE_DESPITE_EVENTS_SECONDS all the
# same, in case that one was lost.
OBSERVE_SHORTEST_SECONDS = 3.0
OBSERVE_LONGEST_SECONDS = 60.0
OBSERVE_REFUSED_SECONDS = 300.0
OBSERVE_LEASE_SECONDS = 20.0
OBSERVE_DESPITE_EVENTS_SECONDS = 600.0

# Changes of what people look after are on record, in a table of ours that the database keeps as it is.
AUDITLOG_LOGENTRY_MODEL = "invites.AuditEntry"
# Its own migrations would make a second table, which nothing uses.
MIGRATION_MODULES = {"auditlog": None}
AUDITLOG_DISABLE_REMOTE_ADDR = True
AUDITLOG_CID_GETTER = "invites.tracing.current"
AUDITLOG_STORE_JSON_CHANGES = True

# Where no EMAIL_URL is set, nothing is sent: whoever sends asks MAIL_IS_SET_UP first. What did not ask would fail, and
# not pass for sent.
_mail = environment_mail.read_mail(env)
MAIL_IS_SET_UP = _mail is not None
MAILERS: dict[str, Any] = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}}
if _mail is not None:
    MAILERS["default"] = {"BACKEND": _mail.backend, "OPTIONS": _mail.options}
    DEFAULT_FROM_EMAIL = SERVER_EMAIL = _mail.sender
# Where people reach the site, for links in mail.
SITE_URL = environment.read_site_url(env, hosts=ALLOWED_HOSTS, https_only=HTTPS_ONLY)
safety.refuse_unsafe(
    debug=DEBUG,
    https_only=HTTPS_ONLY,
    insecure_http=INSECURE_HTTP,
    hosts=ALLOWED_HOSTS,
    site_url=SITE_URL,
    dingtalk=DINGTALK,
)

AUTH_USER_MODEL = "invites.User"
AUTHENTICATION_BACKENDS = ["invites.signing_in.backends.NameOrMailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    # Length is what counts (NIST SP 800-63B), so there are no rules about kinds of characters.
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
# Signing in is django-allauth's; what holds here says `invites.signing_in`. Addresses for mail are not verified by it,
# so none of them is an identity: they are a name to sign in with, and where a link to a new password goes.
ACCOUNT_ADAPTER = "invites.signing_in.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_SIGNUP_ENABLED = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
# Django's own: a link in a mail is void as soon as the address or the password is another.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
SOCIALACCOUNT_ADAPTER = "invites.signing_in.social.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "dingtalk": {
        "provider_class": "invites.signing_in.provider.DingTalkProvider",
        # Without it DingTalk refuses the request. That it looks at PKCE is not documented.
        "AUTH_PARAMS": {"prompt": "consent"},
        "OAUTH_PKCE_ENABLED": True,
    }
}
ACCOUNT_FORMS = {
    "login": "invites.forms.signing_in.SignInForm",
    "reauthenticate": "invites.forms.factor.PasswordAgainForm",
    "change_password": "invites.forms.signing_in.PasswordForm",
    "set_password": "invites.forms.signing_in.FirstPasswordForm",
    "reset_password": "invites.forms.signing_in.ForgottenPasswordForm",
    "reset_password_from_key": "invites.forms.signing_in.ResetPasswordWithLinkForm",
}
# With this prefix a browser takes them from this very host alone, over https, for all of it (RFC 6265bis).
_COOKIE_PREFIX = "__Host-" if HTTPS_ONLY else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}invites_session"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrftoken"
# Second factors. Recovery codes are shown once; a code of an app is taken a little early or late, since clocks differ.
MFA_ADAPTER = "invites.securing.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_FORMS = {
    "activate_totp": "invites.forms.factor.AuthenticatorAppForm",
    "add_webauthn": "invites.forms.factor.PasskeyForm",
    "authenticate": "invites.forms.factor.SecondStepForm",
    "authenticate_webauthn": "invites.forms.factor.PasskeyStepForm",
    "login_webauthn": "invites.forms.factor.PasskeySignInForm",
    "reauthenticate": "invites.forms.factor.CodeAgainForm",
    "reauthenticate_webauthn": "invites.forms.factor.PasskeyAgainForm",
}
# Passwords are counted by `invites.signing_in.slowing`; here is what is counted besides: presses of any kind, by
# address; second factors, by account (login_failed); mails, by whom they are for. Whoever is refused waits for
# LONGEST_WAIT seconds at most.
ACCOUNT_RATE_LIMITS = {
    "login": "100/10m/ip",
    "login_failed": "5/5m/key",
    "reauthenticate": "20/10m/user",
    "change_password": "20/10m/user",
    "reset_password": "20/10m/ip,3/10m/key",
    "reset_password_from_key": "30/10m/ip",
    "signup": "30/10m/ip",
}
MFA_RATE_LIMITS = {"webauthn_login": "50/10m/ip"}
LONGEST_WAIT = 600
# For so many seconds whoever has shown who they are may change how they sign in.
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600

# Keys are stored as digests and data encrypted. Whoever comes back within these days stays signed in; after the longest
# everybody signs in again.
SESSION_ENGINE = "invites.sessions"
_session_days = environment.read_session_days(env)
SESSION_COOKIE_AGE, SESSION_LONGEST_AGE = _session_days.idle * 24 * 3600, _session_days.longest * 24 * 3600
# So many proxies of our own stand in front, whose word in X-Forwarded-For is believed; https is spoken by one.
TRUSTED_PROXIES = environment.read_number(env, "TRUSTED_PROXIES", default=int(HTTPS_ONLY), least=0, most=9)
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "invites" / "locale"]
FORMAT_MODULE_PATH = "dashboard.formats"
TIME_ZONE = environment.read_time_zone(env, default="Asia/Shanghai")
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Whoever looks whether a process is well asks it directly, and not through the proxy that speaks https.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS_ONLY
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
if HTTPS_ONLY:
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# A pasted list of 10,000 people must fit; nothing that a form sends is larger.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
# A file goes to the disk, and no further than a list of people may be long.
FILE_UPLOAD_HANDLERS = ["dashboard.uploads.BoundedUploadHandler"]

# Prometheus reads `/metrics` with this token; without one there is no such page.
METRICS_TOKEN = environment.read_token(env, "METRICS_TOKEN")

LOGGING_CONFIG = "dashboard.logs.configure"
LOGGING = logs.logging_of(log_format=environment.read_log_format(env), level=environment.read_log_level(env))
# The id of a request that a proxy in front has made is taken over where it looks like one (`dashboard.middleware`).
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
