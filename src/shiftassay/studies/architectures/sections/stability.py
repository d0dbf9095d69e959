"""Finding 3: what is stable? How often and how far the loss jumps from epoch to epoch, for whom, and what mends it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.statistics.corrections import holm
from shiftassay.statistics.intervals import Interval
from shiftassay.statistics.seeds import difference_over_seeds, paired_over_seeds, welch
from shiftassay.studies.architectures.lab import Lab, Members, attends, settled, transforms, validation_losses
from shiftassay.training.train import Trained
from shiftassay.words.lists import listed
from shiftassay.words.numbers import mean_sd, p_cell

KEY, TITLE, VERSION, PLACE = "stability", "What is stable?", 2, 30
TINY = 1e-12  # where a loss never moves
FEWEST = 4  # epochs, for there to be jumps between settled ones
SPIKE = 1.5  # times the median loss of the settled epochs


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    groups: dict[str, Sequence[Trained]] = dict(members)
    for ablation in lab.study.ablations:
        groups[ablation.name] = lab.train(
            ablation.network,
            range(lab.study.seeds),
            parameters=ablation.parameters,
            recipe=lab.recipe(**ablation.recipe),
            what=ablation.name,
        )
    networks = {name: _jumps([validation_losses(member) for member in group]) for name, group in groups.items()}
    return {
        "epochs": len(next(iter(members.values()))[0].metrics),
        "control": lab.study.control,
        "networks": networks,
        "ablations": {ablation.name: ablation.network for ablation in lab.study.ablations},
        "against_control": _against(lab.study.control, {name: networks[name] for name in members}),
        "contrasts": _contrasts(members, networks),
        "mended": _mended({ablation.name: ablation.network for ablation in lab.study.ablations}, networks),
        "accuracies": {
            name: [member.metrics[-1].validation_accuracy for member in group] for name, group in groups.items()
        },
    }


def finding(found: dict[str, Any]) -> Finding:
    if found["epochs"] < FEWEST:
        return Finding(KEY, TITLE, (f"{found['epochs']} epochs are too few to speak of jumps between them.",))
    figure = Figure(
        "groups",
        {
            "names": list(found["networks"]),
            "values": [network["rms"] for network in found["networks"].values()],
            "claimed": [None] * len(found["networks"]),
            "scale": 1,
            "log": True,
            "label": "root mean square jump of the loss from epoch to epoch",
        },
        "Instability of every seed (bars) and its geometric mean with 95% interval (blue), over the settled epochs.",
    )
    return Finding(KEY, TITLE, tuple(_sentences(found)), (_table(found),), (figure,), found)


def _jumps(losses: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Over the settled epochs of each seed: the size of jumps |L(t) − L(t − 1)|, and the share of epochs that are spikes."""
    rows: dict[str, list[float]] = {"rms": [], "median": [], "largest": [], "spikes": []}
    for loss in losses:
        late = np.array(loss)[settled(len(loss))]
        jumps = np.abs(np.diff(np.array(loss)))[max(0, len(loss) - len(late) - 1) :]
        jumps = jumps if len(jumps) else np.zeros(1)
        rows["rms"].append(float(np.sqrt((jumps**2).mean())))
        rows["median"].append(float(np.median(jumps)))
        rows["largest"].append(float(jumps.max()))
        rows["spikes"].append(float((late > SPIKE * np.median(late)).mean()))
    return rows


def _against(control: str, networks: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """How many times as unstable as the control each network is: ratios of rms jumps, tested on their logarithms over seeds."""
    logs = {name: np.log(np.array(network["rms"]) + TINY) for name, network in networks.items()}
    rows = [
        _ratio(name, control, difference_over_seeds(logs[name], logs[control]), welch(logs[name], logs[control]), logs)
        for name in networks
        if name != control
    ]
    return _corrected(rows)


def _contrasts(members: Members, networks: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs with a module against runs without: a transformer among all, attention among those without a transformer."""
    nets = {name: group[0].model.network for name, group in members.items()}
    transformed = {name: transforms(network) for name, network in nets.items()}
    attending = {name: attends(network) for name, network in nets.items() if not transformed[name]}
    rows = []
    for what, having in (("a transformer", transformed), ("attention", attending)):
        logs = {
            kind: np.log(
                np.concatenate([networks[name]["rms"] for name, has in having.items() if has == kind] or [[]]) + TINY
            )
            for kind in (True, False)
        }
        if len(logs[True]) and len(logs[False]):
            found = {"with": logs[True], "without": logs[False]}
            tested = difference_over_seeds(logs[True], logs[False]), welch(logs[True], logs[False])
            rows.append({**_ratio("with", "without", *tested, found), "what": what})
    return _corrected(rows)


def _mended(ablations: dict[str, str], networks: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The same for each ablation against the network that it changes, paired: seeds give both the same start and batches."""
    logs = {name: np.log(np.array(network["rms"]) + TINY) for name, network in networks.items()}
    rows = []
    for name, network in ablations.items():
        tested = paired_over_seeds(logs[name], logs[network])
        rows.append(_ratio(name, network, tested and tested[0], tested and tested[1], logs))
    return _corrected(rows)


def _ratio(
    name: str, control: str, difference: Interval | None, p: float | None, logs: dict[str, np.ndarray]
) -> dict[str, Any]:
    return {
        "network": name,
        "control": control,
        "ratio": float(np.exp(logs[name].mean() - logs[control].mean())),
        "interval": [float(np.exp(difference.low)), float(np.exp(difference.high))] if difference else None,
        "p": p,
    }


def _corrected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [row["p"] for row in rows]
    for row, corrected in zip(rows, holm(known) if None not in known else known, strict=True):
        row["p_corrected"] = corrected
    return rows


def _table(found: dict[str, Any]) -> Table:
    ratios = {row["network"]: row for row in [*found["against_control"], *found["mended"]]}
    rows = []
    for name, network in found["networks"].items():
        against = ratios.get(name)
        rows.append(
            (
                name,
                mean_sd(network["rms"], 1, 4),
                mean_sd(network["median"], 1, 4),
                f"{max(network['largest']):.3f}",
                f"{100 * float(np.mean(network['spikes'])):.1f}%",
                "–"
                if against is None
                else f"{against['ratio']:.1f} × {against['control']}{_range(against['interval'])}",
                "–" if against is None else p_cell(against["p_corrected"]),
                mean_sd(found["accuracies"][name], 100, 2),
            )
        )
    return Table(
        ("network", "rms jump", "median jump", "largest", "spikes", "instability [95%]", "p, corrected", "last accuracy, %"),
        tuple(rows),
        f"Jumps of the loss on the test set between epochs, over the last two thirds of {found['epochs']} epochs; a spike is an epoch "
        f"whose loss is above {SPIKE:g} times their median. Instability is the ratio of rms jumps, geometric mean over seeds; "
        "an ablation's is against the network that it changes.",
        words=("instability [95%]",),
    )  # fmt: skip


def _range(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.1f}, {interval[1]:.1f}]"


def _sentences(found: dict[str, Any]) -> list[str]:
    rows = found["against_control"]
    ratios = {row["network"]: f"{row['ratio']:.1f}{_range(row['interval'])}" for row in rows}
    if any(row["p_corrected"] is None for row in rows):
        return [
            f"Jumps of the loss, in times those of {found['control']}: "
            + ", ".join(f"{name} {ratio}" for name, ratio in ratios.items())
            + ". Of one seed each, nothing is shown."
        ]
    shown = [row for row in rows if row["p_corrected"] < 0.05]
    shaking = [row["network"] for row in shown if row["ratio"] > 1]
    steadier = [row["network"] for row in shown if row["ratio"] < 1]
    others = [row["network"] for row in rows if row not in shown]
    said = _contrast_sentences(found["contrasts"])
    said += [
        f"Against {found['control']}, {what} {listed([f'{name}, whose loss jumps {ratios[name]} times as far' for name in names])}."
        for names, what in ((shaking, "these shake:"), (steadier, "these are steadier:"))
        if names
    ]
    if others:
        said.append(
            f"No difference from {found['control']} is shown for {listed([f'{name} ({ratios[name]})' for name in others])}."
        )
    for row in found["mended"]:
        shown_here = row["p_corrected"] is not None and row["p_corrected"] < 0.05
        said.append(
            f"{row['network']}: {row['ratio']:.2f} times the jumps of {row['control']}{_range(row['interval'])}"
            + (f", p {p_cell(row['p_corrected'])}." if shown_here else "; a difference is not shown.")
        )
    return said


def _contrast_sentences(contrasts: list[dict[str, Any]]) -> list[str]:
    """Does the one module shake, or does the other steady? All runs of either kind together."""
    said, shown = [], {}
    for row in contrasts:
        p = row["p_corrected"]
        shown[row["what"]] = None if p is None or p >= 0.05 else "shakes" if row["ratio"] > 1 else "steadies"
        among = ", among those without a transformer," if row["what"] == "attention" else ""
        said.append(
            f"runs with {row['what']}{among} jump {row['ratio']:.1f}{_range(row['interval'])} times as far as those without"
            + ("" if p is None else f" (p {p_cell(p)})")
        )
    if not said:
        return []
    verdicts = [f"{what} {does}" for what, does in shown.items() if does]
    silent = [what for what, does in shown.items() if not does]
    verdict = ", ".join(verdicts) + (", and " if verdicts and silent else "")
    verdict += f"of {listed(silent)} nothing is shown" if silent else ""
    text = f"{'; '.join(said)}: {verdict}."
    return [text[0].upper() + text[1:]]
