"""Products: importing them, and what the admin does."""

import io
import tempfile
from decimal import Decimal
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import TestCase

from catalogue.models import Product, Supplier

HEADER = "sku,name,supplier,price,stock\n"


def imported(text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "products.csv"
        file.write_text(text)
        out = io.StringIO()
        call_command("import_products", file, stdout=out)
        return out.getvalue().strip()


class ImportTests(TestCase):
    def test_new_and_known_products(self):
        lines = [f"S{i:05},name {i},supplier {i % 7},{i}.50,{i}\n" for i in range(6000)]
        self.assertEqual(imported(HEADER + "".join(lines)), "6000 created, 0 updated")
        self.assertEqual(Supplier.objects.count(), 7)
        again = [line.replace("name", "new name") for line in lines[:100]]
        again.append("T1,of another,supplier 99,1.00,3\n")
        self.assertEqual(imported(HEADER + "".join(again)), "1 created, 100 updated")
        product = Product.objects.get(sku="S00042")
        self.assertEqual((product.name, product.price), ("new name 42", Decimal("42.50")))
        self.assertEqual(product.supplier.name, "supplier 0")
        self.assertEqual(Product.objects.get(sku="S05999").name, "name 5999")

    def test_a_bad_price_takes_all_back(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            imported(HEADER + "A,a,s,1,1\nB,b,s,-1,1\n")
        self.assertFalse(Product.objects.exists())

    def test_columns(self):
        with self.assertRaises(CommandError):
            imported("sku,name\nA,a\n")


class ProductTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        supplier = Supplier.objects.create(name="s")
        cls.products = Product.objects.bulk_create(
            [Product(sku=f"S{i}", supplier=supplier, price=i, stock=i) for i in range(10)]
        )

    def test_keys_are_in_order(self):
        skus = dict(Product.objects.values_list("pk", "sku"))
        self.assertEqual([skus[product.pk] for product in self.products], [*skus.values()])

    def test_few_rows_are_one_statement(self):
        supplier = self.products[0].supplier
        new = [Product(sku=f"T{i}", supplier=supplier, price=1) for i in range(50)]
        with self.assertNumQueries(1):
            Product.objects.bulk_create(new)
        for product in new:
            product.stock += 1
        with self.assertNumQueries(1):
            self.assertEqual(Product.objects.bulk_update(new, ["stock"]), 50)

    def test_a_manager_s_filter_holds_in_updates(self):
        for product in self.products:
            product.name = "scarce"
        self.assertEqual(Product.scarce.bulk_update(self.products, ["name"]), 5)
        self.assertEqual(Product.objects.filter(name="scarce").count(), 5)
        self.assertEqual(self.products[0].supplier.products.update(stock=5), 10)
        self.assertEqual(Product.scarce.count(), 0)

    def test_a_sku_that_is_there(self):
        twice = [Product(sku=sku, supplier=self.products[0].supplier, price=1) for sku in "AA"]
        with self.assertRaises(IntegrityError), transaction.atomic():
            Product.objects.bulk_create(twice)
        self.assertEqual(Product.objects.count(), 10)

    def test_the_admin_raises_prices(self):
        self.client.force_login(User.objects.create_superuser("admin"))
        keys = [product.pk for product in self.products[:3]]
        response = self.client.post(
            "/admin/catalogue/product/",
            {"action": "raise_prices", "_selected_action": keys},
            follow=True,
        )
        self.assertContains(response, "3 prices are higher now.")
        prices = Product.objects.filter(pk__in=keys).values_list("price", flat=True)
        self.assertEqual([str(price) for price in prices], ["0.00", "1.10", "2.20"])
