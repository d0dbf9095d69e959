"""Convolution of images with kernels, and deconvolution.

Beyond the border an image goes on: by default with the border's pixels, repeated outwards.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64
from scipy import fft

from shiftassay.imagesets.image_set import Images

Response = Callable[[np.ndarray], np.ndarray]
Border = Literal["edge", "symmetric", "constant"]
"""What lies beyond the border: its pixels, repeated; the mirrored image; black. NumPy's names for padding."""

CHUNK = 1000
NOISE = 1e-3  # power of the noise relative to the image's, which the Wiener filter assumes
SILENCE = 1e-6  # rounding of the transforms: smaller values become 0, so that black stays black


def convolve(images: Images, kernels: Float64[np.ndarray, "m k k"], border: Border = "edge") -> Images:
    """Convolve all images with one kernel, or each with its own.

    out(p) = Σ kernel(q) · image(p − q), with q from the kernel's centre. Kernels have an odd side. The cost is that of
    Fourier transforms of the padded images.
    """
    return _filtered(images, kernels, lambda kernel: kernel, border)


def separable(images: Images, lines: Float64[np.ndarray, "m k"], border: Border = "edge") -> Images:
    """`convolve` with outer products of one-dimensional kernels.

    Two small matrix products per image.
    """
    out = np.empty_like(images)
    shared = [_matrices(lines, size, border) for size in images.shape[2:]] if len(lines) == 1 else None
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        down, across = shared or [_matrices(lines[part], size, border) for size in images.shape[2:]]
        out[part] = down @ images[part] @ across.swapaxes(2, 3)
    return np.clip(out, 0, 1)


def _matrices(lines: Float64[np.ndarray, "m k"], size: int, border: Border) -> Float32[np.ndarray, "m 1 s s"]:
    """The matrices that convolve a column of pixels with each kernel."""
    at, reach = np.arange(size), lines.shape[1] // 2
    if border == "symmetric":
        source = np.pad(at, reach, mode="symmetric")
    else:
        source = np.clip(np.arange(-reach, size + reach), 0, size - 1)
    matrices = np.zeros((len(lines), 1, size, size))
    for weights, offset in zip(lines.T, range(-reach, reach + 1), strict=True):
        inside = (at >= offset) & (at - offset < size) if border == "constant" else 1
        matrices[:, :, at, source[at - offset + reach]] += weights[:, None, None] * inside
    return matrices.astype(np.float32)


def deconvolve(images: Images, kernels: Float64[np.ndarray, "m k k"]) -> Images:
    """The linear estimate of what was convolved, at a little noise (Wiener 1949)."""
    return _filtered(images, kernels, lambda kernel: kernel.conj() / (np.abs(kernel) ** 2 + np.float32(NOISE)))


def gaussian(sd: np.ndarray, reach: int) -> Float64[np.ndarray, "m k"]:
    """Weights whose outer product is a Gaussian kernel; an sd of 0 is the identity."""
    at = np.arange(-reach, reach + 1)
    line = np.exp(-(at**2) / (2 * np.maximum(sd, 1e-3)[:, None] ** 2))
    return line / line.sum(1, keepdims=True)


def _filtered(
    images: Images, kernels: np.ndarray, response: Response, border: Border = "edge"
) -> Float32[np.ndarray, "n c h w"]:
    h, w = images.shape[2:]
    reach = kernels.shape[1] // 2
    size = _fast(h + 2 * reach), _fast(w + 2 * reach)
    padding = ((0, 0), (0, 0), (reach, size[0] - h - reach), (reach, size[1] - w - reach))
    shared = _response(kernels, size, response) if len(kernels) == 1 else None
    out = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        spectrum = fft.rfft2(np.pad(images[part], padding, mode=border), axes=(2, 3))
        spectrum *= _response(kernels[part], size, response) if shared is None else shared
        filtered = np.asarray(fft.irfft2(spectrum, size, axes=(2, 3)))
        out[part] = filtered[:, :, reach : reach + h, reach : reach + w]
    out[np.abs(out) < SILENCE] = 0
    return np.clip(out, 0, 1)


def _response(kernels: np.ndarray, size: tuple[int, int], response: Response) -> np.ndarray:
    reach = kernels.shape[1] // 2
    padded = np.zeros((len(kernels), *size), np.float32)
    padded[:, : kernels.shape[1], : kernels.shape[2]] = kernels
    spectrum = np.asarray(fft.rfft2(np.roll(padded, (-reach, -reach), axis=(1, 2)), axes=(1, 2)))
    return response(spectrum)[:, None]


def _fast(length: int) -> int:
    """The next length whose transform is fast."""
    return int(fft.next_fast_len(length, real=True) or length)
