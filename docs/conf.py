"""Sphinx settings.  script/docs builds the site."""

import os
import re
import subprocess
import sys
from pathlib import Path

import django
from django.conf import settings
from docutils import nodes
from docutils.parsers.rst import Directive

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
settings.configure()
django.setup()

project = "bulkmodel"
copyright = "the bulkmodel authors"
version = re.search(r'BM_VERSION "([^"]+)"', (ROOT / "include/bulkmodel.h").read_text())[1]
release = version

extensions = [
    "hawkmoth",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
nitpicky = True
# Names of C itself and of other libraries.
nitpick_ignore = [
    ("c:identifier", name)
    for name in (
        "bool int16_t int32_t int64_t ptrdiff_t size_t uint8_t uint64_t pg_conn sqlite3".split()
    )
]
nitpick_ignore_regex = [("py:.*", r"(collections\.abc|django|uuid|typing)\..*|.*\._\w+")]
exclude_patterns = ["conventions.md", "differences.md"]

HEADER = (ROOT / "include/bulkmodel.h").read_text()
FUNCTIONS = set(re.findall(r"^BM_API [^(]*?\b(bm_\w+)\(", HEADER, re.M))
STRUCTS = set(re.findall(r"^typedef (?:struct|enum) (bm_\w+) ", HEADER, re.M))
hawkmoth_root = str(ROOT / "include")
hawkmoth_clang = ["-std=gnu11"]

autodoc_typehints = "signature"
autodoc_mock_imports = ["bulkmodel._core"]

html_theme = "furo"
html_title = "bulkmodel"
html_static_path = ["_static"]
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True


def _linked(match):
    name = match[0]
    if name in FUNCTIONS:
        return f":c:func:`{name}`"
    return f":c:type:`{name}`" if name in STRUCTS else name


def _prose(text):
    """A line of a header's comment as reStructuredText: names are links, `code` is code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"`{part}`"
        if part.startswith("`")
        else re.sub(r"\bbm_\w+", _linked, part.replace("*", r"\*"))
        for part in parts
    )


def _comment(app, lines, transform, options):
    """The header's comments are plain text: what is indented is a sample or a table."""
    out, code = [], False
    for line in lines:
        line = re.sub(r"^ \* ", "", line)
        indented = line.startswith("  ")
        if indented and not code:
            out += ["", "::", ""]
        elif code and not indented and line.strip():
            out.append("")
        code = indented or (code and not line.strip())
        out.append(line if code else _prose(line))
    lines[:] = out


def _command():
    """The built command: BULKMODEL says where it is, else the newest one below build/."""
    if given := os.environ.get("BULKMODEL"):
        return given
    built = sorted(ROOT.glob("build/*/cli/bulkmodel"), key=lambda path: path.stat().st_mtime)
    if not built:
        raise RuntimeError("the command is not built: script/docs builds it")
    return str(built[-1])


class CommandHelp(Directive):
    """What the command says about itself, or about one of its verbs."""

    optional_arguments = 1
    common = "\nDATABASE is"

    def run(self):
        verb = self.arguments[:1]
        done = subprocess.run(
            [_command(), *verb, "--help"], check=True, capture_output=True, text=True
        )
        text = done.stdout.split(self.common)[0] if verb else done.stdout
        return [nodes.literal_block(text, text, language="text")]


def setup(app):
    app.add_directive("command-help", CommandHelp)
    app.connect("hawkmoth-process-docstring", _comment)
