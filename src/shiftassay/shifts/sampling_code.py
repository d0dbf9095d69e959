"""Functions that undos to paste have in common: sampling between pixels, and deconvolution."""

SAMPLE = '''def sample(images, x, y, outside="grid-constant"):
    """Values at columns x and rows y, bilinear; black outside."""
    planes = np.moveaxis(images, (1, 2), (-2, -1))
    moved = np.empty((*planes.shape[:-2], *x.shape), images.dtype)
    for i in np.ndindex(planes.shape[:-2]):
        moved[i] = map_coordinates(planes[i], [y, x], order=1, mode=outside)
    return np.moveaxis(moved, (-2, -1), (1, 2))'''

WARP = '''def warp(images, matrix):
    """Values at matrix · (x, y, 1), right and down from the centre."""
    h, w = images.shape[1:3]
    right, down = (w - 1) / 2, (h - 1) / 2
    y, x = np.mgrid[:h, :w]
    x, y = np.tensordot(matrix, [x - right, y - down, np.ones((h, w))], 1)
    return sample(images, x + right, y + down)'''

SAMPLING = ("import numpy as np", "from scipy.ndimage import map_coordinates", SAMPLE)
"""What statements need that call `sample`."""
WARPING = (*SAMPLING, WARP)
"""What statements need that call `warp`."""

DECONVOLVE = '''def deconvolve(images, kernel):
    """What this kernel blurred, as Wiener estimates it; border pixels are repeated outwards."""
    reach, (h, w) = len(kernel) // 2, images.shape[1:3]
    size = [fft.next_fast_len(side + 2 * reach, real=True) for side in (h, w)]
    padding = [(0, 0), (reach, size[0] - h - reach), (reach, size[1] - w - reach), (0, 0)]
    centered = np.zeros(size)
    centered[: len(kernel), : len(kernel)] = kernel
    response = fft.rfft2(np.roll(centered, (-reach, -reach), (0, 1)))
    inverse = response.conj() / (abs(response) ** 2 + 1e-3)
    spectrum = fft.rfft2(np.pad(images, padding[: images.ndim], mode="edge"), axes=(1, 2))
    spectrum *= inverse.reshape(1, *inverse.shape, *[1] * (images.ndim - 3))
    sharp = fft.irfft2(spectrum, size, axes=(1, 2))
    return np.clip(sharp[:, reach : reach + h, reach : reach + w], 0, 1)'''

DECONVOLUTION = ("import numpy as np", "from scipy import fft", DECONVOLVE)
"""What statements need that call `deconvolve`."""
