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
from docutils.statemachine import StringList

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "bench")]
settings.configure()
django.setup()

from charts import CHARTS  # noqa: E402
from compared import compared, costs  # noqa: E402
from figures import kept  # noqa: E402

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
smartquotes = False  # the command's options begin with two hyphens
# Names of C itself and of other libraries.
nitpick_ignore = [
    ("c:identifier", name)
    for name in (
        *("bool", "int16_t", "int32_t", "int64_t", "ptrdiff_t", "size_t", "uint8_t", "uint64_t"),
        *("ArrowArrayStream", "pg_conn", "sqlite3"),
    )
]
nitpick_ignore_regex = [("py:.*", r"(collections\.abc|django|uuid|typing)\..*|.*\._\w+")]
exclude_patterns = ["conventions.md", "differences.md", "scoreboard.md"]

HEADER = (ROOT / "include/bulkmodel.h").read_text()
FUNCTIONS = set(re.findall(r"^BM_API [^(]*?\b(bm_\w+)\(", HEADER, re.M))
STRUCTS = set(re.findall(r"^typedef (?:struct|enum) (bm_\w+) ", HEADER, re.M))
hawkmoth_root = str(ROOT / "build/docs-include")
hawkmoth_clang = ["-std=gnu11"]

autodoc_typehints = "signature"
python_maximum_signature_line_length = 90
default_role = "code"
autodoc_mock_imports = ["bulkmodel._core"]

html_theme = "furo"
html_title = "bulkmodel"
html_static_path = ["_static"]
html_css_files = ["phone.css"]
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True


def _begin(text, end):
    """Where the member begins that ends at `end`."""
    depth = 0
    for i in range(end - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(text[i], 0)
        if depth == 0 and (text[i] in ";,{}" or text[i - 1 : i + 1] == "*/"):
            return i + 1
    return 0


def _header(text):
    """The header as hawkmoth reads it: comments after members are moved before them."""
    out = ""
    rest = text
    while found := re.search(r"/\*\*<(.*?)\*/", rest, re.DOTALL):
        out += rest[: found.start()]
        rest = rest[found.end() :]
        begin = _begin(out, len(out.rstrip().rstrip(",;")))
        comment = " ".join(re.sub(r"\n\s*\* ", "\n", found[1]).split())
        out = f"{out[:begin]}\n/** {comment} */{out[begin:]}"
    body = r"(typedef (struct|enum) \w+ \{)(\n.*?)(\n\})"
    return re.sub(body, _all_members, out + rest, flags=re.DOTALL)


def _all_members(found):
    """hawkmoth shows members that have a comment: the others are given one that says nothing."""
    end = ";" if found[2] == "struct" else ","
    member = rf"(\s*/\*\*.*?\*/)?(\s*[^\s/](?:\([^()]*\)|[^{end}()])*{end}?)"
    body = re.sub(member, lambda m: (m[1] or "\n/** \\  */") + m[2], found[3], flags=re.DOTALL)
    return found[1] + body + found[4]


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


OPTION = re.compile(r"  (?:-(?P<letter>\w), |    )(?P<name>--\S+(?: \S+)?)(?:\s\s+(?P<help>.*))?")


def _options(lines):
    """--help's lines as (option, what it does): a long option has its text on the next line."""
    name = ""
    for line in lines:
        text = line.strip()
        if found := OPTION.fullmatch(line):
            letter = f"-{found['letter']}, " if found["letter"] else ""
            name, text = letter + found["name"], found["help"]
        if text:
            yield name, text


class CommandHelp(Directive):
    """What the command says about itself, or about one of its verbs."""

    optional_arguments = 1

    def run(self):
        verb = self.arguments[:1]
        done = subprocess.run(
            [_command(), *verb, "--help"], check=True, capture_output=True, text=True
        )
        if not verb:
            return [nodes.literal_block(done.stdout, done.stdout, language="text")]
        usage, what, options, *_ = done.stdout.split("\n\n")
        listed = nodes.definition_list()
        for option, text in _options(options.splitlines()[1:]):
            listed += nodes.definition_list_item(
                "",
                nodes.term("", "", nodes.literal(option, option)),
                nodes.definition("", nodes.paragraph(text, text)),
            )
        usage = usage.removeprefix("usage: ")
        what = what[0].upper() + what[1:]
        return [
            nodes.literal_block(usage, usage, language="text"),
            nodes.paragraph(what, what),
            listed,
        ]


RUNS = kept(ROOT / "bench" / "results")


class Chart(Directive):
    """A chart of the newest kept run that has it; none yet, nothing is shown."""

    required_arguments = 1
    has_content = True

    def run(self):
        name = self.arguments[0]
        if name not in CHARTS:
            raise self.error(f"bench/charts.py draws no {name}")
        self.state.document.settings.env.note_reread()  # for runs that are kept later
        folders = [folder for folder, _ in RUNS if (folder / f"{name}-light.svg").exists()]
        if not folders:
            return []
        words = " ".join(self.content)
        return [
            nodes.image(
                uri=f"/../{(folders[0] / f'{name}-{theme}.svg').relative_to(ROOT)}",
                alt=words,
                classes=[f"only-{theme}", "chart"],
            )
            for theme in ("light", "dark")
        ]


class Measured(Directive):
    """A table of the newest kept run: `costs`, or all results against one package or program."""

    required_arguments = 1

    def run(self):
        _, run = RUNS[0]
        name = self.arguments[0]
        lines = costs(run) if name == "costs" else compared(run, name)
        if not lines:
            raise self.error(f"no result is about {name}")
        box = nodes.container(classes=["measured"])
        self.state.nested_parse(StringList(lines, source="results.json"), 0, box)
        return [box]


def setup(app):
    copy = Path(hawkmoth_root) / "bulkmodel.h"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(_header(HEADER))
    app.add_directive("command-help", CommandHelp)
    app.add_directive("chart", Chart)
    app.add_directive("measured", Measured)
    app.connect("hawkmoth-process-docstring", _comment)
