"""Finding 1: do the source's figures come out again, read its way and read soundly?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.runs.results import total_seconds
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.seeds import mean_over_seeds, new_draw, paired_over_seeds
from shiftassay.studies.architectures.lab import Lab, Members, best_right, last_right, validation_losses
from shiftassay.studies.architectures.study import Claim
from shiftassay.words.lists import listed
from shiftassay.words.numbers import brackets, mean_sd, p_cell, points

KEY, TITLE, VERSION, PLACE = "reproduction", "Reproduction", 2, 10
MEDIAN_OVER = 100


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    networks = {name: _network(lab, name, members) for name in lab.study.networks}
    claims = [claim for claim in lab.study.claims if claim.network in networks]
    return {
        "source": lab.study.source,
        "epochs": len(next(iter(members.values()))[0].metrics),
        "networks": networks,
        "claims": [_claim(claim, networks[claim.network], len(lab.labels)) for claim in claims],
        "lowest": [row for claim in claims if claim.says_lowest for row in _lowest(claim.network, claims, networks)],
    }


def finding(found: dict[str, Any]) -> Finding:
    claims, networks = found["claims"], found["networks"]
    figures = [
        Figure(
            "loss_curves",
            {"losses": {name: network["losses"] for name, network in networks.items()}},
            "Loss on the test set after every epoch, a line for each seed; all panels share their axes.",
        )
    ]
    tables = [_protocols(networks)]
    if claims:
        tables.insert(0, _claims(claims, found["source"]))
    if found["lowest"]:
        tables.append(_lowest_table(found["lowest"]))
    return Finding(
        KEY,
        TITLE,
        (*_claim_sentences(found), *_optimism(networks), *_lowest_sentence(found)),
        tuple(tables),
        tuple(figures),
        numbers={key: found[key] for key in ("claims", "lowest")},
    )


def _network(lab: Lab, name: str, members: Members) -> dict[str, Any]:
    group = members[name]
    losses = [validation_losses(member) for member in group]
    best, last = (right(group, lab.labels).mean(1) for right in (best_right, last_right))
    optimism = mean_over_seeds(best - last)
    return {
        "seeds": [member.trial.seed for member in group],
        "best_accuracy": best.tolist(),
        "best_epoch": [member.best.epoch if member.best else len(member.metrics) for member in group],
        "last_accuracy": last.tolist(),
        "optimism": (best - last).tolist(),
        "optimism_interval": [optimism.low, optimism.high] if optimism else None,
        "losses": losses,
        "accuracies": [[epoch.validation_accuracy for epoch in member.metrics] for member in group],
        "training_losses": [[epoch.loss for epoch in member.metrics] for member in group],
        "last": [row[-1] for row in losses],
        "lowest": [min(row) for row in losses],
        f"median of the last {MEDIAN_OVER}": [float(np.median(row[-MEDIAN_OVER:])) for row in losses],
        "environment": {"seconds": [total_seconds(member.metrics) for member in group]},
    }


def _claim(claim: Claim, ours: dict[str, Any], images: int) -> dict[str, Any]:
    """Each figure of a claim beside ours; `within`: inside the interval that one more seed of ours would fall into."""
    epochs = len(ours["losses"][0])
    whole = epochs >= claim.epochs
    rows = [("best accuracy", claim.best_accuracy, ours["best_accuracy"])] if whole else []
    rows += [
        (f"loss, epoch {epoch}", loss, [row[epoch - 1] for row in ours["losses"]])
        for epoch, loss in claim.losses.items()
        if epoch <= epochs
    ]
    rows += [
        (f"accuracy, epoch {epoch}", right / images, [row[epoch - 1] for row in ours["accuracies"]])
        for epoch, right in claim.right.items()
        if epoch <= epochs
    ]
    if whole and claim.lowest_loss is not None:
        rows.append(("lowest loss", claim.lowest_loss, ours["lowest"]))
    if whole and claim.largest_jump is not None and epochs > 200:
        jumps = [float(np.abs(np.diff(row[-201:])).max()) for row in ours["losses"]]
        rows.append(("largest jump of the loss, last 200 epochs", claim.largest_jump, jumps))
    figures = []
    for what, reported, values in rows:
        logarithmic = "jump" in what  # jumps spread over orders of magnitude
        expected = new_draw(np.log(values)) if logarithmic else new_draw(values)
        ends = [expected.low, expected.high] if expected else None
        if ends and logarithmic:
            ends = np.exp(ends).tolist()
        figures.append(
            {
                "what": what,
                "reported": reported,
                "ours": values,
                "expected": ends,
                "within": ends[0] <= reported <= ends[1] if ends else None,
            }
        )
    return {"network": claim.network, "name": claim.name, "figures": figures, "whole": whole}


def _lowest(claimed: str, claims: Sequence[Claim], networks: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Is a network's loss the lowest of those that the source compares? Three ways, paired over seeds."""
    others = [claim.network for claim in claims if claim.network != claimed]
    rows = []
    for way in ("last", "lowest", f"median of the last {MEDIAN_OVER}"):
        for other in others:
            tested = paired_over_seeds(networks[claimed][way], networks[other][way])
            difference = float(np.mean(networks[claimed][way]) - np.mean(networks[other][way]))
            rows.append(
                {
                    "way": way,
                    "network": claimed,
                    "other": other,
                    "difference": difference,
                    "interval": [tested[0].low, tested[0].high] if tested else None,
                    "p": tested[1] if tested else None,
                }
            )
    known = [row["p"] for row in rows if row["p"] is not None]
    if len(known) == len(rows):
        for row, corrected in zip(rows, holm(known), strict=True):
            row["p_corrected"] = corrected
    return rows


def _claims(claims: list[dict[str, Any]], source: str) -> Table:
    whats = list(dict.fromkeys(row["what"] for claim in claims for row in claim["figures"]))
    rows = []
    for what in whats:
        scale, digits = (100, 2) if "accuracy" in what else (1, 4)
        cells = [what + (", %" if scale == 100 else "")]
        for claim in claims:
            row = next((row for row in claim["figures"] if row["what"] == what), None)
            outside = " ✗" if row and row["within"] is False else ""
            cells += [
                f"{scale * row['reported']:.{digits}f}" if row else "–",
                mean_sd(row["ours"], scale, digits) + outside if row else "–",
            ]
        rows.append(tuple(cells))
    columns = [column for claim in claims for column in (f"{claim['name']}, {source}", claim["network"])]
    return Table(
        ("figure", *columns),
        tuple(rows),
        f"What {source} reports, and ours, mean ± sd over seeds. ✗: outside the interval that one more seed of ours would fall into with 95% "
        "probability. Accuracies of the best epoch are chosen on the test set and so optimistic, the source's and ours alike.",
    )


def _protocols(networks: dict[str, dict[str, Any]]) -> Table:
    rows = [
        (
            name,
            mean_sd(found["best_accuracy"], 100, 2),
            ", ".join(map(str, found["best_epoch"])),
            mean_sd(found["last_accuracy"], 100, 2),
            mean_sd(found["optimism"], 100, 3),
            brackets(found["optimism_interval"], digits=3),
        )
        for name, found in networks.items()
    ]
    return Table(
        ("network", "seed protocol, %", "best epoch", "sound protocol, %", "optimism, points", "[95%]"),
        tuple(rows),
        "One training, read twice. Seed protocol: the epoch that is best on the test set (optimistic). "
        "Sound protocol: the last epoch, fixed in advance. Optimism: the difference. Mean ± sd over seeds.",
    )


def _lowest_table(rows: list[dict[str, Any]]) -> Table:
    return Table(
        ("loss", "network", "minus", "difference", "[95%]", "p, corrected"),
        tuple(
            (
                row["way"],
                row["network"],
                row["other"],
                f"{row['difference']:+.4f}".replace("-", "−"),
                brackets(row["interval"], scale=1, digits=4),
                p_cell(row.get("p_corrected")),
            )
            for row in rows
        ),
        "Validation loss, paired over seeds (a seed gives every network the same batches); Holm's correction.",
        words=("network", "minus"),
    )


def _claim_sentences(found: dict[str, Any]) -> list[str]:
    claims, source = found["claims"], found["source"]
    if claims and not all(claim["whole"] for claim in claims):
        return [
            f"Trained for {found['epochs']} epochs, fewer than {source}: only the figures of those epochs can be held against it. "
            "The full study (--full) trains as long as it did."
        ]
    said = []
    for claim in claims:
        known = [row for row in claim["figures"] if row["within"] is not None]
        best = claim["figures"][0]
        sentence = (
            f"{claim['name']}: {source} reports {100 * best['reported']:.2f}%, "
            f"our {claim['network']} reaches {mean_sd(best['ours'], 100, 2)}% read the same way"
        )
        if known:
            missed = [row["what"] for row in known if not row["within"]]
            sentence += (
                f"; {len(known) - len(missed)} of {len(known)} of its figures lie where one more seed of ours would"
            )
            sentence += f", not: {listed(missed)}" if missed else ""
        said.append(sentence + ".")
    return said


def _optimism(networks: dict[str, dict[str, Any]]) -> list[str]:
    values = np.concatenate([found["optimism"] for found in networks.values()])
    return [
        f"Choosing the epoch on the test set adds {points(float(values.mean()), 3)} points to an accuracy on average "
        f"(from {points(float(values.min()), 3)} to {points(float(values.max()), 3)} over {len(values)} runs)."
    ]


def _lowest_sentence(found: dict[str, Any]) -> list[str]:
    rows = [row for row in found["lowest"] if row.get("p_corrected") is not None]
    if not rows:
        return []
    shown = [row for row in rows if row["p_corrected"] < 0.05 and row["difference"] < 0]
    ways = listed([f"{row['way']} against {row['other']}" for row in shown])
    held = f"shown for {len(shown)} of {len(rows)} comparisons" + (f": {ways}" if shown else "")
    return [f"That {rows[0]['network']} has the lowest validation loss, as {found['source']} says of it, is {held}."]
