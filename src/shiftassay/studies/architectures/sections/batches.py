"""Finding 5: does the answer to an image depend on the images beside it?"""

from typing import Any

from shiftassay.evaluation.audit import audit
from shiftassay.report.finding import Figure, Finding, Table
from shiftassay.studies.architectures.lab import Lab, Members
from shiftassay.words.lists import listed
from shiftassay.words.numbers import mean_sd
from shiftassay.words.terminal import spoken

KEY, TITLE, VERSION, PLACE = "batches", "Batch audit", 1, 60


def measure(lab: Lab, members: Members) -> dict[str, Any]:
    networks, images = {}, lab.dataset.test.first(lab.study.audit_images)
    for name, group in members.items():
        lab.console.print(spoken(f"{name}: showing the test set in batches of many kinds"))
        networks[name] = [
            audit(images, model=member.model, single_images=len(images))["batch"].numbers for member in group
        ]
    return {"networks": networks}


def finding(found: dict[str, Any]) -> Finding:
    ways = [_way(way).removeprefix("in batches of ") for way in next(iter(found["networks"].values()))[0]["shown"]]
    rows, matrix, changed = [], [], []
    for name, audits in found["networks"].items():
        by_way = list(zip(*(audited["shown"] for audited in audits), strict=True))
        accuracy = [[seed["accuracy"] for seed in seeds if seed["not_measured"] is None] for seeds in by_way]
        rows.append((name, *(mean_sd(values, 100, 2) if values else "not measured" for values in accuracy)))
        matrix.append([sum(values) / len(values) if values else None for values in accuracy])
        changed.append([max(seed["changed"] for seed in seeds) for seeds in by_way])
    return Finding(
        KEY,
        TITLE,
        tuple(_sentences(found)),
        (
            Table(
                ("network", *ways),
                tuple(rows),
                "Accuracy, %, of the model after its last epoch when the same test images are shown in different batches; mean ± sd over "
                "seeds.",
            ),
        ),
        (
            Figure(
                "matrix",
                {"rows": list(found["networks"]), "columns": ways, "values": matrix, "scale": 100, "format": ".2f"},
                "Accuracy, %, by how the test images are shown. A network that answers each image by itself has one number in its row.",
            ),
        ),
        found,
    )  # fmt: skip


def _sentences(found: dict[str, Any]) -> list[str]:
    alone, mixing = [], []
    for name, audits in found["networks"].items():
        shown = [way for audited in audits for way in audited["shown"] if way["not_measured"] is None]
        largest = max(way["largest"] for way in shown)
        (alone if largest <= max(audited["tolerance"] for audited in audits) else mixing).append((name, audits))
    said = []
    for name, audits in mixing:
        seeds = list(zip(*(audited["shown"] for audited in audits), strict=True))
        worst = max(seeds, key=lambda ways: max(way["changed"] / way["images"] for way in ways))
        said.append(
            f"{name}: an image's answer depends on its neighbours. Shown {_way(worst[0])}, up to "
            f"{max(way['changed'] for way in worst):,} of {worst[0]['images']:,} labels change against shuffled batches of 64, and accuracy is "
            f"{mean_sd([way['accuracy'] for way in worst], 100, 2)}% instead of {mean_sd([way['reference_accuracy'] for way in worst], 100, 2)}% "
            "on the same images. Everywhere else in this report it is shown shuffled batches of 64, as its source shows them."
        )
    if alone:
        said.append(
            f"{listed([name for name, _ in alone])}: each image is answered by itself, whatever stands beside it in its batch."
        )
    return said


def _way(way: dict[str, Any]) -> str:
    return "one at a time" if way["order"] == "alone" else f"in batches of {way['batch']:,}, {way['order']}"
