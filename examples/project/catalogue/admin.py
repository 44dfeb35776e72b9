"""Products in the admin."""

from decimal import Decimal

from django.contrib import admin
from django.db.models import F

from catalogue.models import Product, Supplier


@admin.action(description="Raise prices by a tenth")
def raise_prices(modeladmin, request, queryset):
    n = queryset.update(price=F("price") * Decimal("1.1"))
    modeladmin.message_user(request, f"{n} prices are higher now.")


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ["sku", "name", "supplier", "price", "stock"]
    list_editable = ["stock"]
    search_fields = ["sku", "name"]
    actions = [raise_prices]


admin.site.register(Supplier)
