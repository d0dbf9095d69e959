"""How soon the playground answers a change: `make playground`. Writes docs/results/playground.json.

Its server is asked as its page asks it, with every shift that the page offers, at several values of one slider.
Three networks answer, one with each kind of view. They are not trained: the cost does not depend on weights.
"""

import base64
import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from urllib.parse import urlsplit

import numpy as np
import torch
from benchmarks.result_file import result_file

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.models.classifier import Classifier, ModelCard
from shiftassay.play.controls import FamilyControls
from shiftassay.play.playground import Playground
from shiftassay.play.serve import HOST, server_on
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json

RESULT = Path(__file__).parent.parent / "docs" / "results" / "playground.json"
NETWORKS = ("mlp", "stn", "attention")
POSITIONS = 9  # of a slider
WARM = 3  # answers that are not counted


def main() -> None:
    result_file(RESULT)
    torch.set_num_threads(1)
    digits = load_dataset("mnist").test
    playground = Playground(digits, {name: _untrained(name) for name in NETWORKS})
    picture = base64.b64encode(np.rint(digits.images[0] * 255).astype(np.uint8).tobytes()).decode()
    with served(playground) as address:
        took = {name: _took(address, picture, family) for name, family in playground.families.items()}
    write_json(
        RESULT,
        {
            "schema": "shiftassay.playground/1",
            "command": "make playground",
            "environment": environment().to_json(),
            "load": list(os.getloadavg()),
            "networks": list(NETWORKS),
            "milliseconds": {name: wall for name, (wall, _) in took.items()},
            "processor_milliseconds": {name: processor for name, (_, processor) in took.items()},
        },
    )
    for kind, times in enumerate(("wall", "processor")):
        of_all = np.concatenate([np.array(one[kind]) for one in took.values()])
        print(f"{times}: median {np.median(of_all):.0f} ms, 95% within {np.quantile(of_all, 0.95):.0f} ms")


@contextmanager
def served(playground: Playground) -> Iterator[str]:
    """The address of the playground's page, served by a thread of this process."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        server, address = server_on(listening, playground)
        listening.listen()
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join(timeout=20)
        assert not thread.is_alive(), urlsplit(address).port


def _untrained(network: str) -> Classifier:
    return Classifier.from_card(ModelCard(network, {}, (1, 28, 28), 10, 0.13, 0.31, 0, "", "")).eval()


def _took(address: str, picture: str, family: FamilyControls) -> tuple[list[float], list[float]]:
    """Milliseconds of each answer, on the wall and of all processors, of server and client together."""
    split = urlsplit(address)
    connection = http.client.HTTPConnection(split.hostname or "", split.port)
    headers = {"Origin": f"http://{split.netloc}", "Content-Type": "application/json"}
    wall, processor = [], []
    for number, parameters in enumerate(_positions(family)):
        shifts = [{"family": family.family, "parameters": parameters}]
        body = json.dumps({"picture": picture, "shifts": shifts, "seed": number})
        began, used = perf_counter(), process_time()
        connection.request("POST", split.path + "answers", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:  # a value that this family does not take, such as an even size
            continue
        assert len(json.loads(content)["answers"]) == len(NETWORKS)
        if number >= WARM:
            wall.append(round(1000 * (perf_counter() - began), 2))
            processor.append(round(1000 * (process_time() - used), 2))
    return wall, processor


def _positions(family: FamilyControls) -> list[dict[str, float]]:
    """Values of the first slider from one end to the other, after the example's; the example's alone without one."""
    slider = next((one for one in family.controls if one.kind in ("number", "whole")), None)
    if slider is None:
        return [{}] * (WARM + POSITIONS)
    values = np.linspace(slider.low, slider.high, POSITIONS)
    return [{}] * WARM + [{slider.name: float(round(v) if slider.kind == "whole" else v)} for v in values]


if __name__ == "__main__":
    main()
