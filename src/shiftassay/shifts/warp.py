"""Resampling images along an affine map: bilinear, black outside, about the centre ((h − 1)/2, (w − 1)/2)."""

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch.nn import functional as F

CHUNK = 2000  # images: bounds the memory that a sampling grid takes


def warp(
    images: Float32[np.ndarray, "n c h w"], to_input: Float64[np.ndarray, "n 2 2"]
) -> Float32[np.ndarray, "n c h w"]:
    """Sample each image at matrix · (x, y), with (x, y) the output's place about the centre, x right and y down."""
    _, _, h, w = images.shape
    y, x = np.meshgrid(np.arange(h) - (h - 1) / 2, np.arange(w) - (w - 1) / 2, indexing="ij")
    places = np.stack([x, y], axis=-1)
    half = np.maximum([(w - 1) / 2, (h - 1) / 2], 0.5)  # one pixel: any scale will do
    warped = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        grid = np.einsum("nij,hwj->nhwi", to_input[part], places) / half
        sampled = F.grid_sample(
            torch.from_numpy(images[part]), torch.from_numpy(grid.astype(np.float32)), align_corners=True
        )
        warped[part] = sampled.numpy()
    return warped
