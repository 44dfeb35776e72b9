"""Sphinx settings.  script/docs builds the site."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

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
exclude_patterns = ["conventions.md"]

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
        f"`{part}`" if part.startswith("`") else re.sub(r"\bbm_\w+", _linked, part.replace("*", r"\*"))
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


def setup(app):
    app.connect("hawkmoth-process-docstring", _comment)
