"""How long whole trainings take on one GPU: `make bench-gpu`. Writes docs/results/speed-gpu.json.

Ours is timed over all epochs, start-up and capture included; eager PyTorch on the same GPU over a few epochs, scaled.
"""

import sys
from pathlib import Path
from time import perf_counter

import torch
from benchmarks.contenders import RECIPE, network_and_data
from benchmarks.result_file import result_file

from shiftassay.errors import BadInput
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json
from shiftassay.training.path import make_groups
from shiftassay.training.plain import PlainMember
from shiftassay.training.train import resolve_device

RESULT = Path(__file__).parent.parent / "docs" / "results" / "speed-gpu.json"
TRAININGS = (("stn", 300, 1), ("stn", 300, 10), ("mlp", 20, 10), ("attention", 300, 1))
EAGER_EPOCHS = 2


def main() -> int:
    result_file(RESULT)
    try:
        resolve_device("cuda")
    except BadInput as error:
        print(f"bench-gpu: {error}", file=sys.stderr)
        return 2
    rows = []
    for name, epochs, members in TRAININGS:
        data = network_and_data(name)[1]
        began = perf_counter()
        networks = [network_and_data(name)[0] for _ in range(members)]
        groups = make_groups(networks, RECIPE, data, range(members), "cuda")
        for epoch in range(epochs):
            for group in groups:
                group.train_steps(epoch, 0, group.steps)
        torch.cuda.synchronize()
        ours = perf_counter() - began
        rows.append(
            {
                "network": name,
                "epochs": epochs,
                "members": members,
                "seconds": round(ours, 2),
                "eager_seconds": round(eager(name) * epochs * members / EAGER_EPOCHS, 1),
                "peak_memory_mib": torch.cuda.max_memory_allocated() // 2**20,
            }
        )
        print(rows[-1], flush=True)
        torch.cuda.reset_peak_memory_stats()
    made = {**environment("cuda").to_json(), "gpu": torch.cuda.get_device_name()}
    write_json(
        RESULT,
        {"schema": "shiftassay.speed-gpu/1", "command": "make bench-gpu", "environment": made, "trainings": rows},
    )
    print(RESULT)
    return 0


def eager(name: str) -> float:
    """Seconds of a few epochs of one member in eager PyTorch, after a warm-up epoch."""
    network, data = network_and_data(name)
    member = PlainMember(network, RECIPE, data, 0, "cuda")
    member.train_steps(0, 0, member.steps)
    torch.cuda.synchronize()
    began = perf_counter()
    for epoch in range(EAGER_EPOCHS):
        member.train_steps(epoch + 1, 0, member.steps)
    torch.cuda.synchronize()
    return perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
