"""The reference has every method, option, setting and check (I6)."""

import inspect
import re
from pathlib import Path

import pytest

import bulkmodel
from bulkmodel.queryset import BulkModelQuerySet, BulkModelQuerySetMixin

DOCS = Path(__file__).resolve().parents[2] / "docs"
METHODS = (DOCS / "reference/queryset.md").read_text("utf-8")
SETTINGS = (DOCS / "pages/settings.md").read_text("utf-8")


def public() -> list[str]:
    names = [
        name
        for kind in BulkModelQuerySetMixin.__mro__
        if kind.__module__.startswith("bulkmodel.")
        for name, member in vars(kind).items()
        if callable(member) and not name.startswith("_")
    ]
    return sorted(set(names))


def sources() -> str:
    root = Path(bulkmodel.__file__).parent
    return "".join(path.read_text("utf-8") for path in sorted(root.rglob("*.py")))


@pytest.mark.parametrize("name", public())
def test_methods_and_their_options(name: str) -> None:
    method = getattr(BulkModelQuerySet, name)
    described = f"BulkModelQuerySetMixin.{name}\n" in METHODS
    assert described or f"`{name}()`" in METHODS
    options = [
        option
        for option, parameter in inspect.signature(method).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    ]
    text = METHODS + (inspect.getdoc(method) or "")
    missing = [option for option in options if not re.search(rf"\b{option}\b", text)]
    assert not missing


def test_there_are_options() -> None:
    """The options that every verb has are seen: the test above looks at something."""
    options = inspect.signature(BulkModelQuerySet.update_fields).parameters
    assert {"timeout", "commit_timeout", "retries", "commit_check"} <= set(options)


def test_settings() -> None:
    names = set(re.findall(r'getattr\(settings, "([A-Z_]+)"', sources()))
    assert len(names) >= 4
    assert {name for name in names if f"`{name}`\n: " not in SETTINGS} == set()


def test_checks() -> None:
    names = set(re.findall(r'id="(bulkmodel\.[A-Z]\d{3})"', sources()))
    assert len(names) >= 8
    assert {name for name in names if f"| `{name}` |" not in SETTINGS} == set()
