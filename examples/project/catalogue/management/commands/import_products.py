"""import_products: new products are created, known ones get the file's values."""

import csv
from decimal import Decimal
from itertools import islice
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalogue.models import Product, Supplier

ROWS_AT_ONCE = 5000
COLUMNS = ["sku", "name", "supplier", "price", "stock"]


class Command(BaseCommand):
    help = "Import products from a CSV file."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)

    @transaction.atomic
    def handle(self, *args, file, **options):
        created = updated = 0
        size = file.stat().st_size
        with file.open("rb") as raw:
            lines = csv.DictReader(line.decode() for line in raw)
            if lines.fieldnames != COLUMNS:
                raise CommandError(f"{file}: the columns must be {', '.join(COLUMNS)}.")
            while rows := list(islice(lines, ROWS_AT_ONCE)):
                n_created, n_updated = write(rows)
                created += n_created
                updated += n_updated
                self.progress(raw.tell() / size)
        self.stdout.write(f"{created} created, {updated} updated")

    def progress(self, share):
        """A bar, where somebody looks at it."""
        if self.stderr.isatty():
            bar = "#" * int(40 * share)
            end = "\n" if share >= 1 else "\r"
            self.stderr.write(f"[{bar:40}] {share:4.0%}", ending=end)


def write(rows):
    """How many products were created, and how many updated."""
    suppliers = suppliers_of(rows)
    known = Product.objects.in_bulk([row["sku"] for row in rows], field_name="sku")
    new, old = [], []
    for row in rows:
        product = known.get(row["sku"]) or Product(sku=row["sku"])
        product.name = row["name"]
        product.supplier = suppliers[row["supplier"]]
        product.price = Decimal(row["price"])
        product.stock = int(row["stock"])
        (old if product.pk else new).append(product)
    Product.objects.bulk_create(new)
    return len(new), Product.objects.bulk_update(old, ["name", "supplier", "price", "stock"])


def suppliers_of(rows):
    """The suppliers by name; those that are new are created."""
    names = sorted({row["supplier"] for row in rows})
    Supplier.objects.bulk_create([Supplier(name=name) for name in names], ignore_conflicts=True)
    return {supplier.name: supplier for supplier in Supplier.objects.filter(name__in=names)}
