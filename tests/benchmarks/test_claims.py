"""README and docs say what docs/results says, and a wrong digit on either side is noticed."""

import ast
import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.claimed import diagnosis
from benchmarks.claimed.check import TABLES, problems, prose_problems, table_problems
from benchmarks.claimed.reading import numbers, read
from benchmarks.claimed.sentences import SENTENCES
from benchmarks.claims import main, paths

ROOT = Path(__file__).parents[2]
PAGES = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths(ROOT)}
RESULTS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "docs" / "results").glob("*.json")}
PRINTED = {name: lines for text in PAGES.values() for name, lines in read(text).tables.items()}
TRIED = 40  # numbers of a table, spread over it


def test_every_number_of_readme_and_docs_is_what_the_results_say(capsys):
    assert main() == 0, capsys.readouterr().out


def other_digit(text: str, place: int) -> str:
    return f"{text[:place]}{(int(text[place]) + 5) % 10}{text[place + 1 :]}"


@pytest.mark.parametrize("table", TABLES)
def test_a_wrong_digit_in_a_table_is_found(table):
    lines = PRINTED[table]
    places = [(row, number.end() - 1) for row, line in enumerate(lines) for number in numbers(line)]
    assert places
    for row, place in places[:: max(1, len(places) // TRIED)]:
        changed = [*lines[:row], other_digit(lines[row], place), *lines[row + 1 :]]
        assert list(table_problems(table, changed, RESULTS)) != [], changed[row]


def no_longer_named(results: Any) -> None:
    case = next(c for c in results["outcomes"] if c["stratum"] == "paired" and c["family"] and c.get("strength"))
    case.update(family=False, right=False, verdict="unknown", wrong=["family unknown"])


def nulls(results: Any) -> list[Any]:
    return [case for case in results.get("outcomes", []) if case.get("stratum") == "null"]


def null_left_out(results: Any) -> None:
    nulls(results)[0].update(stratum="paired")


HAS_NULLS = next(name for name, results in RESULTS.items() if nulls(results))


def repaired_less(results: Any) -> None:
    repair = results["argument"]["repairs"]["t1"]
    next(a for a in repair["attempts"] if a["strategy"] == repair["recommended"])["variant"]["gained"] -= 9


def added(amount: float, *path: str | int) -> Callable[[Any], None]:
    """Adds to the number at a path."""

    def change(results: Any) -> None:
        for key in path[:-1]:
            results = results[key]
        results[path[-1]] += amount

    return change


CHANGES: dict[str, Callable[[Any], None]] = {
    "example": added(-9, "diagnosis", "evaluations", 1, "comparison", "lost"),
    "model": added(20, "members", 3, "evaluations", 0, "correct"),
    "variants": added(40, "members", 2, "evaluations", 3, "comparison", "lost"),
    "answers": repaired_less,
    "one-for-all": added(0.1, "argument", "one_for_all", "designs", "undo", "accuracy", "t1", "seeds", 0),
    "variants-2": added(90, "members", 4, "evaluations", 2, "correct"),
    "spatial": added(-0.02, "sections", "reproduction", "networks", "stn", "accuracies", 0, 299),
    **{
        f"diagnosis{of}": no_longer_named
        for of in ("", "-strata", "-images", "-strength", "-families", "-confidence", "-stated", "-confusion", "-wrong")
    },
    "diagnosis-nulls": null_left_out,
    "diagnosis-seconds": added(999, "outcomes", 0, "seconds"),
    "diagnosis-listed": lambda results: results["cases"].pop(next(iter(results["cases"]))),
    "diagnosis-changes": lambda results: results["cases"].pop("rearrangement/pixel_permutation/draw0"),
    "diagnosis-speed": added(9, "diagnoses", 3, "memory_gb"),
    "speed": lambda results: results["networks"]["stn"]["seconds"].update({"ours, 2 threads": [9.0] * 5}),
    "members": lambda results: results["members"]["mlp"]["images_per_second"].update({"1 on one core": [9.0] * 5}),
    "paths": added(0.01, "networks", "trunk", "plain", 7),
    "startup": added(9, "seconds", "--help", 2),
    "torture": added(1, "outcomes", 4, "wrong"),
    "interrupts": added(9, "outcomes", 3, "seconds", 1),
    "coverage": lambda results: results["fits"]["gain"].extend(30 * [{"numbers": {"factor": [2.0, 1.0, 0.9, 1.1]}}]),
    "permutations": added(-50, "rows", 3, "right"),
    "pairing": added(1, "results", "foreign", "material", "digits", "paired"),
    "type-one-errors": added(900, "rows", 0, "errors"),
}
OF_A_PROGRAM = {"diagnosis-ranges"}


@pytest.mark.parametrize("table", [name for name in TABLES if name not in OF_A_PROGRAM])
def test_a_changed_result_is_found(table):
    file = HAS_NULLS if table == "diagnosis-nulls" else TABLES[table][0]
    changed = copy.deepcopy(RESULTS[file])
    CHANGES[table](changed)
    assert list(table_problems(table, PRINTED[table], {**RESULTS, file: changed})) != []


def test_a_changed_setting_is_found(tmp_path, monkeypatch):
    changed = tmp_path / "ranges.py"
    changed.write_text(diagnosis.RANGES.read_text(encoding="utf-8").replace("Range(0.45, 3.0", "Range(0.45, 3.5"))
    monkeypatch.setattr(diagnosis, "RANGES", changed)
    assert list(table_problems("diagnosis-ranges", PRINTED["diagnosis-ranges"], RESULTS)) != []


@pytest.mark.parametrize("page", SENTENCES)
def test_a_wrong_digit_in_a_sentence_is_found(page):
    prose = read(PAGES[page]).prose
    for sentence in SENTENCES[page](RESULTS):
        for number in numbers(sentence):
            changed = prose.replace(sentence, other_digit(sentence, number.end() - 1))
            assert any("not there" in problem for problem in prose_problems(page, changed, RESULTS)), sentence


@pytest.mark.parametrize("page", PAGES)
def test_a_number_without_a_source_is_found(page):
    found = list(problems({**PAGES, page: PAGES[page] + "\nIt is right on 98.7% of them.\n"}, RESULTS))
    assert len(found) == 1
    assert "98.7 has no source" in found[0]


def test_a_table_without_a_source_and_one_that_is_gone_are_found():
    renamed = PAGES["docs/performance.md"].replace("<!-- table: startup -->", "<!-- table: waiting -->")
    assert list(problems({**PAGES, "docs/performance.md": renamed}, RESULTS)) == [
        "docs/performance.md: table waiting has no source",
        "no page has the table startup",
    ]


def test_it_shares_no_code_with_what_it_examines():
    files = [ROOT / "benchmarks" / "claims.py", *(ROOT / "benchmarks" / "claimed").glob("*.py")]
    imported = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    own = {name for name in imported if name.startswith("benchmarks.claimed")}
    known = {name for name in imported if name.split(".")[0] in {"numpy", "scipy", *sys.stdlib_module_names}}
    assert own
    assert imported - own - known == set()


def test_numbers_are_told_from_names_code_and_links():
    text = "t4 of 10,000 [−1.5, 2.75] on AVX2, `n = 7`, [a page](page-3.md) <!-- 8 -->, 95% in 17x, 2.13.0, "
    text += "commit 32bf1bb317ca"
    assert [number[0] for number in numbers(text)] == ["10,000", "−1.5", "2.75", "95", "17", "2.13.0"]
