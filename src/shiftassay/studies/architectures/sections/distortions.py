"""Finding 7a: the test that fits a spatial module: trained and tested on distorted images."""

from dataclasses import replace
from typing import Any

import numpy as np

from shiftassay.datasets.distorted import named_dataset
from shiftassay.errors import BadInput
from shiftassay.imagesets.dataset import Dataset
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.paired import mcnemar
from shiftassay.statistics.seeds import difference_over_seeds_and_images, mean_over_seeds_and_images, welch
from shiftassay.studies.architectures.lab import Lab, Members, last_right
from shiftassay.words.lists import listed
from shiftassay.words.numbers import brackets, mean_sd, minus, p_cell

KEY, TITLE, VERSION, PLACE = "distortions", "The test that fits: distorted digits", 1, 80
SHOWN = 10
OURS = "What it leaves open of the distortions, such as how far the corners of projective digits move, is ours."


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    asked = lab.study.distortions
    if asked is None:
        raise BadInput("the study has no [distortions].")
    results, samples = {}, {"plain": lab.dataset.test.images[:SHOWN]}
    recipe = replace(lab.recipe(**asked.recipe), name="distorted", epochs=asked.epochs, validate_on_test=False)
    for name in asked.datasets:
        whole = named_dataset(name)
        data = Dataset(name, whole.train.first(asked.images), whole.test)
        labels = data.test.labels
        assert labels is not None
        samples[name] = data.test.images[:SHOWN]
        right = {
            network: last_right(lab.train(network, range(asked.seeds), recipe=recipe, data=data, what=name), labels)
            for network in lab.study.networks
        }
        results[name] = {
            "shape": list(data.train.shape),
            "images": len(data.train),
            "networks": {network: _errors(found) for network, found in right.items()},
            "against_control": _against(lab.study.control, right),
        }
    rows = [row for result in results.values() for row in result["against_control"]]
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_corrected"] = corrected
    return {
        "datasets": results,
        "reported": {name: found for name, found in asked.reported.items() if name in results},
        "epochs": asked.epochs,
        "seeds": asked.seeds,
        "recipe": recipe.to_json(),
        "control": lab.study.control,
        "samples": lab.keep("distortions.safetensors", samples),
        "names": list(samples),
        "source": asked.source,
    }


def finding(found: dict[str, Any]) -> Finding:
    networks = list(next(iter(found["datasets"].values()))["networks"])
    sources = list(dict.fromkeys(key for row in found["reported"].values() for key in row))
    rows = []
    for network in networks:
        ours = [result["networks"][network] for result in found["datasets"].values()]
        rows.append((network, *(f"{mean_sd(row['errors'], 100, 2)} {brackets(row['interval'])}" for row in ours)))
    rows += [
        (
            f"{source}, as reported",
            *(str(found["reported"].get(name, {}).get(source, "–")) for name in found["datasets"]),
        )
        for source in sources
    ]
    sizes = [f"{name}, {result['shape'][1]} × {result['shape'][2]}" for name, result in found["datasets"].items()]
    recipe = found["recipe"]
    return Finding(
        KEY,
        TITLE,
        tuple(_sentences(found)),
        (
            Table(
                ("network", *sizes),
                tuple(rows),
                f"Test error, %, after {found['epochs']} epochs on {next(iter(found['datasets'].values()))['images']:,} distorted training images, "
                f"{found['seeds']} seed{'s' * (found['seeds'] > 1)}, with its 95% interval; learning rate {recipe['learning_rate']:g}, momentum "
                f"{recipe['momentum']:g}, {recipe['schedule'].replace('_', ' ')}."
                + (f" As reported: {found['source']}. {OURS}" if sources else ""),
            ),
        ),
        (
            Figure("samples", {"file": found["samples"], "names": found["names"]}, "The first test images of each data set."),
            Figure(
                "matrix",
                {
                    "rows": list(found["datasets"]),
                    "columns": networks,
                    "values": [
                        [float(np.mean(result["networks"][network]["errors"])) for network in networks]
                        for result in found["datasets"].values()
                    ],
                    "scale": 100,
                    "format": ".2f",
                    "reverse": True,
                },
                "Test error, %, trained and tested on each data set.",
            ),
        ),
        {key: value for key, value in found.items() if key not in ("samples", "names")},
    )  # fmt: skip


def _errors(right: np.ndarray) -> dict[str, Any]:
    interval = mean_over_seeds_and_images(right)
    return {"errors": (1 - right.mean(1)).tolist(), "interval": [1 - interval.high, 1 - interval.low]}


def _against(control: str, right: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Each network's error minus the control's: over seeds where there are several, else image by image."""
    rows = []
    for name, found in right.items():
        if name == control:
            continue
        other = right[control]
        p = welch(found.mean(1), other.mean(1))
        if p is None:
            p = mcnemar(int((found[0] & ~other[0]).sum()), int((~found[0] & other[0]).sum()))
        difference = difference_over_seeds_and_images(~found, ~other)
        rows.append(
            {"network": name, "difference": difference.estimate, "interval": [difference.low, difference.high], "p": p}
        )
    return rows


def _sentences(found: dict[str, Any]) -> list[str]:
    shown_on = {
        name: [row for row in result["against_control"] if row["p_corrected"] < 0.05]
        for name, result in found["datasets"].items()
    }
    said = [_summary(found["control"], shown_on)]
    for name, result in found["datasets"].items():
        shown = shown_on[name]
        better = [row for row in shown if row["difference"] < 0]
        worse = [row for row in shown if row["difference"] > 0]
        control = 100 * float(np.mean(result["networks"][found["control"]]["errors"]))
        parts = [f"{name}: {found['control']} errs on {control:.2f}%"]
        for which, rows in (("fewer", better), ("more", worse)):
            if rows:
                parts.append(
                    f"{which} errors are shown for "
                    + ", ".join(
                        row["network"]
                        + minus(f" ({100 * row['difference']:+.2f} points, p {p_cell(row['p_corrected'])})")
                        for row in rows
                    )
                )
        if not shown:
            parts.append("no network is shown to differ from it")
        said.append("; ".join(parts) + ".")
    if found["seeds"] == 1:
        said.append("One seed each: these comparisons are of single models, image by image, not of architectures.")
    return said


def _summary(control: str, shown_on: dict[str, list[dict[str, Any]]]) -> str:
    """Which networks err less or more than the control, and where."""
    parts = []
    for which, sign in (("less", -1), ("more", 1)):
        pairs = [
            f"{row['network']} on {name} ({minus(format(100 * row['difference'], '+.1f'))} points)"
            for name, rows in shown_on.items()
            for row in rows
            if sign * row["difference"] > 0
        ]
        if pairs:
            parts.append(f"to err {which} is shown for {listed(pairs)}")
    if not parts:
        return f"Trained and tested on distorted digits, no network is shown to differ from {control}."
    return f"Trained and tested on distorted digits, against {control}: {'; '.join(parts)}."
