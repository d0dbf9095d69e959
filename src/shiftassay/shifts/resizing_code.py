"""Resizing as Python to paste: the pixels of `resizing.resize`, but for its rounding of bytes."""

from shiftassay.shifts.code import Steps, in_a_row
from shiftassay.shifts.resizing import Kernel

PILLOW = Steps(
    "planes = np.moveaxis(images, (1, 2), (-2, -1)).astype(np.float32)\n"
    "flat = planes.reshape(-1, *planes.shape[-2:])\n"
    "made = [Image.fromarray(plane).resize(size[::-1], Image.Resampling.{kernel}) for plane in flat]\n"
    "made = np.reshape([np.asarray(plane) for plane in made], (*planes.shape[:-2], *size))\n"
    "made = np.moveaxis(made, (-2, -1), (1, 2))",
    ("from PIL import Image",),
)
TORCH = Steps(
    "planes = torch.tensor(images.reshape(*images.shape[:3], -1), dtype=torch.float32).permute(0, 3, 1, 2)\n"
    "made = torch.nn.functional.interpolate(planes, size, mode={mode!r}).permute(0, 2, 3, 1).numpy()\n"
    "made = made.reshape(len(images), *size, *images.shape[3:])"
)
SMOOTHED = Steps(
    "sd = [max(before / after - 1, 0) / 2 for before, after in zip(images.shape[1:3], size)]\n"
    'images = gaussian_filter(images, (0, *sd, 0)[: images.ndim], mode="mirror")',
    ("from scipy.ndimage import gaussian_filter",),
)
AREA = Steps(
    "made = np.moveaxis(images, (1, 2), (-2, -1))\n"
    "made = overlaps(images.shape[1], size[0]) @ made @ overlaps(images.shape[2], size[1]).T\n"
    "made = np.moveaxis(made, (-2, -1), (1, 2))",
    (
        '''def overlaps(before, after):
    """The share of each pixel of the result that lies on each pixel of the source."""
    ends, pixels = np.arange(after + 1) * before / after, np.arange(before)
    shares = np.minimum(ends[1:, None], pixels + 1) - np.maximum(ends[:-1, None], pixels)
    return np.clip(shares, 0, None) * after / before''',
    ),
)
WITHIN = Steps("images = np.clip(made, min(images.min(), 0), max(images.max(), 1))")


def resizing(kernel: Kernel, antialias: bool) -> Steps | None:
    """Statements that resize `images` to `size`, height and width."""
    if kernel == "area":
        return in_a_row([AREA, WITHIN])
    if kernel == "gaussian":
        return in_a_row([SMOOTHED, _by_torch("bilinear"), WITHIN])
    if kernel == "nearest_floor" or not (antialias or kernel == "nearest"):
        return in_a_row([_by_torch("nearest" if kernel == "nearest_floor" else kernel), WITHIN])
    filled = Steps(PILLOW.statements.format(kernel=kernel.upper()), PILLOW.needs)
    return in_a_row([filled, WITHIN])


def _by_torch(mode: str) -> Steps:
    return Steps(TORCH.statements.format(mode=mode))
