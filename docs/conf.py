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
exclude_patterns = ["conventions.md"]

hawkmoth_root = str(ROOT / "include")
hawkmoth_clang = ["-std=gnu11"]

autodoc_typehints = "signature"
autodoc_mock_imports = ["bulkmodel._core"]

html_theme = "furo"
html_title = "bulkmodel"
html_static_path = ["_static"]
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True
