"""Finding 2: are the accuracies different?

All pairs are tested over seeds and images, with correction, and with the power of the tests; beside them stands what
each module does, over all networks that have it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from jaxtyping import Bool
from pydantic import model_validator

from shiftassay.evaluation.compare import ALPHA, ComparisonOfGroups, compare
from shiftassay.records import JsonObject, Record, plain
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.statistics.power import MOST, seeds_for_equivalence
from shiftassay.statistics.seeds import variance_of_mean
from shiftassay.studies.architectures.experiment import Experiment
from shiftassay.studies.architectures.members import correct_after_last_epoch, validation_accuracies
from shiftassay.studies.architectures.module_effects import (
    ModuleEffect,
    ModulesByNetwork,
    effects_by_quantity,
    effects_sentence,
    effects_table,
    modules_of_members,
    modules_of_registered,
)
from shiftassay.studies.architectures.protocols import SETTLED_OVER, settled_accuracy, settled_epochs
from shiftassay.words.lists import plural
from shiftassay.words.numbers import brackets, number, p_cell, percent, percent_with_interval, points

KEY, TITLE, VERSION, PLACE = "accuracies", "Are the accuracies different?", 2, 20
LAST = "accuracy after the last epoch"
MARGINS = (0.002, 0.001, 0.0005)
"""For which the number of seeds is told."""
SETTLED = f"mean accuracy of the last epochs (a sixth of them, at most {SETTLED_OVER})"


@dataclass(frozen=True)
class ComparedAccuracies(Record):
    """The answers of all networks after the last epoch, and their comparison.

    `right` holds, for each seed, a bit for each image, as hexadecimal digits; all networks have the same seeds.
    `settled` is the mean accuracy of the last epochs by seed, if they are several.
    """

    right: Mapping[str, tuple[str, ...]]
    images: int
    claimed: Mapping[str, float]
    margin: float
    modules: ModulesByNetwork
    settled: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @cached_property
    def correct(self) -> Mapping[str, Bool[np.ndarray, "seeds n"]]:
        """Which images each seed of each network gets right."""
        bits = {
            name: np.stack([np.frombuffer(bytes.fromhex(seed), np.uint8) for seed in seeds])
            for name, seeds in self.right.items()
        }
        return {name: np.unpackbits(rows, axis=1, count=self.images).astype(bool) for name, rows in bits.items()}

    @cached_property
    def comparison(self) -> ComparisonOfGroups:
        return compare(self.correct, self.margin)

    @cached_property
    def effects(self) -> Mapping[str, tuple[ModuleEffect, ...]]:
        """What each module does to the accuracy of the last epoch, and of the last epochs."""
        values = {LAST: {name: right.mean(1) for name, right in self.correct.items()}, SETTLED: self.settled}
        return effects_by_quantity({key: of for key, of in values.items() if of}, self.modules, 1 / self.images, 1.0)

    @model_validator(mode="before")
    @classmethod
    def _of_version_1(cls, content: Any) -> Any:
        """Results of version 1 hold their comparison, and do not name the modules."""
        if "modules" in content:
            return content
        modules = modules_of_registered(list(content["right"]))
        return {**content, "margin": content["comparison"]["margin"], "modules": modules}


def measure(experiment: Experiment) -> ComparedAccuracies:
    members = experiment.members
    correct = {name: correct_after_last_epoch(group, experiment.labels) for name, group in members.items()}
    return ComparedAccuracies(
        right={name: tuple(np.packbits(seed).tobytes().hex() for seed in seeds) for name, seeds in correct.items()},
        images=len(experiment.labels),
        claimed={claim.network: claim.best_accuracy for claim in experiment.study.claims},
        margin=experiment.study.margin,
        modules=modules_of_members(members),
        settled={
            name: tuple(settled_accuracy(validation_accuracies(member)) for member in group)
            for name, group in members.items()
            if settled_epochs(len(group[0].metrics)) > 1
        },
    )


def findings(measured: ComparedAccuracies) -> list[Finding]:
    comparison, effects = measured.comparison, measured.effects
    pairs, *others = _sentences(comparison)
    tables = [_groups(comparison), _pairs(comparison)]
    tables += [_seeds_needed(measured)] if comparison.pairs[0].common_seeds > 1 else []
    if effects:
        of = f", each measured on the same {measured.images:,} images"
        tables.insert(1, effects_table(effects, "points", effect_in_points, of))
    first = (
        [effects_sentence(effects[LAST], f"the {LAST}", "changes by", effect_in_points, " points")] if effects else []
    )
    settled = effects_sentence(effects.get(SETTLED, ()), f"the {SETTLED}", "changes by", effect_in_points, " points")
    return [
        Finding(
            KEY,
            TITLE,
            (" ".join([*first, pairs]), *([settled] if settled else []), *others, comparison.sensitivity()),
            tuple(tables),
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
                    f"Accuracy of every seed on {measured.images:,} images (bars), mean and its 95% interval over "
                    "seeds (blue); the source's best epoch (diamonds).",
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
                    "and new images (thin). Differences within the band (the equivalence margin) count as none.",
                ),
            ),
            numbers={"comparison": comparison.to_json(), "effects": effects},
        )
    ]


def published(measured: ComparedAccuracies) -> JsonObject:
    """The answers, and their comparison."""
    return {
        **measured.to_json(),
        "comparison": measured.comparison.to_json(),
        "effects": plain(measured.effects),
    }


def effect_in_points(effect: ModuleEffect) -> str:
    """An effect on an accuracy, in percentage points with its interval."""
    return f"{points(effect.estimate, 3, sign=True)} {brackets(effect.interval, digits=3)}"


def seeds_needed(measured: ComparedAccuracies, first: str, second: str, margin: float, corrected: bool) -> int | None:
    """How many seeds it takes to show two networks equivalent, if they do not differ.

    By the spread of this pair's differences, with 80% power; at the level that so many pairs leave to each if
    `corrected`.
    """
    differences = measured.correct[first].mean(1) - measured.correct[second].mean(1)
    sd = sqrt(variance_of_mean(differences, sqrt(2) / measured.images) * len(differences))
    return seeds_for_equivalence(sd, margin, ALPHA / (len(measured.comparison.pairs) if corrected else 1))


def _seeds_needed(measured: ComparedAccuracies) -> Table:
    rows = []
    for pair in measured.comparison.pairs:
        counts = [
            seeds_needed(measured, pair.first, pair.second, margin, corrected)
            for margin in MARGINS
            for corrected in (False, True)
        ]
        cells = [f"over {MOST:,}" if count is None else f"{count:,}" for count in counts]
        alone = zip(cells[::2], cells[1::2], strict=True)
        rows.append((f"{pair.first} − {pair.second}", *(f"{one} ({all_})" for one, all_ in alone), pair.verdict))
    return Table(
        ("pair", *(f"seeds for ±{number(100 * margin)} points" for margin in MARGINS), "verdict"),
        tuple(rows),
        "How many seeds it takes to show a pair equivalent within a margin, if its two networks do not differ: with "
        "80% power, by the spread of this pair's differences over "
        f"{plural(measured.comparison.pairs[0].common_seeds, 'seed')}. In brackets: at the level that the correction "
        f"for {len(measured.comparison.pairs)} pairs leaves to each.",
    )


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
    caption = f"After the last epoch, fixed in advance, on {comparison.n:,} images."
    return Table(columns, rows, caption)


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
    pair = comparison.pairs[0]
    seeds = f"over {plural(pair.common_seeds, 'seed')}, paired by seed" if pair.over == "seeds" else "for one seed each"
    return Table(
        columns,
        rows,
        f"On {comparison.n:,} images, {seeds}; the wider interval is for new seeds and new images. Both p-values of a "
        f"verdict, difference and equivalence (±{number(100 * comparison.margin)} points), are corrected after Holm.",
    )
