"""The project's settings, read from the tests' environment; what differs stands here."""

from tests import environment

environment.set_up()

from aethercrown.settings import *  # noqa: E402, F403 - they read the environment just set
from aethercrown.settings import DATA_DIR, DATABASES, MIDDLEWARE  # noqa: E402 - the same

WSGI_APPLICATION = "tests.serving.application"
MIDDLEWARE = [
    each.replace("whitenoise.middleware.WhiteNoiseMiddleware", "tests.static_files.StaticFiles")
    for each in MIDDLEWARE
]
DEMO_USAGE_EVENTS = 300  # the demo company proper has 20,000
HEALTH_CHECK_TIMEOUT_SECONDS = 1  # SQLite locks out the write that a test looks at
SECOND_FACTOR_REQUIRED = False  # the tests of it say so themselves
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a slow one tests nothing
if DATABASES["default"]["ENGINE"] == "aethercrown.db.sqlite":
    # A file, as in life: threads that share a database in memory lock each other out.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "tests.sqlite3")}
