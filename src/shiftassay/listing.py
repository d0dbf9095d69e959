"""Catalogues by name, read from the sources, so that listing imports nothing heavy."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from shiftassay.words.html import html_table


class Listing(dict[str, str]):
    """Names, and a line about each; printed, or shown in a notebook, as a table.

    >>> Listing(rotate="Rotate the picture.", gain="Multiply grey values.")
    rotate  Rotate the picture.
    gain    Multiply grey values.
    """

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {about}" for name, about in self.items())

    def _repr_html_(self) -> str:
        return html_table(("name", "what it is"), self.items())


def registered(*packages: str) -> Listing:
    """Names and descriptions of the registered classes in these packages, in alphabetical order."""
    entries: dict[str, str] = {}
    for package in packages:
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(folder).glob("*.py")):
                entries |= dict(_registered(ast.parse(path.read_text(encoding="utf-8"))))
    return Listing(sorted(entries.items()))


def _registered(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in module.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(func=ast.Attribute(attr="register"), args=[ast.Constant(value=str(name))]):
                    yield name, (ast.get_docstring(node) or "").splitlines()[0]
