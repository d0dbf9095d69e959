"""A report shows what came from outside as text: no page, Markdown, figure or path acts upon it."""

import os
import random
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftassay.errors import BadInput
from shiftassay.report.finding import Figure, Finding, Report, Table
from shiftassay.report.write import FINDINGS, write_report
from shiftassay.runs.store import write_arrays
from shiftassay.sealed import read_sealed, write_sealed
from shiftassay.words.text import is_printable

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "a\x1b]0;title\x07 \x1b[2J \x9b31m",
    "[click](javascript:alert(1)) ![x](http://elsewhere.example/x.png)",
    "a | b | c",
    "# heading\n\n## another\n\n[x]: http://elsewhere.example",
    "`code` *star* __under__ ~~gone~~ $\\frac{a}{b}$ x^$",
    "&lt;b&gt; &#60;b&#62;",
    "\u202egnp.exe \u2066x\u2069 \u200f",
    "caf\udce9 \ud800",
    "漢字 👩‍🔬 é ×",
    "{{ 7 * 7 }} {% raw %}",
)


def report_of(text, key="answer"):
    names = [text, "plain"]
    accuracy = {"names": names, "estimate": [0.9, 0.8], "low": [0.88, 0.7], "high": [0.92, 0.85], "chance": 0.1}
    figures = (
        Figure("accuracy", {**accuracy, "seeds": [[0.9], [0.8]]}, text),
        Figure("confusions", {"names": names, "matrices": [[[3, 1], [0, 4]]] * 2}, text),
    )
    finding = Finding(
        key, text, (text, "It is 42."), (Table((text, "n"), ((text, text),), text, folded=text),), figures
    )
    return Report(text, text, (text,), (finding,), Table(("", ""), (("command", text),)))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_shown(text, tmp_path):
    path = write_report(tmp_path, report_of(text))
    html, markdown = path.read_text(encoding="utf-8"), (tmp_path / "report.md").read_text(encoding="utf-8")
    for page in (html, markdown):
        assert all(is_printable(line.replace("\t", " ")) for line in page.split("\n"))
    assert not re.search(r"<(?!/?(details|summary)\b)(img|script|b)\b(?! src=\"data:)", html)
    assert not re.search(r"<[a-zA-Z/!?]", markdown)
    assert re.search(r"(?<!\\)\]\((?!(?:figures|tables)/)", markdown) is None
    assert re.search(r"^\[.*\]:", markdown, re.MULTILINE) is None
    headings = [line for line in markdown.splitlines() if line.startswith("#")]
    assert len(headings) == 3
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows)
    for figure in (tmp_path / "figures").iterdir():
        assert b"\x1b" not in figure.read_bytes()


@pytest.mark.parametrize(
    "key", ["../../escaped", "/tmp/escaped", "a/b", "a\\b", "..", "", "x" * 300, "a\0b", "nul", " a"]
)
def test_findings_never_write_outside_their_folder(key, tmp_path):
    folder = tmp_path / "a" / "study"
    write_report(folder, report_of("fine"))
    content = read_sealed(folder / FINDINGS)
    content["findings"][0]["key"] = key
    write_sealed(folder / FINDINGS, content)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput, match="can't be the key of a finding"):
        write_report(folder)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("file", ["../secret.safetensors", "ABSOLUTE", "..", 3, None, ["x"]])
def test_figures_read_only_in_their_folder(file, tmp_path):
    write_arrays(tmp_path / "secret.safetensors", {"a": np.zeros((2, 1, 4, 4), np.float32)})
    folder = tmp_path / "study"
    finding = Finding("x", "x", (), (), (Figure("samples", {"file": "samples.safetensors", "names": ["a"]}, ""),))
    write_arrays(folder / "samples.safetensors", {"a": np.zeros((2, 1, 4, 4), np.float32)})
    write_report(folder, Report("x", "x", (), (finding,), Table(("", ""), ())))
    content = read_sealed(folder / FINDINGS)
    content["findings"][0]["figures"][0]["data"]["file"] = (
        file.replace("ABSOLUTE", str(tmp_path / "secret.safetensors")) if isinstance(file, str) else file
    )
    write_sealed(folder / FINDINGS, content)
    with pytest.raises(BadInput, match="no name for a file"):
        write_report(folder)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        "null",
        "3",
        '"text"',
        "[" * 5000,
        '{"a":' * 5000,
        "{",
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff\xfe",
        b"",
    ],
    ids=lambda content: repr(content[:10]),
)
def test_findings_of_another_shape_are_named(content, tmp_path):
    (tmp_path / FINDINGS).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadInput, match=re.escape(FINDINGS)):
        write_report(tmp_path)


def test_findings_that_are_a_folder_are_named(tmp_path):
    (tmp_path / FINDINGS).mkdir()
    with pytest.raises(BadInput, match=re.escape(FINDINGS)):
        write_report(tmp_path)


def test_findings_that_may_not_be_read_are_named(tmp_path, monkeypatch):
    write_report(tmp_path, report_of("fine"))

    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BadInput, match=re.escape(FINDINGS)):
        write_report(tmp_path)


def mutated(value, rng):
    """The content with one thing in it replaced, removed or repeated."""
    odd = [None, [], {}, "x", -1, 1e308, 10**30, True, "9" * 1000, [[]], {"a": 1}, ""]
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = rng.randrange(len(value))
        if rng.random() < 0.1:
            return value[:place] + value[place + 1 :]
        return [*value[:place], mutated(value[place], rng), *value[place + 1 :]]
    return rng.choice(odd)


def fuzzed(folder, times, seed):
    rng = random.Random(seed)
    write_report(folder, report_of("fine"))
    sound = read_sealed(folder / FINDINGS)
    slowest, longest = 0.0, 0
    for _ in range(times):
        content = mutated(sound, rng)
        write_sealed(folder / FINDINGS, content if isinstance(content, dict) else {"content": content})
        if rng.random() < 0.2:
            text = (folder / FINDINGS).read_text(encoding="utf-8")
            place = rng.randrange(len(text))
            text = text[:place] + chr(rng.randrange(1, 0x250)) + text[place + rng.randrange(3) :]
            (folder / FINDINGS).write_text(text, encoding="utf-8")
        began = time.process_time()
        try:
            write_report(folder)
        except BadInput as error:
            longest = max(longest, len(str(error).encode()))
        slowest = max(slowest, time.process_time() - began)
    assert longest <= 2000
    return slowest


def test_damaged_findings_give_a_report_or_the_documented_error(tmp_path, recwarn):
    assert fuzzed(tmp_path, 40, 0) < 5


@pytest.mark.torture
def test_many_damaged_findings_give_a_report_or_the_documented_error(tmp_path, recwarn):
    assert fuzzed(tmp_path, int(os.environ.get("SHIFTASSAY_FUZZ", "500")), 1) < 5


@given(st.text(max_size=40))
def test_a_name_that_is_allowed_is_one_part_of_a_path(name):
    from shiftassay.paths import inside

    try:
        path = inside(Path("folder"), name)
    except BadInput:
        return
    assert path.parent == Path("folder")
    assert path.name == name


def test_pictures_of_a_study_can_be_left_out(tmp_path):
    write_arrays(tmp_path / "samples.safetensors", {"a": np.zeros((2, 1, 4, 4), np.float32)})
    figures = (
        Figure("samples", {"file": "samples.safetensors", "names": ["a"]}, ""),
        *report_of("x").findings[0].figures,
    )
    finding = Finding("x", "x", (), (), figures)
    path = write_report(tmp_path, Report("x", "x", (), (finding,), Table(("", ""), ())))
    assert (path.read_text().count('src="data:image'), path.read_text().count("<svg")) == (2, 2)
    write_report(tmp_path, show_images=False)
    assert (path.read_text().count('src="data:image'), path.read_text().count("<svg")) == (0, 2)


def test_a_table_lies_beside_the_report_as_csv(tmp_path):
    table = Table(("name", "n"), (('a, "b"', "1"), ("=1+1", "+2.0")))
    write_report(tmp_path, Report("x", "x", (), (Finding("x", "x", (), (table, table)),), Table(("", ""), ())))
    assert (tmp_path / "tables" / "x-2.csv").read_text() == 'name,n\n"a, ""b""",1\n\'=1+1,+2.0\n'
    assert "](tables/x" in (tmp_path / "report.md").read_text()


def test_what_stands_between_backticks_is_code(tmp_path):
    finding = Finding("x", "x", ("Run `a <b>`, and look.",))
    path = write_report(tmp_path, Report("x", "x", (), (finding,), Table(("", ""), ())))
    assert "<p>Run <code>a &lt;b&gt;</code>, and look.</p>" in path.read_text()
