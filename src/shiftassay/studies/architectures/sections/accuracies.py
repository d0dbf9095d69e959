"""Finding 2: are the accuracies different? Over seeds and images, paired, corrected, with what could have been seen."""

from typing import Any

import numpy as np

from shiftassay.evaluation.compare import ComparisonOfGroups, compare
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.lab import Lab, Members, last_right
from shiftassay.words.numbers import brackets, minus, p_cell, percent_with_interval

KEY, TITLE, VERSION, PLACE = "accuracies", "Are the accuracies different?", 1, 20


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    right = {name: last_right(group, lab.labels) for name, group in members.items()}
    return {
        "comparison": compare(right, lab.study.equivalence_margin).to_json(),
        "right": {name: [np.packbits(seed).tobytes().hex() for seed in found] for name, found in right.items()},
        "images": len(lab.labels),
        "claimed": {claim.network: claim.best_accuracy for claim in lab.study.claims},
    }


def finding(found: dict[str, Any]) -> Finding:
    comparison = ComparisonOfGroups.from_json(found["comparison"])
    return Finding(
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
                    "claimed": [found["claimed"].get(group.name) for group in comparison.groups],
                    "scale": 100,
                    "label": "accuracy after the last epoch, %",
                },
                "Accuracy of every seed (bars), mean and its 95% interval over seeds (blue); the source's best epoch (diamonds).",
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
                "Difference of every pair with its 95% interval over seeds on these images (thick) and over seeds and new images "
                "(thin). The band is the margin within which a difference counts as none.",
            ),
        ),
        numbers={"comparison": found["comparison"]},
    )


def _sentences(comparison: ComparisonOfGroups) -> list[str]:
    pairs, margin = comparison.pairs, 100 * comparison.margin
    differ, equivalent = [p for p in pairs if p.differs], [p for p in pairs if p.verdict == "equivalent"]
    undecided = [f"{p.first} and {p.second}" for p in pairs if p.verdict == "undecided"]
    said = [
        f"Of {len(pairs)} pairs of networks, {len(differ)} are shown to differ on these {comparison.n:,} images, {len(equivalent)} to be "
        f"equivalent within ±{margin:g} points, and of {len(undecided)} neither is shown."
    ]
    said += [pair.sentence(comparison.margin) for pair in differ]
    if 0 < len(undecided) < len(pairs):
        said.append(f"Undecided: {'; '.join(undecided)}.")
    return said


def _groups(comparison: ComparisonOfGroups) -> Table:
    return Table(
        ("network", "seeds", "accuracy [95% over seeds]", "sd, points", "lowest", "highest"),
        tuple(
            (
                group.name,
                str(len(group.accuracies)),
                percent_with_interval(group.interval) if group.interval else f"{100 * group.mean:.2f}%",
                "–" if group.sd is None else f"{100 * group.sd:.3f}",
                f"{100 * min(group.accuracies):.2f}",
                f"{100 * max(group.accuracies):.2f}",
            )
            for group in comparison.groups
        ),
        "After the last epoch, fixed in advance.",
    )


def _pairs(comparison: ComparisonOfGroups) -> Table:
    return Table(
        ("pair", "difference, points [95%]", "on new images [95%]", "p", "p, corrected", "≥ margin, p", "P(first higher)", "verdict"),
        tuple(
            (
                f"{pair.first} − {pair.second}",
                f"{minus(f'{100 * pair.difference.estimate:+.3f}')} {brackets(pair.difference, digits=3)}",
                brackets(pair.on_new_images, digits=3),
                p_cell(pair.p_value),
                p_cell(pair.p_corrected),
                p_cell(pair.equivalence_p),
                f"{pair.probability_higher:.2f}",
                pair.verdict,
            )
            for pair in comparison.pairs
        ),
        "Welch's test over seeds on these images; the wider interval is for new seeds and new images. Both p-values of a verdict, "
        f"difference and equivalence (±{100 * comparison.margin:g} points), are corrected after Holm.",
    )  # fmt: skip
