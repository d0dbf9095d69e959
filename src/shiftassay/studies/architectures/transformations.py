"""What a network's spatial transformer does to images."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor
from torch.nn import functional as F

from shiftassay.models.classifier import Classifier
from shiftassay.networks.transformer import sampled
from shiftassay.records import JsonObject, Record
from shiftassay.studies.architectures.members import spatial_transformer
from shiftassay.training.train import Trained

Quantities = Mapping[str, float]
"""A number for each of: angle, degrees; magnification; to the right, px; down, px."""


@dataclass(frozen=True)
class Transformations(Record):
    """How one member's transformer turns, magnifies and moves the test images.

    This is of what the classifier sees of them. `draws` holds the numbers of every image, for a figure; published
    results leave them out.
    """

    seed: int
    mean: Quantities
    sd: Quantities
    draws: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def published(self) -> JsonObject:
        return {key: value for key, value in self.to_json().items() if key != "draws"}


def thetas(
    model: Classifier, images: Float32[np.ndarray, "n c h w"], batch: int | None = None
) -> Float[Tensor, "n 2 3"]:
    """θ of each image, the map from output to input coordinates.

    Both coordinates are in [−1, 1]. The network is given `batch` images at a time.
    """
    transformer = spatial_transformer(model.network)
    if transformer is None:
        raise ValueError(f"{model.card.network} has no spatial transformer")
    batches = torch.from_numpy(images).split(batch or len(images))
    with torch.inference_mode():
        return torch.cat([transformer.theta((part - model.card.mean) / model.card.sd) for part in batches])


def transformations(member: Trained, images: Float32[np.ndarray, "n c h w"]) -> Transformations:
    """θ of every image as angle, magnification, and shift of what is seen.

    Angles are counter-clockwise, shifts in pixels.
    """
    theta = thetas(member.model, images, batch=1000).double().numpy()
    height, width = images.shape[2:]
    back = np.linalg.inv(theta[:, :, :2])
    moved = -np.einsum("nij,nj->ni", back, theta[:, :, 2])
    draws = {
        "angle, degrees": np.degrees(np.arctan2(theta[:, 1, 0] - theta[:, 0, 1], theta[:, 0, 0] + theta[:, 1, 1])),
        "magnification": 1 / np.sqrt(np.abs(np.linalg.det(theta[:, :, :2]))),
        "to the right, px": moved[:, 0] * width / 2,
        "down, px": moved[:, 1] * height / 2,
    }
    return Transformations(
        seed=member.trial.seed,
        mean={key: float(values.mean()) for key, values in draws.items()},
        sd={key: float(values.std()) for key, values in draws.items()},
        draws={key: tuple(np.round(values, 4).tolist()) for key, values in draws.items()},
    )


def sampled_images(
    model: Classifier, images: Float32[np.ndarray, "n c h w"], count: int
) -> dict[str, Float32[np.ndarray, "k ..."]]:
    """Arrays of the figure `transformed`: images, their θ, and what is sampled of them.

    `count` images are shown, the first ones.
    """
    first = torch.from_numpy(images[:count])
    theta = thetas(model, images, batch=1000)[:count]
    return {"input": first.numpy(), "theta": theta.numpy(), "seen": sampled(first, theta).numpy()}


def outside_share(model: Classifier, images: Float32[np.ndarray, "n c h w"]) -> Float64[np.ndarray, "n"]:
    """For each image, the share of its sampling points that lie outside it."""
    with torch.inference_mode():
        grid = F.affine_grid(thetas(model, images), [len(images), 1, *images.shape[2:]], align_corners=False)
        return (grid.abs().amax(-1) > 1).float().mean((1, 2)).numpy().astype(np.float64)
