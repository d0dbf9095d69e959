"""A diagnosis with a model is the same bit for bit on one core and on two, with whatever number of threads."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from shiftassay.imagesets.image_set import ImageSet
from shiftassay.shifts.catalog import shift
from shiftassay.training.train import train

ONE, TWO = {"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2"}


@pytest.fixture(scope="module")
def folder(mnist, small, tmp_path_factory):
    place = tmp_path_factory.mktemp("cores")
    trained = train("mlp", small, recipe="seed-003", epochs=4, parameters={"widths": [64]}, store=place)
    trained[0].folder.rename(place / "model")
    clean = ImageSet(mnist.test.images[:300], mnist.test.labels[:300])
    for name, spec in (("noisy", "gaussian_noise:sd=0.25"), ("turned", "rotate:angle=30")):
        np.savez(place / f"{name}.npz", images=shift(clean, spec, 1).images, labels=clean.labels)
    np.savez(place / "clean.npz", images=clean.images, labels=clean.labels)
    np.savez(place / "others.npz", images=mnist.test.images[300:600], labels=mnist.test.labels[300:600])
    return place


MORE = (("clean", "turned"), ("others", "turned"))


@pytest.mark.torture
@pytest.mark.parametrize(
    ("reference", "shifted"), [("clean", "noisy"), *(pytest.param(*sets, marks=pytest.mark.torture) for sets in MORE)]
)
def test_cores_and_threads_change_no_bit_of_a_diagnosis(reference, shifted, folder):
    one, two = (_diagnosed(folder, reference, shifted, threads) for threads in (ONE, TWO))
    assert one["mechanisms" if reference == "clean" else "evaluations"]
    assert one == two


def _diagnosed(folder, reference, shifted, threads):
    """What the command writes, but for what it says of the machine; with one thread, on one core."""
    arguments = ["diagnose", f"{reference}.npz", f"{shifted}.npz", "--model", "model", "--train", "mnist"]
    command = [sys.executable, "-m", "shiftassay.cli", *arguments, "--json", "d.json"]
    core = {min(os.sched_getaffinity(0))}
    result = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        preexec_fn=(lambda: os.sched_setaffinity(0, core)) if threads is ONE else None,
    )
    assert result.returncode == 0, result.stderr
    content = json.loads((folder / "d.json").read_text())
    assert set(content.pop("environment")) == {"seconds"}
    assert "seconds" not in json.dumps(content)
    return content
