"""What SECURITY.md promises of the code."""

import ast
from pathlib import Path

import pytest

import shiftassay
from shiftassay.cli.ending import TRACEBACK
from shiftassay.errors import LONGEST
from shiftassay.imagesets.limits import LARGEST_RATIO, SHARE
from shiftassay.paths import LONGEST_NAME
from shiftassay.studies.schema import LARGEST

SOURCE = Path(str(shiftassay.__file__)).parent
TEXT = " ".join((SOURCE.parents[1] / "SECURITY.md").read_text(encoding="utf-8").split())
# Where code is run that is not ours, and why that is no file's doing.
ALLOWED = {
    "execution/mapping.py": {"pickle.load"},  # from a process that was forked
    "studies/section.py": {"import_module"},  # the files of a folder of sections
    "models/exported_program.py": {"torch.export.load"},  # with --trust alone
    "models/load.py": {"import_module"},  # package.module:factory, as the user asked
    "registry.py": {"import_module"},  # our own rooms
    "__init__.py": {"import_module"},
}
RUNS_CODE = {"eval", "exec", "compile", "__import__", "import_module", "pickle.load", "pickle.loads", "runpy.run_path"}
RUNS_CODE.add("torch.export.load")
NETWORK = ("urllib.request", "http", "requests", "ftplib", "smtplib", "asyncio", "socketserver", "ssl", "torch.hub")


def called(tree):
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{name.name}" for name in node.names))


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_file_of_others_runs_code_and_nothing_is_sent(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert called(tree) & RUNS_CODE <= ALLOWED.get(path.relative_to(SOURCE).as_posix(), set())
    assert not [name for name in imported(tree) if name in NETWORK or name.startswith(tuple(f"{n}." for n in NETWORK))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
            assert given.get("shell", "False") == "False"
            if ast.unparse(node.func) == "torch.load":
                assert given.get("weights_only") == "True"
            if ast.unparse(node.func) in ("np.load", "numpy.load"):
                assert given.get("allow_pickle", "False") == "False"


def test_the_limits_that_are_stated_are_those_that_hold():
    assert f"more than {LARGEST_RATIO} times its size" in TEXT
    assert SHARE == 0.5
    assert "more than half of the memory" in TEXT
    assert f"at most {LARGEST // 10**6} MB" in TEXT
    assert f"at most {LONGEST:,} bytes" in TEXT
    assert f"at most {LONGEST_NAME} bytes" in TEXT
    assert f"{TRACEBACK}=1" in TEXT


def test_the_playground_is_as_private_as_is_stated():
    from shiftassay.play.guard import LARGEST_BODY
    from shiftassay.play.pictures import LARGEST as LARGEST_PICTURE
    from shiftassay.play.serve import HOST

    assert HOST == "127.0.0.1"
    assert f"more than {LARGEST_BODY // 10**6} MB" in TEXT
    assert f"more than {LARGEST_PICTURE // 10**6} megapixels" in TEXT
