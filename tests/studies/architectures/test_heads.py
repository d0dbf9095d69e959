"""Heads and position codes: which numbers of heads fit, and what is shown of the variants."""

from dataclasses import replace

from shiftassay.networks.registry import build
from shiftassay.studies.architectures.sections.heads import Heads, Variant, _widths, findings

SEEDS = 3


def variant(accuracy, loss=0.04):
    noise = [0.0, 0.0001, -0.0001]
    return Variant(25_460, tuple(accuracy + n for n in noise), tuple(loss - n for n in reversed(noise)))


MEASURED = Heads(
    "attention",
    "2 heads",
    {"1 head": variant(0.99), "2 heads": variant(0.99), "5 heads": variant(0.98)},
    _widths(build("attention", (1, 28, 28), 10, {})),
    30,
    10_000,
)


def test_heads_that_divide_every_layers_width_are_possible():
    assert MEASURED.widths == (10, 20)
    assert MEASURED.possible_heads == [1, 2, 5, 10]
    assert "widths of 10 and 20 channels, 1, 2, 5 and 10 heads are possible" in findings(MEASURED)[0].sentences[-1]
    for heads in MEASURED.possible_heads:
        build("attention", (1, 28, 28), 10, {"heads": heads})


def test_a_difference_is_said_only_where_the_test_shows_it():
    [finding] = findings(MEASURED)
    assert finding.sentences[0].startswith("5 heads: accuracy −1.00 [")
    assert "No difference from 2 heads is shown for 1 head" in finding.sentences[1]
    assert len(finding.tables[0].rows) == 3
    alone = {name: Variant(1, v.accuracies[:1], v.losses[:1]) for name, v in MEASURED.variants.items()}
    [finding] = findings(replace(MEASURED, variants=alone))
    assert "One seed of each variant cannot tell" in finding.sentences[0]


def test_what_is_written_is_read():
    assert Heads.from_json(MEASURED.to_json()) == MEASURED
