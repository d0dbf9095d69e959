"""Finding 7b: trained on plain images, tested on shifted ones: network × shift."""

from typing import Any

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.shifts.catalogue import parse, shift
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.seeds import difference_over_seeds_and_images, mean_over_seeds_and_images, welch
from shiftassay.studies.architectures.lab import Lab, Members, answers
from shiftassay.words.lists import listed
from shiftassay.words.numbers import brackets, mean_sd, p_cell
from shiftassay.words.terminal import spoken

KEY, TITLE, VERSION, PLACE = "robustness", "Trained on plain digits, tested on shifted ones", 1, 90


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    asked = lab.study.robustness
    if asked is None:
        raise BadInput("the study has no [robustness].")
    test = lab.dataset.test.first(asked.images)
    labels = test.labels
    shifts, others = {}, len(members) - 1
    samples = {}
    for name in ("identity", *asked.shifts):
        lab.console.print(spoken(f"testing under {name}"))
        shifted = shift(test, parse(name))
        samples[name] = shifted.images[:10]
        right = {
            network: np.stack([answers(member, shifted.images) == labels for member in group])
            for network, group in members.items()
        }
        # Bonferroni over networks and shifts: an interval that leaves out 0 is then a difference that is shown.
        level = 1 - 0.05 / (others * (len(asked.shifts) + 1))
        control = right[lab.study.control]
        shifts[name] = {
            network: {
                "accuracies": found.mean(1).tolist(),
                "interval": _ends(mean_over_seeds_and_images(found)),
                "minus_control": _ends(difference_over_seeds_and_images(found, control, level)),
            }
            for network, found in right.items()
        }
    return {
        "shifts": shifts,
        "control": lab.study.control,
        "images": len(test),
        "seeds": len(next(iter(members.values()))),
        "samples": lab.keep("robustness.safetensors", samples),
        "names": list(samples),
    }


def finding(found: dict[str, Any]) -> Finding:
    networks = list(next(iter(found["shifts"].values())))
    mean = {name: {n: float(np.mean(row[n]["accuracies"])) for n in networks} for name, row in found["shifts"].items()}
    rows = tuple(
        (name, *(f"{100 * mean[name][n]:.1f} {brackets(row[n]['interval'], digits=1)}" for n in networks))
        for name, row in found["shifts"].items()
    )
    return Finding(
        KEY,
        TITLE,
        tuple(_sentences(found, mean, networks)),
        (
            Table(
                ("shift", *networks),
                rows,
                f"Accuracy, %, on {found['images']:,} shifted test images, mean over {found['seeds']} seed{'s' * (found['seeds'] > 1)} with its "
                "95% interval for new seeds and new images.",
            ),
        ),
        (
            Figure(
                "matrix",
                {
                    "rows": list(mean),
                    "columns": networks,
                    "values": [[mean[name][n] for n in networks] for name in mean],
                    "scale": 100,
                    "format": ".1f",
                },
                "Accuracy, %, of networks that were trained on plain digits.",
            ),
            Figure("samples", {"file": found["samples"], "names": found["names"]}, "The first test images under each shift."),
        ),
        {key: value for key, value in found.items() if key not in ("samples", "names")},
    )  # fmt: skip


def _ends(interval: Any) -> list[float]:
    return [interval.low, interval.high]


def _sentences(found: dict[str, Any], mean: dict[str, dict[str, float]], networks: list[str]) -> list[str]:
    control, shifted = found["control"], [name for name in mean if name != "identity"]
    # Each seed's mean over the shifts: one number a seed, whatever a single shift does.
    overall = {n: np.mean([found["shifts"][name][n]["accuracies"] for name in shifted], axis=0) for n in networks}
    order = sorted(networks, key=lambda n: -overall[n].mean())
    said = [
        f"Mean accuracy over {len(shifted)} shifts: "
        + ", ".join(f"{n} {mean_sd(overall[n], 100, 1)}%" for n in order)
        + "."
    ]
    others = [n for n in networks if n != control]
    p_values = [welch(overall[n], overall[control]) for n in others]
    known = [p for p in p_values if p is not None]
    if known:
        shown = [(n, p) for n, p in zip(others, holm(known), strict=True) if p < 0.05]
        said.append(
            f"On that mean, different from {control} "
            + (
                listed([f"{n} is shown to be (p {p_cell(p)})" for n, p in shown])
                if shown
                else "no network is shown to be"
            )
            + "."
        )
    for network in networks:
        if network == control:
            continue
        against = {name: found["shifts"][name][network]["minus_control"] for name in shifted}
        better = [name for name, (low, _) in against.items() if low > 0]
        worse = [name for name, (_, high) in against.items() if high < 0]
        parts = [f"better under {', '.join(better)}"] if better else []
        parts += [f"worse under {', '.join(worse)}"] if worse else []
        said.append(
            f"{network} against {control}: "
            + ("; ".join(parts) if parts else "no shift under which a difference is shown")
            + "."
        )
    if found["seeds"] == 1:
        said.append("One seed each: these are comparisons of single models, not of architectures.")
    return said
