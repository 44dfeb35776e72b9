"""Orders: what is written together, and what is not written at all."""

from django.db import IntegrityError, transaction
from django.test import TestCase, TransactionTestCase

from catalogue.models import Product, Supplier
from orders.models import Line, Order


def some_products():
    supplier = Supplier.objects.create(name="s")
    return Product.objects.bulk_create(
        [Product(sku=f"S{i}", supplier=supplier, price=i, stock=10) for i in range(3)]
    )


class OrderTests(TestCase):
    def test_an_order_takes_from_the_stock(self):
        products = some_products()
        order = Order.objects.place("me@example.org", dict(zip(products, [1, 2, 3])))
        self.assertEqual(order.products.count(), 3)
        self.assertTrue(order.products.exists())
        self.assertEqual([line.quantity for line in order.lines.order_by("pk")], [1, 2, 3])
        self.assertEqual([product.stock for product in Product.objects.all()], [9, 8, 7])

    def test_keys_that_the_project_makes(self):
        orders = Order.objects.bulk_create([Order(customer=f"{i}@example.org") for i in range(3)])
        self.assertEqual(Order.objects.in_bulk([o.pk for o in orders]), {o.pk: o for o in orders})

    def test_on_commit_and_rollback(self):
        with self.captureOnCommitCallbacks() as callbacks, transaction.atomic():
            Order.objects.place("me@example.org", {})
            transaction.on_commit(len)
        self.assertEqual(callbacks, [len])


class StockTests(TransactionTestCase):
    def test_nothing_is_written_where_the_stock_is_too_small(self):
        products = some_products()
        with self.assertRaises(IntegrityError):
            Order.objects.place("me@example.org", dict(zip(products, [1, 11, 1])))
        self.assertEqual((Order.objects.count(), Line.objects.count()), (0, 0))
        self.assertEqual({product.stock for product in Product.objects.all()}, {10})
