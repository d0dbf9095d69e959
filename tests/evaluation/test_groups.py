import numpy as np
import pytest

from shiftassay.errors import BadInput
from shiftassay.evaluation import groups
from shiftassay.evaluation.groups import read_groups
from shiftassay.imagesets.left_out import leaving_out
from shiftassay.models.load import load_model
from shiftassay.models.predict import labels_of, predict
from shiftassay.training.train import train

TINY = {"widths": [8]}


@pytest.fixture(scope="module")
def runs(small, tmp_path_factory):
    """Folders of two seeds of an MLP, and of one other with another width, one other recipe."""
    store = tmp_path_factory.mktemp("runs")

    def folders(**options):
        return [
            m.folder
            for m in train("mlp", small, recipe="seed-003", store=store, **{"epochs": 1, "parameters": TINY, **options})
        ]

    return {
        "two": folders(seeds=(1, 0)),
        "wide": folders(parameters={"widths": [16]}),
        "longer": folders(epochs=2),
    }


@pytest.fixture(autouse=True)
def _own_data(monkeypatch, small):
    monkeypatch.setattr(groups, "named_dataset", lambda name: small)


def test_seeds_of_a_network_are_a_group_in_their_order(runs, small):
    result = read_groups(runs["two"])
    [(name, right)] = result.right.items()
    assert list(result.seeds.values()) == [[0, 1]]
    assert name == "mlp (widths [8])"
    assert right.shape == (2, len(small.test))
    [one] = read_groups([runs["two"][1]]).right.values()  # seed 0 was given second
    assert np.array_equal(right[0], one[0])


def test_what_differs_names_the_groups(runs):
    assert list(read_groups([*runs["two"], *runs["wide"]]).right) == ["mlp (widths [8])", "mlp (widths [16])"]
    assert list(read_groups([*runs["two"], *runs["longer"]]).right) == [
        "mlp (widths [8], epochs 1)",
        "mlp (widths [8], epochs 2)",
    ]


def test_with_a_region_left_out_the_models_are_asked_again(runs, small):
    images = leaving_out(small.test, [(0, 0, 28, 16)]).images
    [right] = read_groups(runs["two"], [(0, 0, 28, 16)]).right.values()
    for folder, own in zip(reversed(runs["two"]), right, strict=True):  # seed 0 was given second
        answers = labels_of(predict(images, model=load_model(folder)))
        assert np.array_equal(own, answers == small.test.labels)
        assert not np.array_equal(answers, labels_of(predict(small.test.images, model=load_model(folder))))


def test_the_same_run_twice_is_refused(runs):
    with pytest.raises(BadInput, match="given twice"):
        read_groups([runs["two"][0], runs["two"][0]])


def test_a_folder_that_is_no_run_is_refused(runs, tmp_path):
    with pytest.raises(BadInput, match="not the folder of a finished run"):
        read_groups([runs["two"][0], tmp_path])


def test_runs_on_other_data_are_refused(runs, small, tmp_path):
    import dataclasses

    other = dataclasses.replace(small, test=small.test.first(100))
    [member] = train("mlp", other, recipe="seed-003", epochs=1, parameters=TINY, store=tmp_path)
    with pytest.raises(BadInput, match="the same data"):
        read_groups([runs["two"][0], member.folder])
