"""`python -m benchmarks.protocol`: seed 003's protocol in plain PyTorch, beside the native path.

The networks, their initialization, the loader and the order of random draws are those of a script after PyTorch's
spatial-transformer tutorial, written with nothing of this project but the digits: each run draws everything from
PyTorch's one generator, and validates in shuffled batches after every epoch. The losses by epoch are compared with
those of the native path (docs/results/spatial-attention.json) and with the means of the published logs.

Each finished run is kept in docs/results/protocol.json; the same command goes on from there.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from benchmarks.result_file import result_file
from scipy.stats import mannwhitneyu, t
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from shiftassay.imagesets.dataset import load_dataset
from shiftassay.runs.environment import environment
from shiftassay.runs.store import write_json

RESULT = Path(__file__).parent.parent / "docs" / "results" / "protocol.json"
NATIVE = RESULT.with_name("spatial-attention.json")
SEEDS, EPOCHS, BATCH = range(1, 6), 60, 64
WINDOWS = ((21, 40), (41, 60))
LOGS = {"stn": (0.0377, 0.0328), "attention-across-batch": (0.0375, 0.0312)}
"""The published logs' mean validation losses over the windows of epochs."""


class Trunk(nn.Module):
    """The tutorial's convolutional network, with dropout where its code has it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def first(self, x: Tensor) -> Tensor:
        return F.relu(F.max_pool2d(self.conv1(x), 2))

    def second(self, x: Tensor) -> Tensor:
        return F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))

    def classified(self, x: Tensor) -> Tensor:
        x = F.dropout(F.relu(self.fc1(x.view(-1, 320))), training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class SpatialTransformer(Trunk):
    """The tutorial's network: the trunk behind a spatial transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.localization = nn.Sequential(
            nn.Conv2d(1, 8, kernel_size=7),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
            nn.Conv2d(8, 10, kernel_size=5),
            nn.MaxPool2d(2, stride=2),
            nn.ReLU(True),
        )
        hidden, last = nn.Linear(10 * 3 * 3, 32), nn.Linear(32, 3 * 2)
        self.fc_loc = nn.Sequential(hidden, nn.ReLU(True), last)
        last.weight.data.zero_()
        last.bias.data.copy_(torch.tensor([1, 0, 0, 0, 1, 0], dtype=torch.float))

    def forward(self, x: Tensor) -> Tensor:
        theta = self.fc_loc(self.localization(x).view(-1, 10 * 3 * 3)).view(-1, 2, 3)
        x = F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False)
        return self.classified(self.second(self.first(x)))


class AcrossBatch(nn.Module):
    """x + MHA(Qx, Kx, Vx) with PyTorch's default layout, so that it attends from image to image of a batch."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(channels, channels, bias=False) for _ in range(3))
        self.attention = nn.MultiheadAttention(channels, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        attended, _ = self.attention(self.query(tokens), self.key(tokens), self.value(tokens), need_weights=False)
        return (tokens + attended).transpose(1, 2).reshape(x.shape)


class Attending(Trunk):
    """The trunk with attention after each convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.attention1, self.attention2 = AcrossBatch(10), AcrossBatch(20)

    def forward(self, x: Tensor) -> Tensor:
        return self.classified(self.attention2(self.second(self.attention1(self.first(x)))))


NETWORKS: dict[str, type[nn.Module]] = {"stn": SpatialTransformer, "attention-across-batch": Attending}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    workers = parser.parse_args().workers
    result_file(RESULT)
    runs: list[dict] = json.loads(RESULT.read_text())["runs"] if RESULT.exists() else []
    finished = {(run["network"], run["seed"]) for run in runs}
    missing = [(name, seed) for seed in SEEDS for name in NETWORKS if (name, seed) not in finished]
    with ProcessPoolExecutor(workers) as pool:
        for future in as_completed([pool.submit(trained, *asked) for asked in missing]):
            run = future.result()
            runs = sorted([*runs, run], key=lambda run: (run["network"], run["seed"]))
            write_json(
                RESULT,
                {
                    "schema": "shiftassay.protocol/1",
                    "command": "python -m benchmarks.protocol",
                    "epochs": EPOCHS,
                    "runs": runs,
                    "comparisons": [compared(name, runs, i) for name in NETWORKS for i in range(len(WINDOWS))],
                },
            )
            print(run["network"], "seed", run["seed"], len(runs), "of", len(SEEDS) * len(NETWORKS), flush=True)


def trained(name: str, seed: int) -> dict:
    """A network trained as the script does: its validation losses and numbers of right answers by epoch."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    train_set, test_set = digits()
    train, test = DataLoader(train_set, BATCH, shuffle=True), DataLoader(test_set, BATCH, shuffle=True)
    network = NETWORKS[name]()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    losses, right = [], []
    for _ in range(EPOCHS):
        network.train()
        for images, labels in train:
            optimizer.zero_grad()
            F.nll_loss(network(images), labels).backward()
            optimizer.step()
        network.eval()
        total, number = 0.0, 0
        with torch.no_grad():
            for images, labels in test:
                answers = network(images)
                total += float(F.nll_loss(answers, labels, reduction="sum"))
                number += int((answers.argmax(1) == labels).sum())
        losses.append(round(total / len(test_set), 6))
        right.append(number)
    made = environment(threads=1).to_json()
    return {"network": name, "seed": seed, "environment": made, "losses": losses, "right": right}


def digits() -> tuple[TensorDataset, TensorDataset]:
    """The training and the test set, normalized as the script does."""
    mnist = load_dataset("mnist")
    sets = []
    for side in (mnist.train, mnist.test):
        assert side.labels is not None
        images = (torch.from_numpy(np.array(side.images)) - 0.1307) / 0.3081
        sets.append(TensorDataset(images, torch.from_numpy(np.array(side.labels))))
    return sets[0], sets[1]


def compared(name: str, runs: list[dict], window: int) -> dict | None:
    """Mean losses of both paths over a window of epochs, tested against each other, and the log beside all of them.

    Between the paths: Mann and Whitney's exact test over seeds. The log: a prediction interval of one more run, by
    Student's t over the seeds of both paths. None until every seed is trained.
    """
    low, high = WINDOWS[window]
    ours = [np.mean(run["losses"][low - 1 : high]) for run in runs if run["network"] == name]
    if len(ours) < len(SEEDS):
        return None
    curves = json.loads(NATIVE.read_text())["sections"]["reproduction"]["networks"][name]["losses"]
    native = [np.mean(curve[low - 1 : high]) for curve in curves]
    both, log = np.array([*ours, *native]), LOGS[name][window]
    error = both.std(ddof=1) * np.sqrt(1 + 1 / len(both))
    half = t.ppf(0.975, len(both) - 1) * error
    return {
        "network": name,
        "epochs": [low, high],
        "plain": [round(float(loss), 5) for loss in ours],
        "native": [round(float(loss), 5) for loss in native],
        "p_value": float(mannwhitneyu(ours, native, method="exact").pvalue),
        "log": log,
        "predicted": [float(both.mean() - half), float(both.mean() + half)],
        "p_value_of_log": float(2 * t.sf(abs(log - both.mean()) / error, len(both) - 1)),
    }


if __name__ == "__main__":
    main()
