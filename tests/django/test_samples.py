"""The Python of README.md and the pages runs as printed (I5): the blocks of a page one after the
other, in one module, as a reader would paste them.  What they do is in test_guide.py."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db.models.signals import ModelSignal
from django.test import override_settings
from django.test.utils import isolate_apps

from bulkmodel import signals

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "samples"))

from blocks import Block, every

SAMPLES = [block for block in every() if block.language == "python" and not block.run_by]
PAGES = sorted({block.page for block in SAMPLES})
HAS_MODEL = re.compile(r"^class \w+\((models\.Model|BulkModel)\)", re.MULTILINE)
HAS_SETTINGS = re.compile(r"^[A-Z][A-Z_]+ = ", re.MULTILINE)


@pytest.fixture(autouse=True)
def no_receivers_stay() -> Iterator[None]:
    """A page's receivers listen to its own calls only."""
    ours = [signal for signal in vars(signals).values() if isinstance(signal, ModelSignal)]
    before = [list(signal.receivers) for signal in ours]
    yield
    for signal, receivers in zip(ours, before):
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


def run(text: str, place: str, names: dict[str, Any]) -> None:
    code = compile(text, place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if not code.co_flags & inspect.CO_COROUTINE:
        exec(code, names)
        return

    async def awaited() -> None:
        await eval(code, names)

    async_to_sync(awaited)()


def show(block: Block, names: dict[str, Any], stack: ExitStack) -> None:
    if block.given:
        run(block.given, f"{block.place} (given)", names)
    # The real models of the same names stay what they are.
    with isolate_apps("shop") if HAS_MODEL.search(block.text) else ExitStack():
        run(block.text, block.place, names)
    if HAS_SETTINGS.search(block.text):
        chosen = {name: value for name, value in names.items() if name.isupper()}
        for name in ("DATABASES", "INSTALLED_APPS"):
            chosen.pop(name, None)
        stack.enter_context(override_settings(**chosen))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", PAGES)
def test_samples(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "shop.page"}
    with ExitStack() as stack:
        for block in (block for block in SAMPLES if block.page == page):
            show(block, names, stack)
