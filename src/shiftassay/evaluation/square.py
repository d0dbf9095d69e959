"""Square attack: a random search without gradients (Andriushchenko et al. 2020).

A change is tried in a square at a random place and kept where it lowers the true class's margin. Squares shrink as the
search goes on. Random signs in a square for L∞ (the paper's algorithm 2), bumps of two signs for L2 (algorithm 3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from shiftassay.shifts.ascent import Ball, margin_against

FIRST_SHARE = 0.8  # of the image that the first squares cover: AutoAttack's
HALVED_AT = (10, 50, 200, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries, the share is halved: the paper's schedule
TILES = 5  # by which the first change for L2 is divided, in each direction: the paper's

Images = Float[Tensor, "n c h w"]


@torch.no_grad()
def square_attack(
    clean: Images,
    labels: Int64[Tensor, "n"],
    logits: Callable[[Images], Float[Tensor, "n classes"]],
    *,
    ball: Ball,
    queries: int,
    generator: torch.Generator,
) -> Images:
    """The images with the smallest margin among those tried, one for each of the `queries`."""
    search = _Search(ball, generator)
    attacked = search.start(clean)
    margin = margin_against(logits(attacked), labels)
    for query in range(1, queries):
        places = (margin <= 0).nonzero()[:, 0]
        if not len(places):
            break
        side = square_side(query / queries, clean.shape[2], clean.shape[3], ball.norm)
        candidate = search.propose(attacked[places], clean[places], side)
        raised = margin_against(logits(candidate), labels[places])
        better = raised > margin[places]
        attacked[places[better]], margin[places[better]] = candidate[better], raised[better]
    return attacked


def square_side(progress: float, height: int, width: int, norm: str) -> int:
    """The side of the square that is tried once this share of the queries is spent; odd for L2.

    >>> [square_side(share, 28, 28, "linf") for share in (0.0005, 0.01, 0.5)], square_side(0.5, 28, 28, "l2")
    ([25, 13, 3], 3)
    """
    halvings = sum(progress * 10_000 > at for at in HALVED_AT)
    side = round(sqrt(FIRST_SHARE / 2**halvings * height * width))
    if norm == "l2":
        side = max(side, 3) // 2 * 2 + 1
    most = min(height, width)
    return max(1, min(side, most if norm == "linf" or most % 2 else most - 1))


def bump(side: int) -> Float[Tensor, "side side"]:
    """Two halves of opposite sign, of norm 1 in all (the paper's equation 2)."""
    left = side // 2
    both = torch.cat([_hill(side, left), -_hill(side, side - left)], dim=1)
    return both / both.norm()


@dataclass(frozen=True)
class _Search:
    """The changes that are tried in a ball around each image."""

    ball: Ball
    generator: torch.Generator

    def start(self, clean: Images) -> Images:
        """Stripes of one column for L∞, a tiling by bumps for L2."""
        n, channels, height, width = clean.shape
        if self.ball.norm == "linf":
            change = self.ball.epsilon * self._signs(n, channels, 1, width).expand_as(clean)
        else:
            side = max(1, min(height, width) // TILES)
            change = torch.zeros_like(clean)
            for top in range(0, height - side + 1, side):
                for left in range(0, width - side + 1, side):
                    change[:, :, top : top + side, left : left + side] = bump(side) * self._signs(n, channels, 1, 1)
            change *= self.ball.epsilon / change.flatten(1).norm(dim=1)[:, None, None, None]
        return self.ball.project(clean + change, clean)

    def propose(self, attacked: Images, clean: Images, side: int) -> Images:
        """The attacked images with another change in one square each."""
        n, channels, _, _ = clean.shape
        window = self._window(clean, side)
        if self.ball.norm == "linf":
            square = clean + self.ball.epsilon * self._signs(n, channels, 1, 1)
            return self.ball.project(torch.where(window, square, attacked), clean)
        return self.ball.project(clean + self._moved(attacked - clean, window, side), clean)

    def _moved(self, change: Images, window: Tensor, side: int) -> Images:
        """The change of one other square moved into this window, turned towards a bump."""
        n, channels, _, _ = change.shape
        other = self._window(change, side)
        unused = (self.ball.epsilon**2 - change.square().sum((1, 2, 3), keepdim=True)).clamp_min(0)
        available = (change.square() * (window | other)).sum((2, 3), keepdim=True) + unused / channels
        shape = bump(side)
        shape = shape.T if torch.rand((), generator=self.generator) < 0.5 else shape
        placed = torch.zeros_like(change)
        placed[window.expand_as(change)] = (shape * self._signs(n, channels, 1, 1)).flatten()
        inside = change * window
        direction = placed + inside / inside.square().sum((2, 3), keepdim=True).sqrt().clamp_min(1e-12)
        size = direction.square().sum((2, 3), keepdim=True).sqrt().clamp_min(1e-12)
        return change.masked_fill(window | other, 0.0) + direction / size * available.sqrt()

    def _window(self, images: Images, side: int) -> Tensor:
        """For each image, which places are in a square of its own."""
        n, _, height, width = images.shape
        top = torch.randint(height - side + 1, (n, 1, 1, 1), generator=self.generator)
        left = torch.randint(width - side + 1, (n, 1, 1, 1), generator=self.generator)
        rows, columns = torch.arange(height)[:, None], torch.arange(width)
        return (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)

    def _signs(self, *shape: int) -> Tensor:
        return torch.randint(2, shape, generator=self.generator) * 2.0 - 1


def _hill(height: int, width: int) -> Tensor:
    """A sum of squares around the middle, the larger the weaker."""
    middle = height // 2
    rows = (torch.arange(height) - middle).abs()[:, None]
    columns = (torch.arange(width) - width // 2).abs()
    rings = middle - torch.maximum(rows, columns)
    weights = torch.tensor([1 / (middle + 1 - k) ** 2 for k in range(middle + 1)])
    return weights.cumsum(0)[rings.clamp_min(0)]
