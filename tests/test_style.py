"""House style that a machine can see.

Names say what they hold, first lines are short, suppressions have reasons, and the glossary is short.
"""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "shiftassay"
FILES = sorted(SOURCE.rglob("*.py"))

VAGUE = {"found", "how", "said", "told"}
LONGEST_FIRST_LINE = 100
MOST_WORDS = 25
SUPPRESSION = re.compile(r"#\s*(?:noqa|type: ignore|pyright: ignore|fmt: (?:skip|off))")
REASON = re.compile(
    r"#\s*(?:noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*|(?:type|pyright): ignore\[[\w, ]+\]|fmt: (?:skip|off))\s+#\s*\w.{5,}"
)


def bound_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each name that is given to something: variables, parameters, functions, classes, fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def suppressions_without_reason(path: Path) -> list[int]:
    """The lines on which a check is switched off without saying why."""
    with tokenize.open(path) as file:
        comments = [token for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]
    return [c.start[0] for c in comments if SUPPRESSION.search(c.string) and not REASON.search(c.string)]


def long_first_lines(path: Path) -> list[int]:
    """The lines of docstrings that begin with more than a short plain statement."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    documented = [
        node.body[0].lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
    ]
    return [number for number in documented if len(lines[number - 1]) > LONGEST_FIRST_LINE]


@pytest.mark.parametrize("word", sorted(VAGUE))
def test_no_name_says_only_that_something_was_found_or_said(word):
    places = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES
        for line, name in bound_names(ast.parse(path.read_text(encoding="utf-8")))
        if name == word
    ]
    assert places == []


def test_every_suppression_has_its_reason():
    places = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("src", "tests", "benchmarks")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in suppressions_without_reason(path)
    ]
    assert places == []


def test_a_suppression_without_reason_is_seen(tmp_path):
    path = tmp_path / "case.py"
    path.write_text(
        "import os  # noqa: F401\nimport re  # noqa: F401  # kept for its users\nx = 1  # pyright: ignore\n"
    )
    assert suppressions_without_reason(path) == [1, 3]


def test_docstrings_begin_with_a_short_line():
    places = [f"{path.relative_to(ROOT)}:{line}" for path in FILES for line in long_first_lines(path)]
    assert places == []


def test_the_glossary_is_short():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert 0 < len(re.findall(r"^\| \*\*", text, flags=re.MULTILINE)) <= MOST_WORDS
