"""Finding 9: what accuracy costs: parameters, arithmetic, time, memory, latency."""

import os
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from shiftassay.execution.threads import one_thread_each
from shiftassay.models.classifier import Classifier
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.lab import Lab, Members, last_right
from shiftassay.training.engine import split, whole_epoch
from shiftassay.training.path import make_groups
from shiftassay.training.train import initial_network

KEY, TITLE, VERSION, PLACE = "costs", "Cost", 2, 110
ROUNDS = 5
IMAGES = 6_400
CALLS = 200


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    part = lab.dataset.train.first(IMAGES)
    data = split(part, 0, lab.dataset.classes)
    groups, seconds = {}, {name: [] for name in members}
    latency: dict[str, list[float]] = {name: [] for name in members}
    for name, group in members.items():
        network = initial_network(group[0].trial, lab.dataset.train.shape, lab.dataset.classes)
        [groups[name]] = make_groups([network], lab.recipe(), data, [0], "cpu")
    batch = torch.from_numpy(lab.dataset.train.images[: lab.recipe().batch_size])
    one = batch[:1]
    with one_thread_each():
        for group in groups.values():
            whole_epoch(group, 0)
        for epoch in range(1, ROUNDS + 1):  # interleaved, so that a busy moment hits all alike
            for name, group in groups.items():
                began = perf_counter()
                whole_epoch(group, epoch)
                seconds[name].append((perf_counter() - began) * len(lab.dataset.train) / len(part))
                latency[name].append(_latency(members[name][0].model, one))
    return {
        "networks": {
            name: {
                "parameters": sum(weights.numel() for weights in group[0].model.network.parameters()),
                "flops": _flops(group[0].model, batch),
                "saved_bytes": _saved(group[0].model, lab),
                "path": type(groups[name].members[0]).__name__,
                "accuracy": last_right(group, lab.labels).mean(1).tolist(),
            }
            for name, group in members.items()
        },
        "environment": {
            "seconds_an_epoch": seconds,
            "latency": latency,
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        },
        "batch": len(batch),
    }


def finding(found: dict[str, Any]) -> Finding:
    networks = found["networks"]
    rows = tuple(
        (
            name,
            f"{row['parameters']:,}",
            f"{row['flops'] / 1e6:.2f}",
            f"{row['saved_bytes'] / 1e6:.1f}",
            f"{100 * float(np.mean(row['accuracy'])):.2f}",
        )
        for name, row in networks.items()
    )
    took = found["environment"]
    times = tuple(
        (name, _median_range(took["seconds_an_epoch"][name], 1, 2), _median_range(took["latency"][name], 1e3, 2))
        for name in networks
    )
    best = max(networks, key=lambda name: float(np.mean(networks[name]["accuracy"])))
    cheapest = min(networks, key=lambda name: networks[name]["flops"])
    said = [
        f"{cheapest} takes the least arithmetic, {networks[cheapest]['flops'] / 1e6:.2f} million operations an image, and reaches "
        f"{100 * float(np.mean(networks[cheapest]['accuracy'])):.2f}%; the highest mean, {100 * float(np.mean(networks[best]['accuracy'])):.2f}%, "
        f"is that of {best} with {networks[best]['flops'] / networks[cheapest]['flops']:.1f} times as much. Whether that is a difference at all "
        "stands under accuracies."
    ]
    busy = (
        f" The machine was busy with other work (load {took['load']:.1f}) meanwhile: read them as ratios."
        if (took["load"] or 0) > 1.5
        else ""
    )
    return Finding(
        KEY,
        TITLE,
        tuple(said),
        (
            Table(
                (
                    "network",
                    "parameters",
                    "million operations an image",
                    "MB kept for a step",
                    "accuracy, %",
                ),
                rows,
                "Operations: multiplications and additions of convolutions, matrix products and attention, forward, an image of a batch (sampling and "
                f"pooling are not counted). MB: what eager PyTorch keeps for the backward pass of a batch of {found['batch']}.",
            ),
        ),
        (
            Figure(
                "cost",
                {
                    "names": list(networks),
                    "flops": [row["flops"] / 1e6 for row in networks.values()],
                    "accuracy": [[100 * value for value in row["accuracy"]] for row in networks.values()],
                },
                "Accuracy after the last epoch against arithmetic; small marks are seeds.",
            ),
        ),
        found,
        (
            Table(
                ("network", "seconds an epoch", "ms for one image"),
                times,
                f"On one core: an epoch of training, and one image through eager PyTorch; median of {ROUNDS} interleaved rounds with their "
                f"range.{busy}",
            ),
        ),
    )


def _median_range(values: list[float], scale: int | float, digits: int) -> str:
    return f"{scale * float(np.median(values)):.{digits}f} [{scale * min(values):.{digits}f}, {scale * max(values):.{digits}f}]"


def _flops(model: Classifier, images: torch.Tensor) -> float:
    """Operations an image in a batch of these, attention spelled out so that it is counted."""
    model.train()  # in evaluation mode attention takes a fused path
    counter = FlopCounterMode(display=False)
    with torch.random.fork_rng(devices=[]), sdpa_kernel(SDPBackend.MATH), torch.no_grad(), counter:
        model(images)
    model.eval()
    return counter.get_total_flops() / len(images)


def _saved(model: Classifier, lab: Lab) -> int:
    """The bytes that a training step's forward pass keeps for its backward pass, weights left out."""
    part = lab.dataset.train.first(lab.recipe().batch_size)
    images, labels = torch.from_numpy(part.images), torch.from_numpy(np.asarray(part.labels))
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.random.fork_rng(devices=[]), saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = F.cross_entropy(model.train()(images), labels)
    model.eval()
    del loss
    return sum(kept.values())


def _latency(model: Classifier, one: torch.Tensor) -> float:
    """Seconds for one image: the median of many calls."""
    times = []
    with torch.inference_mode():
        for _ in range(CALLS):
            began = perf_counter()
            model(one)
            times.append(perf_counter() - began)
    return float(np.median(times))
