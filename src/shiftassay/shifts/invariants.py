"""Statistics of an image that survive some shifts, however they are drawn for each image."""

import numpy as np

from shiftassay.imagesets.image_set import Images


def sorted_values(images: Images) -> Images:
    """The values of each channel in ascending order."""
    n, c, h, w = images.shape
    return np.sort(images.reshape(n, c, h * w), axis=2).reshape(images.shape)


def sorted_lines(images: Images, axis: int) -> Images:
    """Rows (axis 2) or columns (axis 3), those with most ink first."""
    across = 5 - axis
    order = np.argsort(-images.sum((1, across)), axis=1, kind="stable")
    shape = [len(images), 1, 1, 1]
    shape[axis] = -1
    return np.take_along_axis(images, order.reshape(shape), axis)


def sorted_blocks(images: Images, block: int) -> Images:
    """Square blocks, those with most ink first."""
    n, c, h, w = images.shape
    cut = images.reshape(n, c, h // block, block, w // block, block).swapaxes(3, 4)
    blocks = cut.reshape(n, c, -1, block * block)
    order = np.argsort(-blocks.sum((1, 3)), axis=1, kind="stable")
    return (
        np.take_along_axis(blocks, order[:, None, :, None], 2).reshape(cut.shape).swapaxes(3, 4).reshape(images.shape)
    )


def amplitudes(images: Images) -> Images:
    """The logarithm of 1 + each Fourier amplitude."""
    return np.log1p(np.abs(np.fft.fft2(images))).astype(np.float32)
