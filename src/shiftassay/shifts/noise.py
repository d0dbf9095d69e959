"""Shifts that add noise, drawn afresh for every image."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from shiftassay.errors import BadInput
from shiftassay.shifts.family import FAMILIES, Context, Images, Information, Scope, Shift


@FAMILIES.register("sign_noise")
@dataclass(frozen=True)
class SignNoise(Shift):
    """x ± epsilon, the sign drawn for each pixel; clipped to [0, 1] or not."""

    family: ClassVar[str] = "sign_noise"
    group: ClassVar[str] = "noise"
    scopes: ClassVar[tuple[Scope, ...]] = ("per_image",)
    why: ClassVar[str] = (
        "Random signs are as good as orthogonal to any one direction: of n pixels' noise, a unit feels about √n, not n, times epsilon."
    )
    information: ClassVar[Information] = "reduced"

    epsilon: float
    clip: bool = True
    scope: Scope = field(default="per_image", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.epsilon < 0:
            raise BadInput(f"sign_noise: epsilon must not be negative, found {self.epsilon:g}.")

    def apply(self, images: Images, rng: np.random.Generator, context: Context | None = None) -> Images:
        signs = rng.integers(0, 2, images.shape, dtype=np.int8) * 2 - 1
        noisy = images + np.float32(self.epsilon) * signs
        return np.clip(noisy, 0, 1) if self.clip else noisy
