"""Orders in the admin, with their lines."""

from django.contrib import admin

from orders.models import Line, Order


class LineInline(admin.TabularInline):
    model = Line
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["id", "customer", "placed"]
    inlines = [LineInline]
