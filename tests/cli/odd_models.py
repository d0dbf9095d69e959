"""Models as users bring them, odd in one thing each: what `test_odd_models.py` gives to every verb.

All but those that can't know the digits from `weights.npy` in the working directory, (784, 10).
"""

import numpy as np
import torch
from torch import nn


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)
        self.layer.weight.data = torch.from_numpy(np.load("weights.npy").T.copy())
        self.layer.bias.data.zero_()

    def forward(self, images):
        return self.layer(images.flatten(1))


def half():
    return Plain().half()


def brain_float():
    return Plain().bfloat16()


def double():
    return Plain().double()


def frozen():
    return Plain().requires_grad_(False)


class SinglePrecisionInside(Plain):
    def forward(self, images):
        return self.layer(images.float().flatten(1)).double()


class WholeNumbers(Plain):
    def forward(self, images):
        return (100 * super().forward(images)).to(torch.int32)


class YesOrNo(Plain):
    def forward(self, images):
        logits = super().forward(images)
        return logits == logits.max(1, keepdim=True).values


class Detached(Plain):
    def forward(self, images):
        return super().forward(images).detach()


class Inference(Plain):
    @torch.inference_mode()
    def forward(self, images):
        return super().forward(images)


class ThroughNumpy(Plain):
    def forward(self, images):
        return torch.from_numpy(images.detach().numpy().reshape(len(images), -1) @ np.load("weights.npy"))


class WithoutParameters(nn.Module):
    def forward(self, images):
        return images.flatten(1) @ torch.from_numpy(np.load("weights.npy"))


class WholeWeights(nn.Module):
    def __init__(self):
        super().__init__()
        weights = torch.from_numpy((100 * np.load("weights.npy")).astype(np.int8))
        self.weights = nn.Parameter(weights, requires_grad=False)

    def forward(self, images):
        return images.flatten(1) @ self.weights.float()


class Constant(nn.Module):
    def forward(self, images):
        return torch.zeros(len(images), 10)


class ConstantBias(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.arange(10.0))

    def forward(self, images):
        return self.bias.expand(len(images), 10)


class ChangesItsInput(Plain):
    def forward(self, images):
        images *= 2
        return super().forward(images)


class SameBuffer(Plain):
    def forward(self, images):
        logits = super().forward(images)
        if len(logits) <= 100 and not logits.requires_grad:
            self.kept = getattr(self, "kept", torch.empty(100, 10))
            self.kept[: len(logits)] = logits
            return self.kept[: len(logits)]
        return logits


class RootOfBlack(Plain):
    def forward(self, images):
        return super().forward(images.sqrt() ** 2)


class Uncopyable(Plain):
    def __init__(self):
        super().__init__()
        self.made = (self.layer.weight * 1.0).T  # no leaf

    def forward(self, images):
        return images.flatten(1) @ self.made


class NoTraining(Plain):
    def forward(self, images):
        assert not self.training, "only for inference"
        return super().forward(images)


class Large(Plain):
    def forward(self, images):
        return 1e30 * super().forward(images)


class FiveClasses(Plain):
    def forward(self, images):
        return super().forward(images)[:, :5]


class OneOutput(Plain):
    def forward(self, images):
        return super().forward(images)[:, :1]


class NoOutput(Plain):
    def forward(self, images):
        return super().forward(images)[:, :0]


class RowTooFew(Plain):
    def forward(self, images):
        return super().forward(images)[:-1]


class RowTooMany(Plain):
    def forward(self, images):
        return super().forward(images).repeat(2, 1)


class Flat(Plain):
    def forward(self, images):
        return super().forward(images).argmax(1)


class Maps(Plain):
    def forward(self, images):
        return super().forward(images)[..., None, None]


class Pair(Plain):
    def forward(self, images):
        return super().forward(images), images


class Named(Plain):
    def forward(self, images):
        return {"logits": super().forward(images)}


class Nothing(Plain):
    def forward(self, images):
        super().forward(images)


class Array(Plain):
    def forward(self, images):
        return super().forward(images).detach().numpy()


class Complex(Plain):
    def forward(self, images):
        return super().forward(images) * 1j


class NotANumber(Plain):
    def forward(self, images):
        return super().forward(images) * float("nan")


class NotANumberForSome(Plain):
    def forward(self, images):
        logits = super().forward(images)
        return torch.where(logits[:, :1] > logits[:, :1].median(), torch.nan, logits)


class Infinite(Plain):
    def forward(self, images):
        return 1e38 * 1e38 * super().forward(images)


def nan_weight():
    model = Plain()
    model.layer.weight.data[3, 400] = torch.nan
    return model


class Raises(Plain):
    def forward(self, images):
        raise ValueError("not today")


class Asserts(Plain):
    def forward(self, images):
        assert images.shape[1] == 3


class Exits(Plain):
    def forward(self, images):
        raise SystemExit(0)


class Mute(Exception):  # noqa: N818  # users name theirs so
    def __str__(self):
        raise RuntimeError("not even this")


class RaisesMutely(Plain):
    def forward(self, images):
        raise Mute


class NoEvaluation(Plain):
    def train(self, mode=True):
        raise NotImplementedError("this module can't change its mode")


class OtherSize(Plain):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(100, 10)


class ClassesVary(Plain):
    def forward(self, images):
        return super().forward(images)[:, : 10 - (len(images) < 40)]


def leaves():
    raise SystemExit("bye")


def fails():
    raise KeyError("no such entry")


def number():
    return 7


class Unfinished(nn.Module):
    def __init__(self):
        pass
