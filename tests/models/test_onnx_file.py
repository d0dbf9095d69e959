import copy
import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from shiftassay.errors import BadInput
from shiftassay.execution.threads import one_thread_each
from shiftassay.models import predict as asking
from shiftassay.models.load import load_model
from shiftassay.models.predict import predict

WEIGHTS = np.random.default_rng(1).normal(size=(48, 3)).astype(np.float32)


@pytest.fixture
def images():
    return np.random.default_rng(0).random((5, 3, 4, 4), np.float32)


def written(path, *, dims=("n", 3, 4, 4), kind=TensorProto.FLOAT, last=(), metadata=(), opset=18, domain="", more=()):
    """A linear classifier of images, as an ONNX file: flattened, cast, multiplied, then `last`."""
    nodes = [
        helper.make_node("Flatten", ["images"], ["flat"], axis=1),
        helper.make_node("Cast", ["flat"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["numbers", "weights"], ["0"]),
        *(helper.make_node(op, [str(i)], [str(i + 1)], domain=domain) for i, op in enumerate(last)),
    ]
    output = helper.make_tensor_value_info(str(len(last)), TensorProto.FLOAT, ("n", 3))
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", kind, dims)],
        [output, *more],
        [numpy_helper.from_array(WEIGHTS, "weights")],
    )
    imports = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    model = helper.make_model(graph, opset_imports=imports, ir_version=9)
    helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)
    return path


def test_layout_size_and_type_are_read_and_the_range_is_asked_for(tmp_path, images):
    path = written(tmp_path / "m.onnx")
    with pytest.raises(BadInput, match=r"m.onnx: the file does not say which values black and white have .*0:1"):
        load_model(path)
    answers = predict(images, model=load_model(path, takes="0:255"))
    np.testing.assert_allclose(answers, 255 * images.reshape(5, -1) @ WEIGHTS, rtol=1e-4, atol=1e-3)


def test_bytes_and_channels_last_need_no_word(tmp_path, images):
    path = written(tmp_path / "m.onnx", dims=("n", 4, 4, 3), kind=TensorProto.UINT8)
    answers = predict(images, model=load_model(path))
    expected = (255 * images).round().transpose(0, 2, 3, 1).reshape(5, -1) @ WEIGHTS
    np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-2)


def test_the_metadata_that_onnx_defines_is_read(tmp_path, images):
    metadata = {"Image.NominalPixelRange": "Normalized_1_1", "Image.BitmapPixelFormat": "Bgr8"}
    answers = predict(images, model=load_model(written(tmp_path / "m.onnx", metadata=metadata)))
    expected = (2 * images[:, ::-1] - 1).reshape(5, -1) @ WEIGHTS
    np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("last", [("Softmax",), ("Softmax", "Identity")])
def test_a_file_that_ends_in_probabilities_is_asked_for_their_logarithms(tmp_path, images, last):
    logits = predict(images, model=load_model(written(tmp_path / "m.onnx"), takes="0:1"))
    answers = predict(images, model=load_model(written(tmp_path / "p.onnx", last=last), takes="0:1"))
    np.testing.assert_allclose(answers, logits - np.logaddexp.reduce(logits, 1, keepdims=True), atol=1e-5)


def test_a_file_of_one_batch_size_answers_any_number_of_images(tmp_path, images):
    path = written(tmp_path / "m.onnx", dims=(2, 3, 4, 4))
    np.testing.assert_allclose(
        predict(images, model=load_model(path, takes="0:1")), images.reshape(5, -1) @ WEIGHTS, rtol=1e-4, atol=1e-5
    )


def test_a_copy_answers_alike_and_so_do_processes_that_share_the_work(tmp_path, images, monkeypatch):
    model = load_model(written(tmp_path / "m.onnx"), takes="0:1")
    expected = predict(images, model=model, batch=1)
    np.testing.assert_array_equal(predict(images, model=copy.deepcopy(model), batch=1), expected)
    monkeypatch.setattr(asking, "WORTH_SHARING", 0.0)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread_each():
            shared = predict(images, model=model, batch=1)
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(shared, expected)


def test_what_is_wrong_with_a_file_is_said_in_a_sentence(tmp_path):
    damaged = written(tmp_path / "damaged.onnx")
    damaged.write_bytes(damaged.read_bytes()[:100])
    (tmp_path / "text.onnx").write_text("hello")
    sequence = helper.make_tensor_value_info("images", TensorProto.FLOAT, ("n", 3))
    sequence.name = "numbers"
    cases = {
        "damaged.onnx": "is no ONNX file, or damaged",
        "text.onnx": "is no ONNX file, or damaged",
        "absent.onnx": "no such file",
        written(tmp_path / "new.onnx", opset=99).name: "of an operator set that this ONNX Runtime doesn't know",
        written(tmp_path / "own.onnx", last=["Swish"], domain="com.acme").name: "an operator that is no part of ONNX",
        written(tmp_path / "two.onnx", more=[sequence]).name: "several of its outputs could be logits",
        written(tmp_path / "text-in.onnx", kind=TensorProto.STRING).name: r"takes tensor.string., and images are numb",
    }
    for name, message in cases.items():
        with pytest.raises(BadInput, match=f"{name}: .*{message}"):
            load_model(tmp_path / name, takes="0:1")


def test_who_lacks_the_extra_is_told_its_name(tmp_path, monkeypatch):
    path = written(tmp_path / "m.onnx")
    for module in ("onnxruntime", "onnx"):
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, module, None)
            with pytest.raises(BadInput, match=r"pip install 'shiftassay\[onnx\]'"):
                load_model(path, takes="0:1")
