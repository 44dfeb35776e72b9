"""The samples of README.md and the pages: every fenced block, as a reader sees it.

A block is run as it is printed, by its language:

    python          test_samples.py of tests/django: all blocks of a page, one after the other
    sh, console     samples.py of tests/cli: likewise, in a folder with the files of examples/; in a
                    console block "$ " begins a command, the lines after it are what it prints
    c               a program of examples/, or a part of one (tests/examples runs them)
    text            shown, not run

What a sample needs from its surroundings is in a comment before it, `<!-- given: ... -->`, in the
block's language.  A block that another test runs names it, `<!-- run by FILE: NAME -->`.  Commands
that fail as the page says are marked `<!-- fails -->`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SHOWN = {"text"}
RUN = {"python", "sh", "console", "c"}
# Directives that hold no sample.
DIRECTIVES = {"chart", "command-help", "eval-rst", "image", "include", "measured", "toctree"}

_FENCE = re.compile(
    r"(?:^[ ]*<!-- (?P<what>given:|run by|fails)\s(?P<comment>(?:(?!-->).)*)-->\n\n?)?"
    r"^(?P<indent>[ ]*)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """One fenced block."""

    page: str
    line: int
    language: str
    text: str
    given: str  # what must be there before it is run
    run_by: str  # "FILE: NAME" of the test that runs it, or ""
    source: str  # the file that it is included from, or ""
    fails: bool  # its commands fail, as the page says

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def _included(page: Path, name: str, body: str) -> tuple[str, str]:
    """A literalinclude as Sphinx prints it: the file, and the part of its text."""
    path = (page.parent / name).resolve()
    lines = path.read_text("utf-8").splitlines(keepends=True)
    options = dict(re.findall(r'^\s*:([a-z-]+): "?(.*?)"?$', body, re.MULTILINE))
    for option, value in options.items():
        is_mark = option in {"start-after", "start-at", "end-before"}
        if is_mark and not any(value in line for line in lines):
            raise ValueError(f"{page.name}: {path.name} has no line with {value!r}")
    if start := options.get("start-after"):
        lines = lines[next(i for i, line in enumerate(lines) if start in line) + 1 :]
    if start := options.get("start-at"):
        lines = lines[next(i for i, line in enumerate(lines) if start in line) :]
    if end := options.get("end-before"):
        lines = lines[: next(i for i, line in enumerate(lines) if end in line)]
    width = int(options.get("dedent", 0))
    text = "".join(line[width:] if line[:width].isspace() else line for line in lines)
    return path.relative_to(ROOT).as_posix(), text


def _block(page: Path, text: str, found: re.Match[str]) -> Block | None:
    language, body, source = found["language"].strip(), textwrap.dedent(found["text"]), ""
    directive = re.fullmatch(r"\{([a-z-]+)\}\s*(.*)", language)
    if directive and directive[1] == "literalinclude":
        language = (re.search(r"^\s*:language: (\w+)", body, re.MULTILINE) or ["", ""])[1]
        source, body = _included(page, directive[2], body)
    elif directive and directive[1] in DIRECTIVES:
        return None
    comment = (found["comment"] or "").strip()
    return Block(
        page=page.relative_to(ROOT).as_posix(),
        line=text.count("\n", 0, found.start("language")) + 1,
        language={"bash": "sh"}.get(language, language),
        text=body,
        given=textwrap.dedent(comment) if found["what"] == "given:" else "",
        run_by=comment if found["what"] == "run by" else "",
        source=source,
        fails=found["what"] == "fails",
    )


def blocks(page: Path) -> Iterator[Block]:
    """The samples of one page, in their order."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        if block := _block(page, text, found):
            yield block


def pages() -> list[Path]:
    """The documents with samples that users read."""
    found = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/*.md")]
    return sorted([*found, *ROOT.glob("examples/**/README.md")])


def every() -> list[Block]:
    return [block for page in pages() for block in blocks(page)]
