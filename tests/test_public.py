"""What `import shiftassay` offers, and what it costs."""

import ast
import inspect
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import shiftassay
from shiftassay.networks.listing import networks
from shiftassay.networks.registry import NETWORKS
from shiftassay.shifts import listing
from shiftassay.shifts.catalog import presets
from shiftassay.shifts.family import FAMILIES

HEAVY = {"torch", "matplotlib", "sklearn", "onnxruntime"}


def test_names_for_type_checkers_are_those_that_are_there():
    tree = ast.parse(Path(shiftassay.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    typed = {alias.asname: (f"{node.module}", alias.name) for node in imports for alias in node.names}
    homes = {n: (f"shiftassay.{home}", shiftassay._CALLED_THERE.get(n, n)) for n, home in shiftassay._HOMES.items()}
    assert typed == homes


@pytest.mark.parametrize("name", shiftassay.__all__)
def test_every_public_name_is_there_and_documented(name):
    entry = getattr(shiftassay, name)
    assert name in dir(shiftassay)
    assert len((entry.__doc__ or "").splitlines()[0]) <= 120


@pytest.mark.parametrize("name", [name for name in shiftassay.__all__ if inspect.isfunction(getattr(shiftassay, name))])
def test_every_public_path_may_be_text(name):
    parameters = inspect.signature(getattr(shiftassay, name)).parameters.values()
    kinds = [str(parameter.annotation) for parameter in parameters if "Path" in str(parameter.annotation)]
    assert [kind for kind in kinds if "str |" not in kind] == []


def test_what_is_trained_is_kept_in_a_folder_that_is_named_by_text(small, tmp_path):
    [trained] = shiftassay.train("mlp", small, recipe="seed-003", epochs=1, store=str(tmp_path))
    assert trained.folder is not None
    assert trained.folder.is_relative_to(tmp_path)


def test_the_version_is_that_of_the_package():
    assert shiftassay.__version__ == version("shiftassay")


def test_what_is_listed_from_the_sources_is_what_is_registered():
    assert networks() == NETWORKS.about()
    assert listing.families() == FAMILIES.about()
    assert {name: f"{shift}." for name, shift in presets().items()} == listing.PRESETS


def test_the_catalogue_is_shown_as_a_table():
    shown = repr(shiftassay.families())
    assert shown.splitlines()[0].startswith("adversarial ")
    assert shiftassay.families()._repr_html_().count("<tr>") == len(FAMILIES.about()) + 1


@pytest.mark.parametrize(
    "arguments", ["--version", "--help", "list networks", "list shifts", "list studies", "list datasets"]
)
def test_what_only_tells_loads_nothing_heavy(arguments):
    code = (
        f"import sys\nsys.argv = ['shiftassay', *{arguments.split()}]\n"
        "from shiftassay.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        f"heavy = {HEAVY} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout
