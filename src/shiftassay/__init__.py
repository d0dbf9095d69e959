"""Shiftassay: name the shift, prove it, repair it.

The library is what lies behind the command line: `shiftassay.evaluate` is `shiftassay evaluate`, on arrays and
any model. Names are loaded when first used, so that importing the package costs nothing.

>>> import shiftassay
>>> print(shiftassay.parse_shift("rotate:angle=15"))
rotate (angle = 15), the same for all images
>>> shiftassay.families()["rotate"]
'Rotate the picture about its centre; black, or what `fill` says, moves in at the corners.'
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

# Threads of PyTorch that wait for each other are to sleep, not to spin: beside four busy processes of its kind,
# training on two cores was five times as slow for it. OpenMP heeds this when it is loaded, so it comes before
# anything imports PyTorch.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from shiftassay.errors import BadInput as BadInput
    from shiftassay.evaluation.agreement import agreement as agreement
    from shiftassay.evaluation.agreement import compare_models as compare_models
    from shiftassay.evaluation.audit import audit as audit
    from shiftassay.evaluation.compare import compare as compare
    from shiftassay.evaluation.evaluate import evaluate as evaluate
    from shiftassay.imagesets.dataset import Dataset as Dataset
    from shiftassay.imagesets.dataset import load_dataset as load_dataset
    from shiftassay.imagesets.image_set import ImageSet as ImageSet
    from shiftassay.imagesets.items import image_set as image_set
    from shiftassay.imagesets.read import read_image_set as read_image_set
    from shiftassay.models.export import export as export
    from shiftassay.models.foreign import import_weights as import_weights
    from shiftassay.models.load import load_model as load_model
    from shiftassay.models.predict import predict as predict
    from shiftassay.models.prepared import module_of as module_of
    from shiftassay.repairs.repair import repair as repair
    from shiftassay.report.displayed import diagnose as diagnose
    from shiftassay.runs.recipe import Recipe as Recipe
    from shiftassay.shifts.catalog import parse as parse_shift  # noqa: F401  # shown under another name
    from shiftassay.shifts.catalog import shift as shift
    from shiftassay.shifts.listing import families as families
    from shiftassay.studies.run import run_study as run_study
    from shiftassay.training.train import train as train

    __version__: str

_HOMES = {
    "BadInput": "errors",
    "Dataset": "imagesets.dataset",
    "ImageSet": "imagesets.image_set",
    "Recipe": "runs.recipe",
    "agreement": "evaluation.agreement",
    "audit": "evaluation.audit",
    "compare": "evaluation.compare",
    "compare_models": "evaluation.agreement",
    "diagnose": "report.displayed",
    "evaluate": "evaluation.evaluate",
    "export": "models.export",
    "families": "shifts.listing",
    "image_set": "imagesets.items",
    "import_weights": "models.foreign",
    "load_dataset": "imagesets.dataset",
    "load_model": "models.load",
    "module_of": "models.prepared",
    "parse_shift": "shifts.catalog",
    "predict": "models.predict",
    "read_image_set": "imagesets.read",
    "repair": "repairs.repair",
    "run_study": "studies.run",
    "shift": "shifts.catalog",
    "train": "training.train",
}
_CALLED_THERE = {"parse_shift": "parse"}
__all__ = sorted(_HOMES)  # pyright: ignore[reportUnsupportedDunderAll]  # compared with the imports by a test


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("shiftassay")
    if name not in _HOMES:
        raise AttributeError(f"module 'shiftassay' has no attribute {name!r}")
    return getattr(import_module(f"shiftassay.{_HOMES[name]}"), _CALLED_THERE.get(name, name))


def __dir__() -> list[str]:
    return sorted([*_HOMES, *(name for name in globals() if name.startswith("__")), "__version__"])
