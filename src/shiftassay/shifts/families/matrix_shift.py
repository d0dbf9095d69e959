"""What shifts by a matrix have in common: its rows as a vector of numbers."""

from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64

from shiftassay.errors import BadInput
from shiftassay.shifts.family import Scope
from shiftassay.shifts.moved import Moved
from shiftassay.shifts.parameters import Choice, PerImage, extremes


class MatrixShift(Moved):
    """A shift whose one parameter is a matrix.

    A choice of matrices draws one of them for each image. The numbers that a fit looks for are a matrix's rows, one
    after the other.
    """

    matrix_shape: ClassVar[tuple[int, int]]
    largest_number: ClassVar[float] = 300.0
    """Of a matrix, in pixels: beyond it a fit to one image ran away."""

    def candidate_draws(self) -> Float64[np.ndarray, "g k"]:
        (name,) = self.parameter_names()
        return np.array(extremes(getattr(self, name)), np.float64).reshape(-1, np.prod(self.matrix_shape))

    @property
    def differentiable(self) -> tuple[str, ...]:
        return self.parameter_names() if self.scope == "shared" else ()

    @classmethod
    def from_numbers(cls, numbers: np.ndarray) -> Any:
        return cls._with_matrix(nested_tuples(numbers.reshape(cls.matrix_shape)), "shared")

    @classmethod
    def from_numbers_per_image(cls, numbers: np.ndarray) -> Any:
        return cls._with_matrix(PerImage(numbers.reshape(-1, *cls.matrix_shape)), "per_image")

    @classmethod
    def from_draws(cls, numbers: np.ndarray) -> Any:
        """The matrices that were drawn.

        Raises `BadInput` where fits ran away to ones that no camera makes.
        """
        choice = recurring_values(numbers, cls.search_steps()[0], cls.matrix_shape)
        if max(np.abs(matrix).max() for matrix in choice.values) > cls.largest_number:
            raise BadInput(
                f"{cls.family}: a number above {cls.largest_number:g} is no estimate but a fit that ran away."
            )
        return cls._with_matrix(choice, "per_image")

    @classmethod
    def _with_matrix(cls, matrix: Any, scope: Scope) -> Any:
        (name,) = cls.parameter_names()
        return cls(**{name: matrix, "scope": scope})


def nested_tuples(values: Float64[np.ndarray, "r c"]) -> Any:
    """A matrix as a tuple of rows. (Its exact type follows from the shape.)"""
    return tuple(tuple(map(float, row)) for row in values)


def recurring_values(
    estimates: Float64[np.ndarray, "n k"], steps: Float64[np.ndarray, "k"], shape: tuple[int, ...]
) -> Choice:
    """The matrices that per-image estimates cluster around.

    A sample of the estimates if there are no clusters. An estimate within three steps of a cluster's first member
    belongs to it.
    """
    clusters: list[list[np.ndarray]] = []
    for row in estimates:
        near = next((c for c in clusters if np.all(np.abs(c[0] - row) < 3 * steps)), None)
        clusters.append([row]) if near is None else near.append(row)
    large = [c for c in clusters if len(c) >= 0.04 * len(estimates)]
    clear = len(large) <= 6 and sum(map(len, large)) >= 0.9 * len(estimates)
    chosen = [np.median(c, axis=0) for c in large] if clear else list(estimates[:64])
    return Choice(tuple(nested_tuples(row.reshape(shape)) for row in chosen))
