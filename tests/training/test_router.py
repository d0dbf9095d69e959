"""The router, which infers the variant from the image."""

from dataclasses import replace

import numpy as np

from shiftassay.models.predict import predict
from shiftassay.networks.registry import build
from shiftassay.shifts.catalog import generator, parse, shift
from shiftassay.training import router
from shiftassay.training.router import train_router

TARGET = build("mlp", (1, 28, 28), 10, {"widths": [8]})


def shifts_of(*texts):
    parsed = [parse(text) for text in texts]
    return {f"t{i}": spec.realize((1, 28, 28), generator(spec, 0, "shared")) for i, spec in enumerate(parsed)}


def test_variants_that_look_different_are_told_apart_on_images_it_has_not_seen(small):
    shifts = shifts_of("identity", "pixel_permutation", "sign_noise:epsilon=0.3", "adversarial:epsilon=0.3")
    trained = train_router(shifts, small, TARGET, held_out=300, images=1200)
    unseen = {name: shift(small.test, shifts[name], 7).images for name in ("t0", "t1", "t2")}
    right = [
        (predict(images, model=trained.model).argmax(1) == place).mean() for place, images in enumerate(unseen.values())
    ]
    assert min(right) > 0.7
    assert np.mean(right) > 0.85


def test_variants_that_are_alike_are_not(small, monkeypatch):
    monkeypatch.setattr(router, "RECIPE", replace(router.RECIPE, epochs=3))
    trained = train_router(shifts_of("identity", "identity"), small, TARGET, held_out=300, images=1200)
    says = predict(small.test.images, model=trained.model).argmax(1)
    assert 0.05 < np.mean(says) < 0.95
    assert trained.metrics[-1].accuracy < 0.75
