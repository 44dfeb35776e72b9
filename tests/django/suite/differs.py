"""Django's own tests that fail with our manager, each with the difference that it shows."""

from __future__ import annotations

DIFFERS = {
    "basic.tests.ManagerTest.test_manager_methods": "the manager has more methods than Django's",
    "custom_managers.tests.CustomManagerTests.test_deconstruct_default": "its class has a name of "
    "its own, which stands in no migration",
}
