"""The native training step through ctypes: arrays and numbers in, arrays out.

It knows neither networks nor PyTorch.
"""

import ctypes
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64, UInt64

from shiftassay.kernels import structures
from shiftassay.kernels.structures import DROPOUT, OPERATION

WIDTHS = {"avx512": 16, "avx2": 8, "portable": 4}


@dataclass(frozen=True)
class Pixels:
    """Images `(n, c, h, w)` in memory, and their normalisation.

    They are uint8 (a pixel is value / 255) or float32.
    """

    array: np.ndarray
    mean: Sequence[float] = (0.0,)
    deviation: Sequence[float] = (1.0,)


@dataclass
class Optimizer:
    """`torch.optim.SGD` or `AdamW`.

    Its state lies in flat arrays beside the parameters, zero before the first step.
    """

    kind: str = "sgd"
    momentum: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    clip_norm: float = 0.0
    first: Float[np.ndarray, "parameters"] | None = None
    second: Float[np.ndarray, "parameters"] | None = None
    steps_taken: int = 0

    def allocate(self, parameters: int) -> None:
        """Allocate the state that this optimizer needs and does not have yet."""
        if self.first is None and (self.kind == "adamw" or self.momentum != 0):
            self.first = np.zeros(parameters, np.float32)
        if self.second is None and self.kind == "adamw":
            self.second = np.zeros(parameters, np.float32)


@functools.cache
def builds() -> tuple[str, ...]:
    """The builds that are installed and that this processor runs, fastest first."""
    portable = _load("portable")
    if portable is None:
        return ()
    return tuple(
        name for name, width in WIDTHS.items() if portable.shiftassay_supports(width) and _load(name) is not None
    )


def available() -> bool:
    """Whether the native step can be used.

    It cannot where there was no compiler at installation.
    """
    return bool(builds())


@functools.cache
def _load(build: str) -> ctypes.CDLL | None:
    for path in sorted(Path(__file__).parent.glob(f"_{build}*.so")):
        library = ctypes.CDLL(str(path))
        library.shiftassay_program.restype = ctypes.c_void_p
        library.shiftassay_program.argtypes = [ctypes.c_void_p]
        library.shiftassay_free.argtypes = [ctypes.c_void_p]
        for name in ("train", "forward"):
            function = getattr(library, f"shiftassay_{name}")
            function.restype, function.argtypes = ctypes.c_int64, [ctypes.c_void_p, ctypes.c_void_p]
        library.shiftassay_supports.restype = ctypes.c_int64
        library.shiftassay_supports.argtypes = [ctypes.c_int64]
        return library
    return None


class Program:
    """A network as the native step runs it.

    Calls release the GIL; one program may serve many threads at once.
    """

    def __init__(
        self,
        operations: np.ndarray,
        elements: Int64[np.ndarray, "values"],
        dropouts: np.ndarray,
        constants: Float[np.ndarray, "constants"],
        parameter_count: int,
        output: int,
        log_probabilities: bool,
        channels: int,
        build: str | None = None,
    ):
        self.build = build or next(iter(builds()), "portable")
        self.parameter_count, self.channels = parameter_count, channels
        self.elements, self.classes = int(elements[0]), int(elements[output])
        self.dropouts = len(dropouts)
        library = _load(self.build)
        if library is None:
            raise ValueError(f"the build {self.build} is not installed; there are {', '.join(builds()) or 'none'}")
        self._library = library
        operations = np.ascontiguousarray(operations, OPERATION)
        elements = np.ascontiguousarray(elements, np.int64)
        dropouts = np.ascontiguousarray(dropouts, DROPOUT)
        constants = np.ascontiguousarray(constants, np.float32)
        description = structures.Program(
            operations.ctypes.data,
            len(operations),
            elements.ctypes.data,
            len(elements),
            dropouts.ctypes.data,
            len(dropouts),
            constants.ctypes.data,
            len(constants),
            parameter_count,
            output,
            log_probabilities,
            channels,
        )
        self._plan = self._library.shiftassay_program(ctypes.byref(description))
        if not self._plan:
            raise MemoryError("the native step found no memory for its plan")

    def __del__(self):
        if getattr(self, "_plan", None):
            self._library.shiftassay_free(self._plan)

    def train(
        self,
        pixels: Pixels,
        labels: Int64[np.ndarray, "n"],
        order: Int64[np.ndarray, "m"],
        parameters: Float[np.ndarray, "parameters"],
        optimizer: Optimizer,
        learning_rates: Float[np.ndarray, "steps"],
        keys: UInt64[np.ndarray, "dropouts"] | None = None,
        *,
        batch: int = 64,
        first_step: int = 0,
        label_smoothing: float = 0.0,
        threads: int = 1,
        flush_denormals: bool = True,
        gradient: Float[np.ndarray, "parameters"] | None = None,
    ) -> tuple[Float[np.ndarray, "steps"], Int64[np.ndarray, "steps"]]:
        """Take steps `first_step` to `first_step + steps` of an epoch over `order`.

        There is one step for each learning rate. Parameters and optimizer state change in place. With `gradient`,
        nothing does: the last step's gradient is written there. Returns each step's mean loss and number of right
        answers.
        """
        steps = len(learning_rates)
        if batch < 1 or threads < 1:
            raise ValueError(f"expected a batch and threads of at least 1, got {batch} and {threads}")
        if (first_step + steps - 1) * batch >= len(order) and steps:
            raise ValueError(f"{len(order)} images hold no {first_step + steps} steps of {batch}")
        learning_rates = np.ascontiguousarray(learning_rates, np.float32)
        labels, order = np.ascontiguousarray(labels, np.int64), np.ascontiguousarray(order, np.int64)
        keys = np.ascontiguousarray([] if keys is None else keys, np.uint64)
        if len(keys) != self.dropouts:
            raise ValueError(f"expected a key for each of {self.dropouts} dropout layers, got {len(keys)}")
        _check_range("labels", labels, self.classes)
        _check_range("order", order, min(len(labels), len(pixels.array)))
        self._check("parameters", parameters)
        optimizer.allocate(self.parameter_count)
        for name in ("first", "second"):
            self._check(f"optimizer.{name}", getattr(optimizer, name))
        self._check("gradient", gradient)
        losses, right = np.empty(steps, np.float64), np.empty(steps, np.int64)
        images, alive = self._images(pixels)
        training = structures.Training(
            images,
            labels.ctypes.data,
            order.ctypes.data,
            len(order),
            batch,
            first_step,
            steps,
            keys.ctypes.data,
            learning_rates.ctypes.data,
            label_smoothing,
            structures.Optimizer(
                ("sgd", "adamw").index(optimizer.kind),
                optimizer.momentum,
                optimizer.weight_decay,
                *optimizer.betas,
                optimizer.epsilon,
                optimizer.clip_norm,
                optimizer.steps_taken,
                _address(optimizer.first),
                _address(optimizer.second),
            ),
            parameters.ctypes.data,
            _address(gradient),
            losses.ctypes.data,
            right.ctypes.data,
            threads,
            flush_denormals,
        )
        if steps and self._library.shiftassay_train(self._plan, ctypes.byref(training)):
            raise MemoryError("the native step ran out of memory or threads")
        if gradient is None:
            optimizer.steps_taken += steps
        del alive
        return losses, right

    def forward(
        self,
        pixels: Pixels,
        parameters: Float[np.ndarray, "parameters"],
        *,
        batch: int | None = None,
        threads: int = 1,
        flush_denormals: bool = True,
    ) -> Float[np.ndarray, "n classes"]:
        """The network's outputs for each image in evaluation mode.

        A network whose images see each other is shown `batch` at a time, in their order; without it, all at once.
        """
        batch = max(1, len(pixels.array)) if batch is None else batch
        if batch < 1 or threads < 1:
            raise ValueError(f"expected a batch and threads of at least 1, got {batch} and {threads}")
        self._check("parameters", parameters)
        images, alive = self._images(pixels)
        logits = np.empty((len(pixels.array), self.classes), np.float32)
        evaluation = structures.Evaluation(
            images, len(pixels.array), batch, parameters.ctypes.data, logits.ctypes.data, threads, flush_denormals
        )
        if self._library.shiftassay_forward(self._plan, ctypes.byref(evaluation)):
            raise MemoryError("the native step ran out of memory or threads")
        del alive
        return logits

    def _images(self, pixels: Pixels) -> tuple[ctypes.Structure, tuple]:
        array = pixels.array
        if array.dtype not in (np.uint8, np.float32) or not array.flags.c_contiguous:
            raise ValueError(f"expected contiguous uint8 or float32 images, got {array.dtype}")
        if array[0].size != self.elements:
            raise ValueError(f"expected images of {self.elements} numbers, got {array.shape}")
        mean = np.ascontiguousarray(np.broadcast_to(pixels.mean, (self.channels,)), np.float32)
        deviation = np.ascontiguousarray(np.broadcast_to(pixels.deviation, (self.channels,)), np.float32)
        images = structures.Images(array.ctypes.data, array.dtype == np.uint8, mean.ctypes.data, deviation.ctypes.data)
        return images, (array, mean, deviation)

    def _check(self, name: str, array: np.ndarray | None) -> None:
        if array is None:
            return
        if array.dtype != np.float32 or array.shape != (self.parameter_count,) or not array.flags.c_contiguous:
            raise ValueError(
                f"{name}: expected {self.parameter_count} contiguous float32, got {array.dtype} {array.shape}"
            )


def _check_range(name: str, numbers: Int64[np.ndarray, "n"], end: int) -> None:
    if numbers.size and (numbers.min() < 0 or numbers.max() >= end):
        raise ValueError(f"{name}: expected numbers from 0 to {end - 1}, got {numbers.min()} to {numbers.max()}")


def _address(array: np.ndarray | None) -> int | None:
    return None if array is None else array.ctypes.data
