"""Settings for Django's own tests, which want two databases."""

import os

import django
from tap import KNOWN_ENGINES

ENGINE = os.environ["BM_DJANGO"]
assert ENGINE in KNOWN_ENGINES


def database(name: str) -> dict[str, object]:
    """One database of the tests."""
    if ENGINE == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3"}
    if ENGINE == "mariadb":
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": "test",
            "USER": "test",
            "HOST": os.environ["BM_TEST_MARIADB"],
            "TEST": {"NAME": f"test_bulkmodel_{os.getpid()}_{name}", "CHARSET": "utf8mb4"},
        }
    given = dict(pair.split("=", 1) for pair in os.environ["BM_TEST_POSTGRESQL"].split())
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.get("dbname", "postgres"),
        "USER": given.get("user", ""),
        "HOST": given.get("host", ""),
        "PORT": given.get("port", ""),
        "TEST": {"NAME": f"test_bulkmodel_{os.getpid()}_{name}"},
    }


DATABASES = {"default": database("default"), "other": database("other")}
SECRET_KEY = "tests"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
if django.VERSION < (6, 0):
    DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
TEST_RUNNER = "tap.Runner"
