"""Finding 4: what every network's parameters are, which of them are dead, and what the source's counts are."""

from typing import Any

import torch
from torch import nn

from shiftassay.evaluation.audit import audit
from shiftassay.evaluation.gradients import ParameterCounts
from shiftassay.networks.coordconv import CoordConv2d
from shiftassay.networks.registry import build
from shiftassay.report.finding import Finding, Table
from shiftassay.studies.architectures.lab import Lab, Members

KEY, TITLE, VERSION, PLACE = "parameters", "Parameter audit", 1, 50
IMAGES = 512


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    shape, classes = lab.dataset.train.shape, lab.dataset.classes
    networks = {}
    for name in lab.study.networks:
        model = members[name][0].model
        parts: dict[str, int] = {}
        for key, tensor in model.network.named_parameters():
            part = key.split(".")[0]
            parts[part] = parts.get(part, 0) + tensor.numel()
        audited = audit(lab.dataset.test.first(IMAGES), model=model, largest_batch=1, single_images=1)
        counts = ParameterCounts.from_json(audited["parameters"].numbers)
        dead = {**counts.unused, **counts.silent}
        with torch.random.fork_rng(devices=[]):
            shadows = _shadows(build(name, shape, classes, {}))
        networks[name] = {"total": sum(parts.values()), "parts": parts, "dead": dead, "shadows": shadows}
    return {
        "networks": networks,
        "claims": {claim.network: claim.parameters for claim in lab.study.claims if claim.network in networks},
        "source": lab.study.source,
    }


def finding(found: dict[str, Any]) -> Finding:
    rows = []
    for name, network in found["networks"].items():
        dead = sum(network["dead"].values())
        claimed = found["claims"].get(name)
        rows.append(
            (
                name,
                f"{network['total']:,}",
                f"{network['total'] - dead:,}",
                f"{dead:,}",
                "–" if claimed is None else f"{claimed:,}",
                ", ".join(f"{part} {count:,}" for part, count in network["parts"].items()),
            )
        )
    return Finding(
        KEY,
        TITLE,
        tuple(_sentences(found)),
        (
            Table(
                ("network", "parameters", "in use", "dead", found["source"], "where they are"),
                tuple(rows),
                "Dead: no gradient reaches them. Each network is asked, with every image and draw of dropout that the audit takes.",
                words=("where they are",),
            ),
        ),
        numbers=found,
    )


def _shadows(network: nn.Module) -> int:
    """The parameters of the ordinary convolutions that CoordConv layers hold in an implementation that derives from `nn.Conv2d`."""
    layers = [module.conv for module in network.modules() if isinstance(module, CoordConv2d)]
    extra = [2 + m.coordinates.radius for m in network.modules() if isinstance(m, CoordConv2d)]
    return sum(
        (c.in_channels - more) * c.out_channels * c.kernel_size[0] * c.kernel_size[1] + c.out_channels
        for c, more in zip(layers, extra, strict=True)
    )


def _sentences(found: dict[str, Any]) -> list[str]:
    said = [
        "Parameters in use: "
        + ", ".join(f"{n} {net['total'] - sum(net['dead'].values()):,}" for n, net in found["networks"].items())
        + "."
    ]
    for name, network in found["networks"].items():
        claimed, total = found["claims"].get(name), network["total"]
        in_use, with_shadows = total - sum(network["dead"].values()), total + network["shadows"]
        if claimed is None:
            continue
        if claimed == in_use:
            said.append(f"{name}: {in_use:,} parameters, as {found['source']} says.")
            continue
        sentence = f"{name}: {in_use:,} parameters in use; {found['source']} says {claimed:,}."
        if network["shadows"]:
            counted = f"{with_shadows:,} in all"
            if claimed == with_shadows:
                counted = "which is what it counts"
            elif _swapped(claimed, with_shadows):
                counted += f", and {claimed:,} is that number with two digits changing places"
            sentence += (
                " An implementation that derives CoordConv from an ordinary convolution, as its reference does, also holds that "
                "convolution's own weights, which are made, saved and never used: "
                f"{network['shadows']:,} dead parameters, {counted}."
            )
        said.append(sentence)
    dead = {name: sum(n["dead"].values()) for name, n in found["networks"].items() if n["dead"]}
    said.append(
        "No parameter of any network here is dead."
        if not dead
        else "Dead here: " + ", ".join(f"{count:,} of {name}" for name, count in dead.items()) + "."
    )
    smallest = min(found["networks"], key=lambda name: found["networks"][name]["total"])
    said.append(f"The smallest network is {smallest} with {found['networks'][smallest]['total']:,} parameters.")
    return said


def _swapped(number: int, other: int) -> bool:
    """Whether two digits have changed places."""
    digits, others = str(number), str(other)
    return sorted(digits) == sorted(others) and sum(a != b for a, b in zip(digits, others, strict=True)) == 2
