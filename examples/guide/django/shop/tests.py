"""Samples of the page on testing."""

# [tests]
from django.test import TestCase, TransactionTestCase

from shop.models import Product
from shop.rows import products


class ImportTests(TestCase):
    def test_few_rows_are_one_statement(self) -> None:
        with self.assertNumQueries(1):  # as with Django's own
            Product.objects.bulk_create(products(100))

    def test_what_changed_is_written(self) -> None:
        Product.objects.bulk_create(products(100))
        rows = Product.objects.order_by("pk")
        list(rows)  # rows[3] of a queryset not read yet would be a query of its own
        rows[3].name = "another"
        self.assertEqual(rows.update_fields(), 1)
        self.assertEqual(rows.update_fields(), 0)


class ConcurrentTests(TransactionTestCase):  # outside atomic(): several connections do write
    def test_all_rows_are_there(self) -> None:
        Product.objects.bulk_create(products(3000), concurrent=True, max_concurrent_workers=2)
        self.assertEqual(Product.objects.count(), 3000)
        # [end tests]
