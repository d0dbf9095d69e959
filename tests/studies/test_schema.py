import json
import random
import time
from importlib.resources import files
from pathlib import Path

import pytest

from shiftassay.errors import BadInput
from shiftassay.studies.built_in import built_in_studies
from shiftassay.studies.schema import LARGEST, load_study
from shiftassay.words.text import is_printable

STUDY = """
kind = "shifted-test-sets"
title = "T"
question = "Q"
network = "mlp"
recipe = "mlp"
[[variants]]
name = "a"
family = "gain"
parameters = { factor = 0.5 }
"""


@pytest.mark.parametrize("name", built_in_studies())
def test_every_built_in_study_is_valid(name):
    assert load_study(name)[0] == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("recipe =", "recpie ="), "unknown key 'recpie'. Did you mean 'recipe'"),
        (("family =", "famly ="), "Did you mean 'family'"),
        (('kind = "shifted-test-sets"', 'kind = "other"'), "kind"),
        (("[[variants]]", "[[variants"), "not valid TOML"),
        (('network = "mlp"', 'network = "mlp"\nseeds = 0'), "seeds"),
        (('network = "mlp"', 'network = "mlp"\nfolder = "x"'), "both"),
        (('name = "a"', 'name = "clean"'), "none of them 'clean'"),
        (('name = "a"', 'name = "Labels"'), "'labels'"),
        (('name = "a"', 'name = "../../a"'), "variants.0.name"),
        (("{ factor = 0.5 }", "{ factor = { harmless_within = 2 } }"), "harmless_within"),
        (("{ factor = 0.5 }", "{ factor = nan }"), "variants.0.parameters.factor: expected a finite number"),
        (("{ factor = 0.5 }", "{ factor = " + "[" * 200 + "]" * 200 + " }"), "nested too deeply"),
        (('kind = "shifted-test-sets"', "kind = {}"), "kind: expected"),
        (('kind = "shifted-test-sets"', "kind = []"), "kind: expected"),
        (('kind = "shifted-test-sets"', "kind = 1979-05-27"), "kind: expected"),
        (('kind = "shifted-test-sets"', f'kind = "{"k" * 500_000}"'), "kind: expected"),
        (('kind = "shifted-test-sets"', f"kind = {'9' * 5000}"), "not valid TOML"),
        (('title = "T"', f"title = {'[' * 5000}"), "nested too deeply"),
        (('title = "T"', 'title = "\\u001b[2J"'), "title: text has no control characters"),
        (('title = "T"', 'title = "a\\u0000"'), "title: text has no control characters"),
        (('title = "T"', 'title = "\\u202Egnp"'), "title: text has no control characters"),
        (('title = "T"', 'title = "T"\n"\\u001b" = 1'), "a key has no control characters"),
        (('network = "mlp"', 'network = "mlp"\nseeds = 1000000000000'), "seeds"),
        (('network = "mlp"', f'network = "mlp"\n{"k" * 300_000} = 1'), "unknown key"),
    ],
)
def test_what_is_wrong_in_a_study_file_is_said(tmp_path, change, message):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    load_study(path)
    path.write_text(STUDY.replace(*change))
    with pytest.raises(BadInput, match=message.replace("[", r"\[")) as error:
        load_study(path)
    assert len(str(error.value).encode()) <= 2000


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "..",
        ".",
        "../../a",
        "a\\b",
        "",
        " ",
        "a\0b",
        "a\x1b[2J",
        "a\nb",
        ".hidden",
        "n" * 61,
        "labels",
        "Clean",
        "CON",
        "a.",
    ],
)
def test_a_variant_is_never_named_what_no_file_of_its_own_can_be(name, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace('name = "a"', f"name = {json.dumps(name)}"))
    with pytest.raises(BadInput, match=r"study\.toml: variants") as error:
        load_study(path)
    assert is_printable(str(error.value))


@pytest.mark.parametrize("name", ["é", "漢字", "t1 (dark)", "[/a]", "$x$", "<b>", "a'b", "50%", "👩‍🔬"])
def test_any_other_name_is_taken(name, tmp_path):
    path = tmp_path / "study.toml"
    name = name.replace("/", "")
    path.write_text(STUDY.replace('name = "a"', f"name = {json.dumps(name, ensure_ascii=False)}"), encoding="utf-8")
    assert load_study(path)[1].variants[0].name == name


@pytest.mark.parametrize("name", ["...toml", "..toml", "a\x1b.toml", "nul.toml", "\udce9.toml", "b\0.toml"])
def test_a_study_file_is_never_named_what_no_folder_can_be(name, tmp_path):
    with pytest.raises(BadInput, match="Rename it"):
        load_study(tmp_path / name)


def test_a_large_study_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "study.toml"
    path.write_text(STUDY + "#" * LARGEST)
    monkeypatch.setattr(Path, "read_text", None)
    with pytest.raises(BadInput, match=r"1\.0 MB, and a study file has at most 1"):
        load_study(path)


def test_a_study_file_that_can_not_be_read_is_named(tmp_path, monkeypatch):
    path = tmp_path / "study.toml"
    path.mkdir()
    with pytest.raises(BadInput, match="no such study file"):
        load_study(path)
    path.rmdir()
    path.write_text(STUDY)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    for method in ("read_text", "is_file"):
        with monkeypatch.context() as patched:
            patched.setattr(Path, method, refuse)
            with pytest.raises(BadInput, match=r"study\.toml: can't be read \(Permission denied\)"):
                load_study(path)


def fuzzed(path, times, seed):
    """The longest message and the longest time, in seconds, over so many mutations of a study file."""
    rng = random.Random(seed)
    source = (files("shiftassay") / "studies" / "files" / "shifted-test-sets.toml").read_text(encoding="utf-8")
    pieces = [
        "[",
        "]",
        "{",
        "}",
        '"',
        "=",
        "\n",
        "\\u0000",
        "nan",
        "-",
        "9" * 30,
        "'",
        ".",
        "\x00",
        "é",
        "[[variants]]\n",
        "= {}",
        '= ["x"]',
    ]
    longest, slowest = 0, 0.0
    for _ in range(times):
        text = source
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(text))
            text = text[:place] + rng.choice(pieces) + text[place + rng.choice((0, 0, 1, 5, 40)) :]
        path.write_text(text, encoding="utf-8")
        began = time.process_time()
        try:
            load_study(path)
        except BadInput as error:
            longest = max(longest, len(str(error).encode()))
        slowest = max(slowest, time.process_time() - began)
    return longest, slowest


@pytest.mark.parametrize("times", [500, pytest.param(10_000, marks=pytest.mark.torture)])
def test_a_damaged_study_file_is_read_or_refused_with_the_documented_error(tmp_path, times):
    longest, slowest = fuzzed(tmp_path / "study.toml", times, seed=times)
    assert 0 < longest <= 2000
    assert slowest < 5


def test_an_unknown_study_names_the_nearest():
    with pytest.raises(BadInput, match="Did you mean 'shifted-test-sets'"):
        load_study("shifted-test-set")


def test_a_folder_is_looked_for_beside_the_study_file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY.split("[[variants]]")[0] + 'folder = "mine"\n')
    assert load_study(path)[1].folder == str(tmp_path / "mine")


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8"):
        load_study(path)
