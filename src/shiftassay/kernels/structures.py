"""program.hpp's structures for ctypes and NumPy: same fields, same order, eight bytes each."""

import ctypes
from ctypes import c_double, c_int64, c_void_p

import numpy as np

KINDS = (
    "convolution",
    "linear",
    "relu",
    "pool",
    "dropout",
    "pad",
    "coordinates",
    "sample",
    "attention",
    "across",
    "transform",
    "encode",
)

_FIELDS = (
    "kind",
    "input",
    "other",
    "output",
    "channels",
    "height",
    "width",
    "outputs",
    "kernel_height",
    "kernel_width",
    "pool",
    "relu",
    "dropout",
    "extra",
)
OPERATION = np.dtype([(name, np.int64) for name in _FIELDS] + [("parameters", np.int64, 8)])
DROPOUT = np.dtype([("units", np.int64), ("positions", np.int64), ("threshold", np.int64), ("scale", np.float64)])


class Program(ctypes.Structure):
    _fields_ = [
        ("operations", c_void_p),
        ("operation_count", c_int64),
        ("elements", c_void_p),
        ("value_count", c_int64),
        ("dropouts", c_void_p),
        ("dropout_count", c_int64),
        ("constants", c_void_p),
        ("constant_count", c_int64),
        ("parameter_count", c_int64),
        ("output", c_int64),
        ("log_probabilities", c_int64),
        ("channels", c_int64),
    ]


class Images(ctypes.Structure):
    _fields_ = [("pixels", c_void_p), ("bytes", c_int64), ("mean", c_void_p), ("deviation", c_void_p)]


class Optimizer(ctypes.Structure):
    _fields_ = [
        ("kind", c_int64),
        ("momentum", c_double),
        ("weight_decay", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("clip_norm", c_double),
        ("steps_before", c_int64),
        ("first", c_void_p),
        ("second", c_void_p),
    ]


class Training(ctypes.Structure):
    _fields_ = [
        ("images", Images),
        ("labels", c_void_p),
        ("order", c_void_p),
        ("order_length", c_int64),
        ("batch", c_int64),
        ("first_step", c_int64),
        ("steps", c_int64),
        ("keys", c_void_p),
        ("learning_rates", c_void_p),
        ("label_smoothing", c_double),
        ("optimizer", Optimizer),
        ("parameters", c_void_p),
        ("gradient", c_void_p),
        ("losses", c_void_p),
        ("right", c_void_p),
        ("threads", c_int64),
        ("flush_denormals", c_int64),
    ]


class Evaluation(ctypes.Structure):
    _fields_ = [
        ("images", Images),
        ("count", c_int64),
        ("batch", c_int64),
        ("parameters", c_void_p),
        ("logits", c_void_p),
        ("threads", c_int64),
        ("flush_denormals", c_int64),
    ]
