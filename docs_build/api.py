"""The page of the Python reference: what `import shiftassay` offers."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "shiftassay" / "__init__.py"
INTRODUCTION = """# Python

What `import shiftassay` offers. The command line calls these functions and nothing else. Data come first, then, by
name, models and options. Images are float32 arrays `(n, c, h, w)`, black 0 and white 1.

"""


def page() -> str:
    """A heading for each public name, which mkdocstrings fills."""
    return INTRODUCTION + "\n".join(_entry(name, path) for name, path in sorted(homes().items()))


def _entry(name: str, path: str) -> str:
    renamed = "" if path.endswith(f".{name}") else f"    options:\n      heading: {name}\n"
    return f"::: {path}\n{renamed}"


def homes() -> dict[str, str]:
    """Where each public name is defined, read from the package's own imports."""
    tree = ast.parse(PACKAGE.read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {
        str(alias.asname): f"{node.module}.{alias.name}"
        for node in imports
        for alias in node.names
        if node.module and node.module.startswith("shiftassay.")
    }
