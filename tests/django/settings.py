"""Settings of the tests: BM_DJANGO says on which engine they run."""

import os
import sys
from pathlib import Path

# The guide's samples are an app.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples/guide/django"))

ENGINE = os.environ.get("BM_DJANGO", "sqlite-table")

if ENGINE == "postgresql":
    given = dict(pair.split("=", 1) for pair in os.environ["BM_TEST_POSTGRESQL"].split())
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": given.get("dbname", "postgres"),
            "USER": given.get("user", ""),
            "HOST": given.get("host", ""),
            "PORT": str(given.get("port", "")),
            "TEST": {"NAME": f"test_bulkmodel_{os.getpid()}"},
        }
    }
elif ENGINE.startswith("mariadb"):
    if ENGINE == "mariadb-pymysql":
        import pymysql

        # Django asks for the version of mysqlclient whose interface it has.
        pymysql.version_info = (2, 2, 1, "final", 0)
        pymysql.install_as_MySQLdb()
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "NAME": "test",
            "USER": "test",
            "HOST": os.environ["BM_TEST_MARIADB"],
            "OPTIONS": {"charset": "utf8mb4"},
            "TEST": {"NAME": f"test_bulkmodel_{os.getpid()}", "CHARSET": "utf8mb4"},
        }
    }
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}

INSTALLED_APPS = ["bulkmodel", "app", "shop"]
if ENGINE == "postgresql":
    INSTALLED_APPS.append("django.contrib.postgres")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "tests"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
# What the tests of errors ask for; test_row_search_postgresql.py has one of the default.
BULKMODEL_LOCATE_IN_ATOMIC = True
