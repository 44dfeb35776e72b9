#!/usr/bin/env python3
"""Run Django's own tests with our manager and queryset in the place of Django's.  TAP.

usage: run.py ENGINE [LABEL...]    sqlite or postgresql; labels of tests

The tests stand in the folder BM_DJANGO_TESTS (see ../legs.py).  Django itself is as pip installed
it: what is replaced, before any model is loaded, are the names that a project and Django's own
models take their managers and querysets from.
"""

from __future__ import annotations

import os
import runpy
import sys
import warnings
from pathlib import Path

from django.db import models
from django.db.models import base, manager, options

from bulkmodel.managers import BulkModelManager
from bulkmodel.queryset import BulkModelQuerySet

# The tests that write rows in bulk or update them, and those of querysets as a whole.
LABELS = """
aggregation annotations async basic bulk_create composite_pk custom_managers custom_pk dates defer
defer_regress delete expressions expressions_case field_defaults foreign_object from_db_value
generic_relations get_or_create many_to_many model_fields model_formsets model_inheritance
multiple_database null_fk_ordering one_to_one order_with_respect_to ordering prefetch_related
proxy_models queries queryset_pickle select_for_update signals timezones transactions update
update_only_fields
""".split()  # noqa: SIM905


def main(engine: str, *labels: str) -> None:
    folder = os.environ["BM_DJANGO_TESTS"]
    os.environ["BM_DJANGO"] = engine
    for module in (models, base, manager, options):
        module.Manager = BulkModelManager  # type: ignore[attr-defined]
    models.QuerySet = BulkModelQuerySet  # type: ignore[misc]
    program = Path(folder) / "runtests.py"
    sys.path[:0] = [folder, str(Path(__file__).resolve().parent)]
    sys.argv = [str(program), "--settings=settings", "--parallel=1", "--noinput", "-v0"]
    sys.argv += labels or LABELS
    if engine == "postgresql" and not labels:
        sys.argv.append("postgres_tests")
    warnings.simplefilter("ignore")
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
