"""The wheel: what is in it, and that it works where there is neither a compiler nor the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
BUILT_FROM = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py", "src")
NO_COMPILER = {"CC": "/bin/false", "CXX": "/bin/false"}


def run(command: list[str | Path], cwd: Path, **environment: str) -> str:
    """What a command prints; it fails with what it said on stderr."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def built(python: str, folder: Path, **environment: str) -> Path:
    """The wheel that an interpreter builds of a copy of the checkout, without a compiler."""
    copy = folder / "checkout"
    copy.mkdir()
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
            shutil.copytree(ROOT / name, copy / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, copy / name)
    pip = [python, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    run([*pip, "-w", folder, copy], copy, **NO_COMPILER, **environment)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(sys.executable, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with this wheel and, from the environment of the tests, what it needs."""
    place = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", "--without-pip", place], place)
    python = place / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel], place)
    [packages] = place.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return place / "bin"


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return HeaderParser().parsestr(archive.read(name).decode())


@pytest.mark.torture
def test_the_wheel_has_all_files_and_says_what_it_is(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*") if path.is_file()}
    unwanted = ("__pycache__", ".egg-info", ".so")
    assert {name for name in sources if not any(part in name for part in unwanted)} <= names
    assert not [name for name in names if name.endswith(".so")]
    fields = metadata(wheel)
    assert sorted(Path(name).name for name in fields.get_all("License-File", [])) == ["LICENSE", "LICENSE.md"]
    assert fields["Keywords"]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(fields.get_all("Provides-Extra", [])) == set(extras)


@pytest.mark.torture
def test_it_works_in_any_folder_without_a_compiler(installed: Path, tmp_path: Path) -> None:
    program = installed / "shiftassay"
    where = "import shiftassay; print(shiftassay.__file__)"
    assert run([installed / "python", "-c", where], tmp_path).startswith(str(installed.parent))
    assert "shifted-test-sets" in run([program, "list", "studies"], tmp_path)
    make = "import shiftassay, numpy as np; np.save('a.npy', shiftassay.load_dataset('mnist').test.images[:200])"
    run([installed / "python", "-c", make], tmp_path)
    run([program, "shift", "invert", "a.npy", "b.npy"], tmp_path)
    assert run([program, "diagnose", "a.npy", "b.npy", "--report", "page.html"], tmp_path).startswith("Verdict: invert")
    assert "invert" in (tmp_path / "page.html").read_text()


TRAIN = """
import warnings
from dataclasses import replace
import shiftassay
from shiftassay.kernels import native
digits = shiftassay.load_dataset("mnist")
few = replace(digits, train=digits.train.first(3000), test=digits.test.first(500))
recipe = shiftassay.Recipe("few", epochs=3, batch_size=50, optimizer="sgd", learning_rate=0.1)
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    [member] = shiftassay.train("mlp", few, recipe=recipe, parameters={"widths": [64]})
assert any("plain PyTorch path" in str(one.message) for one in said), [str(one.message) for one in said]
print((member.test_logits.argmax(1) == few.test.labels).mean())
"""


@pytest.mark.torture
def test_it_trains_without_a_compiler_and_says_that_it_is_slower(installed: Path, tmp_path: Path) -> None:
    assert float(run([installed / "python", "-c", TRAIN], tmp_path)) > 0.8


PURE = ("setuptools", "_distutils_hack", "typer", "rich", "click", "shellingham", "markdown_it", "mdurl", "pygments")


def interpreter(version: str) -> str | None:
    """An interpreter of that version, on the path or where pyenv keeps them."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    candidates = [*map(str, kept), *filter(None, [shutil.which(f"python{version}")])]
    works = (python for python in candidates if not subprocess.run([python, "-c", ""], capture_output=True).returncode)
    return next(works, None)


@pytest.mark.torture
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_other_pythons_build_it_install_it_and_understand_it(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not here")
    # What is written in Python alone serves other versions, too.
    packages = tmp_path / "packages"
    packages.mkdir()
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.name in PURE or path.name.startswith(
            ("setuptools-", "typing_extensions.py", "typer-", "rich-", "annotated_doc")
        ):
            (packages / path.name).symlink_to(path)
    wheel = built(python, tmp_path, PYTHONPATH=str(packages))
    assert f"cp{version.replace('.', '')}" in wheel.name
    run([python, "-m", "venv", "--without-pip", "installed"], tmp_path)
    inner = tmp_path / "installed" / "bin" / "python"
    run([sys.executable, "-m", "pip", "--python", inner, "install", "--no-deps", "--no-index", wheel], tmp_path)
    program = tmp_path / "installed" / "bin" / "shiftassay"
    assert run([program, "--version"], tmp_path, PYTHONPATH=str(packages)).startswith("shiftassay ")
    assert "diagnose" in run([program, "--help"], tmp_path, PYTHONPATH=str(packages))
    [package] = tmp_path.glob("installed/lib/python*/site-packages/shiftassay")
    run([inner, "-W", "error", "-m", "compileall", "-q", "-f", package], tmp_path)


def test_the_change_log_and_the_citation_name_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text()
