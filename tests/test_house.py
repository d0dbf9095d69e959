"""The house: no circles between files, and no family named outside its own room."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"
PACKAGE = SOURCE / "shiftassay"


@cache
def _trees() -> dict[str, ast.Module]:
    """The syntax tree of each module, by its dotted name."""
    trees = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        trees[name] = ast.parse(path.read_text())
    return trees


def imports(trees: dict[str, ast.Module]) -> dict[str, set[str]]:
    """Which modules each module imports, wherever in its text, for the type checker alone too."""
    return {name: set(_imported(tree, trees)) - {name} for name, tree in trees.items()}


def _imported(tree: ast.Module, known: dict[str, ast.Module]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in inner)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle in a graph; nothing if there is none."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def test_no_circle_between_files():
    # The package's own file names the public things for the type checker; at run time it imports them when asked.
    graph = imports({name: tree for name, tree in _trees().items() if name != "shiftassay"})
    assert circle(graph) == []
    assert len(graph) > 200


def test_a_circle_is_found():
    trees = {
        "a": ast.parse("def late():\n    from b import thing"),
        "b": ast.parse("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from c import thing"),
        "c": ast.parse("import a"),
    }
    assert set(circle(imports(trees))) == {"a", "b", "c"}
    trees["c"] = ast.parse("import os")
    assert circle(imports(trees)) == []


FAMILIES_ROOM = "shiftassay.shifts.families"
MAY_NAME_FAMILIES = (FAMILIES_ROOM, "shiftassay.shifts.presets")


def family_names(trees: dict[str, ast.Module]) -> set[str]:
    """What the families' files register: `@FAMILIES.register("rotate")`."""
    decorators = (
        decorator
        for name, tree in trees.items()
        if name.startswith(FAMILIES_ROOM)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
    )
    return {ast.literal_eval(d.args[0]) for d in decorators if isinstance(d, ast.Call) and d.args}


def namings(tree: ast.Module, names: set[str]) -> list[str]:
    """Where a file imports a family, or compares with a family's name, or looks up or makes the family by it."""
    places = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(FAMILIES_ROOM):
            places.append(f"line {node.lineno}: imports {node.module}")
        compared: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            compared = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            compared = [node.value]
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "FAMILIES":
            compared = [node.slice]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("make", "parse"):
            compared = list(node.args[:1])
        for part in compared:
            inside = part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part]
            named = [inner for inner in inside if isinstance(inner, ast.Constant) and inner.value in names]
            places += [f"line {inner.lineno}: names {inner.value!r}" for inner in named]
    return places


def test_no_file_outside_their_room_names_a_family():
    trees = _trees()
    graph, names = imports(trees), family_names(trees)
    assert {"rotate", "gaussian_noise", "pixel_permutation"} <= names
    places = {
        module: where
        for module, tree in trees.items()
        # What imports nothing of shifts means something else by those words: an affine map, a kernel's threshold.
        if any(name.startswith("shiftassay.shifts") for name in graph[module])
        and not module.startswith(MAY_NAME_FAMILIES)
        and (where := namings(tree, names))
    }
    assert places == {}


def test_a_family_named_elsewhere_is_found():
    text = """
from shiftassay.shifts.families.linear_maps import Rotate
if how.family in ("rotate", "unknown") or how.family == "compose":
    FAMILIES["scale"]
match how.family:
    case "shear":
        make("roll", {})
"""
    assert len(namings(ast.parse(text), {"rotate", "scale", "shear", "roll"})) == 5


def test_the_files_that_the_architecture_names_exist():
    text = (SOURCE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.py)`", text))
    assert len(named) > 40
    # In the table of rooms a bare name is a file of the room in its row.
    missing = {
        name for name in named if not (PACKAGE / name).exists() and ("/" in name or not list(PACKAGE.rglob(name)))
    }
    assert missing == set()


def test_every_room_is_in_the_architecture():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    architecture = (SOURCE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert {room for room in rooms if f"`{room}/`" not in architecture} == set()
