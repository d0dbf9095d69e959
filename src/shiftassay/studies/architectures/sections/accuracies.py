"""Finding 2: are the accuracies different?

All pairs are tested over seeds and images, with correction, and with the power of the tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shiftassay.evaluation.compare import ComparisonOfGroups, compare
from shiftassay.records import Record
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.members import correct_after_last_epoch
from shiftassay.words.numbers import brackets, number, p_cell, percent, percent_with_interval, points

KEY, TITLE, VERSION, PLACE = "accuracies", "Are the accuracies different?", 1, 20


@dataclass(frozen=True)
class ComparedAccuracies(Record):
    """The comparison of all networks.

    `right` holds, for each seed, a bit for each image, as hexadecimal digits.
    """

    comparison: ComparisonOfGroups
    right: Mapping[str, tuple[str, ...]]
    images: int
    claimed: Mapping[str, float]


def measure(experiment: Experiment) -> ComparedAccuracies:
    correct = {name: correct_after_last_epoch(group, experiment.labels) for name, group in experiment.members.items()}
    return ComparedAccuracies(
        comparison=compare(correct, experiment.study.equivalence_margin),
        right={name: tuple(np.packbits(seed).tobytes().hex() for seed in seeds) for name, seeds in correct.items()},
        images=len(experiment.labels),
        claimed={claim.network: claim.best_accuracy for claim in experiment.study.claims},
    )


def findings(measured: ComparedAccuracies) -> list[Finding]:
    comparison = measured.comparison
    return [
        Finding(
            KEY,
            TITLE,
            (*_sentences(comparison), comparison.sensitivity()),
            (_groups(comparison), _pairs(comparison)),
            (
                Figure(
                    "groups",
                    {
                        "names": [group.name for group in comparison.groups],
                        "values": [group.accuracies for group in comparison.groups],
                        "claimed": [measured.claimed.get(group.name) for group in comparison.groups],
                        "scale": 100,
                        "label": "accuracy after the last epoch, %",
                    },
                    "Accuracy of every seed (bars), mean and its 95% interval over seeds (blue); the source's best "
                    "epoch (diamonds).",
                ),
                Figure(
                    "pairs",
                    {
                        "names": [f"{pair.first} − {pair.second}" for pair in comparison.pairs],
                        "difference": [
                            [pair.difference.estimate, pair.difference.low, pair.difference.high]
                            for pair in comparison.pairs
                        ],
                        "wider": [[pair.on_new_images.low, pair.on_new_images.high] for pair in comparison.pairs],
                        "margin": comparison.margin,
                    },
                    "Difference of every pair with its 95% interval over seeds on these images (thick) and over seeds "
                    "and new images "
                    "(thin). Differences within the band (the equivalence margin) count as none.",
                ),
            ),
            numbers={"comparison": comparison.to_json()},
        )
    ]


def _sentences(comparison: ComparisonOfGroups) -> list[str]:
    pairs = comparison.pairs
    different = [pair for pair in pairs if pair.differs]
    equivalent = [pair for pair in pairs if pair.verdict == "equivalent"]
    undecided = [f"{pair.first} and {pair.second}" for pair in pairs if pair.verdict == "undecided"]
    sentences = [
        f"Of {len(pairs)} pairs of networks, {len(different)} are shown to differ on these {comparison.n:,} images and "
        f"{len(equivalent)} to be equivalent within ±{number(100 * comparison.margin)} points; {len(undecided)} are "
        "undecided."
    ]
    sentences += [pair.sentence(comparison.margin) for pair in different]
    if 0 < len(undecided) < len(pairs):
        sentences.append(f"Undecided: {'; '.join(undecided)}.")
    return sentences


def _groups(comparison: ComparisonOfGroups) -> Table:
    rows = tuple(
        (
            group.name,
            str(len(group.accuracies)),
            percent_with_interval(group.interval) if group.interval else percent(group.mean, 2),
            number(None if group.sd is None else 100 * group.sd, 3),
            points(min(group.accuracies)),
            points(max(group.accuracies)),
        )
        for group in comparison.groups
    )
    columns = ("network", "seeds", "accuracy [95% over seeds]", "sd, points", "lowest", "highest")
    return Table(columns, rows, "After the last epoch, fixed in advance.")


def _pairs(comparison: ComparisonOfGroups) -> Table:
    rows = tuple(
        (
            f"{pair.first} − {pair.second}",
            f"{points(pair.difference.estimate, 3, sign=True)} {brackets(pair.difference, digits=3)}",
            brackets(pair.on_new_images, digits=3),
            p_cell(pair.p_value),
            p_cell(pair.p_corrected),
            p_cell(pair.equivalence_p),
            number(pair.probability_higher, 2),
            pair.verdict,
        )
        for pair in comparison.pairs
    )
    columns = (
        "pair",
        "difference, points [95%]",
        "on new images [95%]",
        "p",
        "p, corrected",
        "≥ margin, p",
        "P(first higher)",
        "verdict",
    )
    return Table(
        columns,
        rows,
        "Welch's test over seeds on these images; the wider interval is for new seeds and new images. Both p-values of "
        "a verdict, "
        f"difference and equivalence (±{number(100 * comparison.margin)} points), are corrected after Holm.",
    )
