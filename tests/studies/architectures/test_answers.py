"""The answers: at most six sentences, each said only where its test shows it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from shiftassay.studies.architectures.answers import answers
from shiftassay.studies.architectures.claims_table import claim_rows, claims_table
from shiftassay.studies.architectures.factorial import Factorial, FactorialRun, ShortTraining
from shiftassay.studies.architectures.sections import sections
from shiftassay.studies.schema import load_study
from shiftassay.studies.section import record_of

STATEMENTS = load_study("spatial-attention")[1].statements
RESULTS = Path(__file__).parents[3] / "docs" / "results" / "spatial-attention.json"


@pytest.fixture(scope="module")
def measured():
    published = json.loads(RESULTS.read_text(encoding="utf-8"))["sections"]
    by_key = {section.KEY: section for section in sections()}
    return {key: record_of(by_key[key]).from_json(content) for key, content in published.items()}


def test_the_study_is_answered_in_six_sentences_at_most(measured):
    sentences = answers(measured)
    assert 3 <= len(sentences) <= 6
    assert all(sentence.endswith(".") for sentence in sentences)
    assert any("10,000 test images" in sentence and "seeds" in sentence for sentence in sentences)


def test_a_better_recipe_comes_first_if_it_is_shown_and_not_if_it_is_not(measured):
    best = FactorialRun("stn", 0.0, "one_cycle", "momentum", 15, 0.994)
    row = ShortTraining(best, 0.03, (0.9940, 0.9942, 0.9941), (0.9900, 0.9905, 0.9902), 300, 0.001)
    factorial = measured["suggestions"]
    assert isinstance(factorial, Factorial)
    first, *_ = answers({**measured, "suggestions": replace(factorial, confirmed=(row,), images=10_000)})
    assert first.startswith("With momentum, one cycle and dropout 0, stn gets 99.41")
    unshown = replace(factorial, confirmed=(replace(row, p_corrected=0.2),), images=10_000)
    assert "99.41" not in " ".join(answers({**measured, "suggestions": unshown}))


def test_nothing_is_said_of_what_was_not_measured(measured):
    assert answers({}) == ()
    assert claims_table({}, STATEMENTS).rows == ()
    for key in measured:
        without = {name: record for name, record in measured.items() if name != key}
        assert len(answers(without)) <= len(answers(measured))
        assert len(claim_rows(without, STATEMENTS)) <= len(claim_rows(measured, STATEMENTS))


def test_the_table_says_how_many_seeds_the_margin_takes(measured):
    [row] = [row for row in claim_rows(measured, STATEMENTS) if row[0] == "attention and STN have equivalent accuracy"]
    assert "stn − attention: " in row[1]
    assert "±0.2 takes about" in row[1]
    assert "here 5" in row[1]


def test_what_the_source_does_not_say_is_not_judged(measured):
    rows = claim_rows(measured, {"stability": "attention calms"})
    assert [row[0] for row in rows if "best accuracy" not in row[0]] == ["attention calms"]
    assert {row[0] for row in claim_rows(measured, STATEMENTS)} >= set(STATEMENTS.values()) - {
        STATEMENTS[key]
        for key in ("held_out", "early_stopping", "heads", "positions", "recipe")  # measured since
    }
