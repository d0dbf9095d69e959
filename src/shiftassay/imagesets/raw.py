"""What a file holds before it is understood: arrays of any shape and type."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RawSet:
    """The values as stored, first axis the images, and the labels if the file has any."""

    values: np.ndarray
    labels: np.ndarray | None = None
    notes: tuple[str, ...] = ()
