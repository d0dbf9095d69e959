"""The results of the full study that docs/ holds are read by every section, and become the same findings."""

import json
from pathlib import Path

import pytest

from shiftassay.records import Record
from shiftassay.studies.architectures.sections import sections
from shiftassay.studies.section import record_of

RESULTS = Path(__file__).parents[3] / "docs" / "results" / "spatial-attention.json"
PUBLISHED = json.loads(RESULTS.read_text(encoding="utf-8"))["sections"]
COMPUTED_DIFFERENTLY = {"optimism_interval", "p", "p_corrected"}
COMPUTED_AGAIN = (  # statistics, from the numbers of each seed
    "reproduction.lowest",
    "accuracies.comparison",
    "stability.against_control",
    "stability.contrasts",
    "stability.mended",
)
SECTIONS = {section.KEY: section for section in sections()}


def read(key):
    return record_of(SECTIONS[key]).from_json(PUBLISHED[key])


def published(key):
    """What a study's results would hold of a section."""
    return getattr(SECTIONS[key], "published", Record.to_json)(read(key))


def test_every_section_that_is_published_is_known():
    assert set(PUBLISHED) <= set(SECTIONS)


@pytest.mark.parametrize("key", PUBLISHED)
def test_a_record_reads_what_it_writes(key):
    record = read(key)
    assert record_of(SECTIONS[key]).from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize("key", PUBLISHED)
def test_nothing_published_is_lost(key):
    def lost(old, new, path):
        if isinstance(old, dict) and isinstance(new, dict):
            return [
                place for k in old for place in (lost(old[k], new[k], f"{path}.{k}") if k in new else [f"{path}.{k}"])
            ]
        if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            return [place for a, b in zip(old, new, strict=True) for place in lost(a, b, path)]
        return [] if old == new else [path]

    moved = {"seconds", "seconds_an_epoch", "latency", "load"}  # times, which stand under `environment` since version 2
    paths = lost(PUBLISHED[key], json.loads(json.dumps(published(key))), key)
    measured = [path for path in paths if not any(path.startswith(place) for place in COMPUTED_AGAIN)]
    assert [path for path in measured if path.rpartition(".")[2] not in moved | COMPUTED_DIFFERENTLY] == []


@pytest.mark.parametrize("key", PUBLISHED)
def test_findings_are_made_of_published_results(key):
    for finding in SECTIONS[key].findings(read(key)):
        assert finding.sentences
        assert all(sentence.endswith(".") for sentence in finding.sentences)
        assert all(row for table in finding.tables for row in table.rows)
        json.dumps(finding.to_json())


def sentences(key):
    return " ".join(sentence for finding in SECTIONS[key].findings(read(key)) for sentence in finding.sentences)


@pytest.mark.parametrize(
    ("key", "numbers"),
    [
        (
            "reproduction",
            [
                "99.26 ± 0.04%",
                "11 of 13",
                "lower loss than stn (median of the last 100) and coordconv-stn (last and median of the last 100)",
                "not shown to have a lower loss than trunk, attention and coordconv",
                "+0.0131 [0.0084, 0.0178] with a transformer",
            ],
        ),
        (
            "accuracies",
            [
                "Of 15 pairs of networks, 0 are shown to differ",
                "4 to be equivalent within ±0.2 points",
                "−0.126 [−0.206, −0.046] points with a transformer",
                "paired over 5 seeds",
            ],
        ),
        (
            "stability",
            [
                "17.8 [5.1, 62.3] times as large with a transformer",
                "5.6 [4.3, 7.3] times as large with a transformer",
                "22.9 [8.2, 63.4] times",
                "neither a difference from trunk nor equality: attention (1.2 [0.9, 1.5])",
            ],
        ),
        ("spikes", ["0.042 to 1.965 at epoch 101", "11% of the rise", "−0.19"]),
        ("parameters", ["7,690 dead parameters", "37,834 in all", "two digits swapped"]),
        ("batches", ["279 of 10,000 labels", "97.31 ± 0.26% instead of 99.19 ± 0.07%"]),
        ("suggestions", ["45% of the variance", "from 84.05 to 99.40%"]),
        ("distortions", ["−10.4 [−13.0, −7.9] points with a transformer", "trunk errs on 18.24%"]),
        ("robustness", ["19 shifts", "trunk 90.3 ± 0.2%", "coordconv-stn against trunk: better under mnist_c:rotate"]),
        ("modules", ["loses 11.80 ± 4.41 points", "−0.0 ± 2.8°", "111 ± 11 of 144 positions"]),
        ("costs", ["0.96 million operations", "2.2 times as much"]),
    ],
)
def test_sentences_hold_the_numbers(key, numbers):
    text = sentences(key)
    assert [number for number in numbers if number not in text] == []
