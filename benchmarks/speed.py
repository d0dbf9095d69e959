"""How long an epoch takes: `make bench`. Writes docs/results/speed-cpu.json.

Every contender lives in a process of its own, warmed up, and takes its turn: one round times each of them once, then
the next round begins, so that whatever else the machine does meets them alike. Reported are medians over rounds, and of
ratios within a round.
"""

import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from benchmarks.result_file import result_file

from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json

RESULT = Path(__file__).parent.parent / "docs" / "results" / "speed-cpu.json"
NETWORKS = ("mlp", "trunk", "stn", "coordconv", "coordconv-stn", "attention")
MEMBERS = (1, 2, 5, 10, 20)
IMAGES, BATCH = 60_000, 64
STEPS = 120
ROUNDS = 5


@dataclass(frozen=True)
class Turn:
    """A contender's process, waiting for its turn."""

    pipe: Connection

    def take(self, steps: int) -> float:
        self.pipe.send(steps)
        return self.pipe.recv()


def main() -> None:
    quick = "--quick" in sys.argv
    if not quick:
        result_file(RESULT)
    rounds, steps = (2, 20) if quick else (ROUNDS, STEPS)
    from benchmarks.contenders import CONTENDERS

    result: dict[str, Any] = {
        "schema": "shiftassay.speed/1",
        "command": "make bench",
        "environment": environment(threads=2).to_json(),
        "protocol": (
            f"batch {BATCH}, SGD 0.01; {rounds} rounds of {steps} steps, contenders in turn; "
            f"seconds for {IMAGES:,} images"
        ),
        "sgemm_gflops": {str(threads): sgemm_rate(threads) for threads in (1, 2)},
        "networks": {},
        "members": {},
    }
    for name in NETWORKS:
        result["networks"][name] = network_result(name, list(CONTENDERS), rounds, steps)
        print(
            name, {c: round(float(np.median(s)), 2) for c, s in result["networks"][name]["seconds"].items()}, flush=True
        )
    for name in ("stn", "mlp"):
        result["members"][name] = members_result(name, rounds, steps)
        print(name, "members", result["members"][name], flush=True)
    if not quick:
        write_json(RESULT, result)
        print(RESULT)


def network_result(name: str, contenders: list[str], rounds: int, steps: int) -> dict[str, Any]:
    """Seconds an epoch of each contender in each round, their peak memory, and the arithmetic of an epoch."""
    with started([(contender, name) for contender in contenders]) as turns:
        seconds: dict[str, list[float]] = {contender: [] for contender in contenders}
        for _ in range(rounds):
            for contender, turn in zip(contenders, turns, strict=True):
                seconds[contender].append(turn.take(steps) * IMAGES / (steps * BATCH))
        memory = [turn.take(0) for turn in turns]
    return {
        "seconds": {contender: [round(s, 3) for s in values] for contender, values in seconds.items()},
        "peak_memory_mib": dict(zip(contenders, memory, strict=True)),
        "gflop_per_epoch": round(arithmetic(name) * IMAGES / 1e9, 1),
    }


def members_result(name: str, rounds: int, steps: int) -> dict[str, dict[str, list[float]]]:
    """Images a second of populations on two cores, and of one member on one core."""
    counts = [("1 on one core", 1, 1), *((f"{count} on two cores", count, 2) for count in MEMBERS)]
    with started([((count, threads), name) for _, count, threads in counts]) as turns:
        rates: dict[str, list[float]] = {label: [] for label, _, _ in counts}
        for _ in range(rounds):
            for (label, count, _), turn in zip(counts, turns, strict=True):
                rates[label].append(round(count * steps * BATCH / turn.take(steps)))
    return {"images_per_second": rates}


@contextmanager
def started(work: list[tuple[Any, str]]) -> Iterator[list[Turn]]:
    """A process for each piece of work, warmed up and waiting."""
    context = get_context("spawn")
    processes, turns = [], []
    for what, name in work:
        here, there = context.Pipe()
        process = context.Process(target=serve, args=(there, what, name))
        process.start()
        there.close()  # so that a process that died ends the wait with EOFError
        assert here.recv() == "ready"
        processes.append(process)
        turns.append(Turn(here))
    try:
        yield turns
    finally:
        for turn, process in zip(turns, processes, strict=True):
            turn.pipe.send(None)
            process.join()


def serve(pipe: Connection, what: Any, name: str) -> None:
    """In the contender's process: time as many steps as are asked for; asked for none, tell the peak memory in MiB."""
    import torch
    from benchmarks.contenders import CONTENDERS, ours

    threads, make = CONTENDERS[what] if isinstance(what, str) else (what[1], lambda name: ours(name, what[0]))
    os.environ["OMP_NUM_THREADS"] = str(threads)  # what our engine heeds; PyTorch has read it already
    torch.set_num_threads(threads)
    run = make(name)
    run(3)
    pipe.send("ready")
    while (steps := pipe.recv()) is not None:
        pipe.send(run(steps) if steps else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def arithmetic(name: str) -> float:
    """Floating-point operations to train on one image, as PyTorch counts them."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from shiftassay.networks.registry import build

    network = build(name, (1, 28, 28), 10, {})
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(BATCH, 1, 28, 28)).sum().backward()
    return counter.get_total_flops() / BATCH


def sgemm_rate(threads: int) -> float:
    """The best of ten square products of 1,536 in float32, in GFLOP/s.

    This is what the machine can do when nothing else runs.
    """
    import torch

    torch.set_num_threads(threads)
    a, b, best = torch.rand(1536, 1536), torch.rand(1536, 1536), float("inf")
    for _ in range(10):
        began = perf_counter()
        torch.mm(a, b)
        best = min(best, perf_counter() - began)
    return round(2 * 1536**3 / best / 1e9, 1)


if __name__ == "__main__":
    main()
