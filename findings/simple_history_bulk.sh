#!/usr/bin/env bash
# django-simple-history writes the history from the objects, not from the rows: an existing row
# with the values of an ignored one gets a second "created", a row that was deleted meanwhile a
# "changed", and a field that was not written is recorded with the value of the object.
cd "$(dirname "$0")" && . ./lib.sh
packages Django==5.2.19 django-simple-history==3.13.0
mkdir "$folder/shop" && touch "$folder/shop/__init__.py"
export PYTHONPATH=$folder
seen=$(py <<'PY'
import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "simple_history", "shop"],
    USE_TZ=True,
)
django.setup()
from django.core.management import call_command
from django.db import connection, models
from simple_history.models import HistoricalRecords
from simple_history.utils import bulk_create_with_history, bulk_update_with_history


class Row(models.Model):
    sku = models.CharField(max_length=3, unique=True)
    stock = models.IntegerField()
    history = HistoricalRecords()

    class Meta:
        app_label = "shop"


def history():
    kept = Row.history.order_by("history_id")
    return [f"{row.history_type}{row.sku}{row.stock}" for row in kept]


call_command("migrate", verbosity=0)
with connection.schema_editor() as editor:
    editor.create_model(Row)
    editor.create_model(Row.history.model)
Row.objects.create(sku="a", stock=1)
rows = [Row(sku="a", stock=1), Row(sku="b", stock=2)]
bulk_create_with_history(rows, Row, ignore_conflicts=True)
first, second = Row.objects.order_by("sku")
Row.objects.filter(sku="b").delete()
seen = len(history())
first.sku, first.stock, second.stock = "z", 5, 9
bulk_update_with_history([first, second], Row, ["stock"])
print(*history()[:3], *sorted(history()[seen:]))
PY
)
report "+a1 +b2 -b2 ~a5" "+a1 +a1 +b2 ~b9 ~z5" "$seen"
