"""Shiftassay: name the shift, prove it, repair it.

The library is what lies behind the command line: `shiftassay.evaluate` is `shiftassay evaluate`, on arrays and
any `nn.Module`. Names are loaded when first used, so that importing the package costs nothing.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# Threads of PyTorch that wait for each other are to sleep, not to spin: beside four busy processes of its kind, training on two cores
# was five times as slow for it. OpenMP heeds this when it is loaded, so it comes before anything imports PyTorch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from shiftassay.diagnosis.diagnose import diagnose as diagnose
    from shiftassay.errors import BadInput as BadInput
    from shiftassay.evaluation.audit import audit as audit
    from shiftassay.evaluation.evaluate import evaluate as evaluate
    from shiftassay.imagesets.dataset import load_dataset as load_dataset
    from shiftassay.imagesets.image_set import ImageSet as ImageSet
    from shiftassay.imagesets.read import read_image_set as read_image_set
    from shiftassay.models.foreign import import_weights as import_weights
    from shiftassay.models.load import load_model as load_model
    from shiftassay.models.predict import predict as predict
    from shiftassay.repairs.repair import repair as repair
    from shiftassay.shifts.catalogue import shift as shift
    from shiftassay.studies.run import run_study as run_study
    from shiftassay.training.train import train as train

_HOMES = {
    "BadInput": "errors",
    "ImageSet": "imagesets.image_set",
    "audit": "evaluation.audit",
    "diagnose": "diagnosis.diagnose",
    "evaluate": "evaluation.evaluate",
    "import_weights": "models.foreign",
    "load_dataset": "imagesets.dataset",
    "load_model": "models.load",
    "predict": "models.predict",
    "read_image_set": "imagesets.read",
    "repair": "repairs.repair",
    "run_study": "studies.run",
    "shift": "shifts.catalogue",
    "train": "training.train",
}
__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'shiftassay' has no attribute {name!r}")
    return getattr(import_module(f"shiftassay.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
