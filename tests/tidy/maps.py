"""The maps of the tree tell what is there: README.md of src, python and cli, CONTRIBUTING.md."""

from __future__ import annotations

import re
from pathlib import Path

from sources import FILES, TEXTS, Findings

MAPS = ("CONTRIBUTING.md", "cli/README.md", "python/README.md", "src/README.md")
# What they name and is not text of the tree.
ELSEWHERE = {"manage.py", "fuzz/corpus"}
A_FILE = r"[\w./-]*\w\.(?:c|h|def|py|pyi|md|build|txt|toml|sh|json)"
FOLDERS = {path.partition("/")[0] for path in FILES if "/" in path}


def maps_name_every_file() -> Findings:
    """The maps name what is there: src/README.md its folders, python/README.md its modules,
    cli/README.md its files."""
    for path in FILES:
        folder, _, rest = path.partition("/")
        name, text = Path(path).name, TEXTS.get(f"{folder}/README.md", "")
        if folder == "src" and "/" in rest and f"`{rest.partition('/')[0]}/`" not in text:
            yield f"src/README.md: no folder {rest.partition('/')[0]}/"
        if folder == "python" and name.endswith((".py", ".c")) and name != "__init__.py":
            named = f"`{name}`" in text or f"/{name}`" in text
        elif folder == "cli" and name.endswith(".c"):
            named = f"`{name}`" in text or f"`{name.removesuffix('.c')}`" in text
        else:
            continue
        if not named:
            yield f"{folder}/README.md: {path} is not named"


def named_paths(text: str) -> list[str]:
    """What stands in `marks` and is a file, a folder of the tree, or a program of script/."""
    first = [match.split()[0] for match in re.findall(r"`([^`\n<*]+)`", text) if match.strip()]
    return [
        word.removesuffix("/")
        for word in first
        if re.fullmatch(A_FILE, word) or (word.partition("/")[0] in FOLDERS and "/" in word)
    ]


def maps_name_what_is_there() -> Findings:
    """Each path in a map is one of the tree; in python/README.md a module is in its room."""
    there = {str(parent) for path in FILES for parent in (Path(path), *Path(path).parents)}
    for path in MAPS:
        folder = path.rpartition("/")[0]
        room = "bulkmodel"
        for line in TEXTS[path].splitlines():
            if found := re.match(r"`(\w+)/`[:,]", line):
                room = found[1] if found[1] in {"src", "bulkmodel"} else f"bulkmodel/{found[1]}"
            for name in named_paths(line):
                # A bare name on the map of the package is in the room that its table is about.
                places = [name, f"{folder}/{name}", f"{folder}/{room}/{name}"]
                if folder != "python" or "/" in name:
                    places += [one for one in there if one.endswith(f"/{name}")]
                if not there.intersection(places) and name not in ELSEWHERE:
                    yield f"{path}: {name} is not there"
