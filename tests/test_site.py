"""The documentation site: its links hold, its generated pages cover the code, and it loads nothing from elsewhere."""

import os
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from docs_build import api, catalogue, command_line, gallery, hook, json_reference
from docs_build.doctests import fenced
from docs_build.pictures import originals, picture
from markdown.extensions.toc import slugify
from PIL import Image

import shiftassay
from shiftassay.cli.app import app
from shiftassay.diagnosis.result import Diagnosis
from shiftassay.shifts.catalog import parse
from shiftassay.shifts.family import FAMILIES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
HAND_WRITTEN = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """The places in a page that a link can name: its headings, as the site writes them."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL), re.M)
    return {slugify(re.sub(r"[`*]", "", heading), "-") for heading in headings}


def broken(page: str, path: Path) -> list[str]:
    """The links of a page to files that are not there, and to places that are not in them."""
    missing = []
    for link in LINK.findall(CODE.sub("", page)):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if "://" in link or target.relative_to(ROOT).as_posix().removeprefix("docs/") in GENERATED:
            continue
        if target == path or target.is_file():
            text = page if target == path else target.read_text(encoding="utf-8") if anchor else ""
            missing += [link] * bool(anchor and anchor not in anchors(text))
        elif not target.is_dir():
            missing.append(link)
    return missing


GENERATED = {
    "reference/command-line.md",
    "reference/json.md",
    "reference/python.md",
    "catalogue/index.md",
    "gallery.md",
    *(f"catalogue/{group}.md" for group in catalogue.groups()),
}


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path):
    assert broken(path.read_text(encoding="utf-8"), path) == []


def test_broken_links_are_found():
    page = (
        "# One\n[a](#one) [b](#two) [c](usage.md#name-a-shift) [d](usage.md#no) [e](https://example.org/x) [f](no.md)\n"
    )
    assert broken(page, DOCS / "new.md") == ["#two", "usage.md#no", "no.md"]


def test_links_out_of_docs_lead_to_copies_in_the_site():
    assert hook.within("../SECURITY.md", "usage.md") == "about/security.md"
    assert hook.within("../benchmarks/claims.py", "usage.md") == "source/benchmarks/claims.py"
    assert hook.within("../../benchmarks/claims.py", "tutorials/gate.md") == "../source/benchmarks/claims.py"
    assert hook.within("usage.md", "models.md") == "usage.md"
    assert hook.outside("[a](../benchmarks/claims.py) [b](usage.md)", "models.md") == ["benchmarks/claims.py"]
    assert hook.moved("[a](docs/usage.md) [b](LICENSE)", "about/x.md") == "[a](../usage.md) [b](../../LICENSE)"


def test_the_catalogue_shows_what_a_family_does_to_images():
    assert picture(parse("identity"), "identity") is None
    seven, two, photo = (before.images for before in originals())
    assert seven.shape == two.shape == (1, 1, 28, 28)
    assert photo.shape == (1, 3, 112, 112)
    sheet = picture(parse("invert"), "invert")
    values = pixels(sheet)
    before, after = values[:112].astype(int), values[120:].astype(int)
    assert np.array_equal(after[:, :112], 255 - before[:, :112])
    assert (
        pixels(picture(parse("channel_order:order=[2,1,0]"), "channel_order")).shape[1] == 112
    )  # the photograph alone


def pixels(png: bytes | None) -> np.ndarray:
    assert png is not None
    return np.asarray(Image.open(BytesIO(png)))


@pytest.mark.parametrize("name", [name for name, _ in catalogue.families()])
def test_every_family_has_a_section_that_is_filled(name):
    family = FAMILIES[name]
    text = catalogue.section(name, family, None, True)
    assert family.why in text
    assert f"({name}.png)" in text
    documented = re.findall(r"^ {8}(\w+): ", (family.__doc__ or "").partition("Parameters:")[2], re.MULTILINE)
    assert all(f"- `{parameter}`: " in text for parameter in documented)
    assert len(documented) >= len(family.parameter_names()) - 1 or family.group == "sample", text


def test_measurements_are_those_of_the_table():
    row = "| `fog` | 83.3 [43.6, 97.0] of 6 | 0.41 to 1.29 | – | 100 (5) | 1.288 (100) |"
    page = f"<!-- table: diagnosis-families -->\n{row}\n<!-- end -->"
    [(name, words)] = catalogue.measurements(page).items()
    assert name == "fog"
    assert words.startswith("named in 83.3% [43.6, 97.0] of 6 cases, of strengths 0.41 to 1.29; always from a number")
    measured = catalogue.measurements((DOCS / "diagnosis.md").read_text(encoding="utf-8"))
    assert len(set(measured) & set(FAMILIES)) > 40


def test_the_command_line_has_every_verb_with_its_options():
    page = command_line.page()
    for command in app.registered_commands:
        name = command.name or command.callback.__name__
        assert f"## {name}\n" in page
    assert "| `--log-to tensorboard\\|mlflow` |" in page
    assert "| `--max-drop" in page


def test_the_json_of_a_diagnosis_has_the_keys_that_are_listed(digits):
    written = set(shiftassay.diagnose(digits.first(60), digits.first(60)).to_json())
    listed = {key for key, _ in json_reference.keys(Diagnosis)}
    assert written - {"schema", "environment"} <= listed
    assert listed - written == {"framing", "left_out", "seconds"}  # where there are any; seconds are in `environment`
    page = json_reference.page()
    assert "| [`diagnose`](command-line.md#diagnose) | `shiftassay.diagnosis/1` |" in page
    assert "| `optimiser` | `sgd`, `adamw` |" in page


def test_the_python_reference_has_every_public_name():
    assert set(api.homes()) == set(shiftassay.__all__)
    assert "heading: parse_shift" in api.page()


def test_doctests_are_shown_as_code():
    shown = fenced("Add.\n\n>>> a = 1\n>>> a + 1\n2\n\nMore.")
    assert shown == "Add.\n\n```pycon\n>>> a = 1\n>>> a + 1\n2\n```\n\nMore."


@pytest.mark.torture
@pytest.mark.parametrize("example", gallery.EXAMPLES, ids=lambda example: example.name)
def test_an_example_of_the_gallery_names_what_was_done(example):
    named = {"turned": "Rotate", "exchanged": "BGR for RGB", "noisy": "Gaussian noise", "unknown": "catalogue"}
    page = gallery.page(example)
    assert named[example.name] in page.decode()
    assert len(page) < 300_000


@pytest.mark.torture
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"<(?:link|script|img|iframe)[^>]*(?:href|src)=.?https?://[^>]*>", text) == [], page
        assert not re.search(r"^```|<p>```", text, re.MULTILINE), f"{page}: a fence that is none"
    assert {f"{name}.png" for name in ("rotate", "jpeg")} <= {p.name for p in (tmp_path / "site/catalogue").iterdir()}
