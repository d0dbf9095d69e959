"""Each check is shown a model with the fault planted, and one without."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from shiftassay.errors import BadInput
from shiftassay.evaluation.audit import Audit, audit
from shiftassay.evaluation.gradients import ParameterCounts
from shiftassay.imagesets.image_set import ImageSet
from shiftassay.networks.registry import build


class Plain(nn.Module):
    """What the planted faults are planted in."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 20)
        self.last = nn.Linear(20, 10)

    def features(self, images):
        return F.relu(self.hidden(images.flatten(1)))

    def forward(self, images):
        return self.last(self.features(images))


class WithUnused(Plain):
    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(3, 5)


class WithDetached(Plain):
    def features(self, images):
        return super().features(images).detach()


class WithDeadUnits(Plain):
    def __init__(self):
        super().__init__()
        nn.init.constant_(self.hidden.bias, -1000.0)


class WithStuckNorm(Plain):
    """Its batch norm ignores eval()."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(20)

    def train(self, mode=True):
        super().train(mode)
        self.norm.train()
        return self

    def features(self, images):
        return self.norm(super().features(images))


class WithNorm(Plain):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(20)

    def features(self, images):
        return self.norm(super().features(images))


class Mixing(Plain):
    def features(self, images):
        x = super().features(images)
        return x + 3 * x.mean(0)


class Remembering(Plain):
    """It adds what it was last shown, whatever the size of the batch."""

    def __init__(self):
        super().__init__()
        self.last_seen = torch.zeros(20)

    def features(self, images):
        x = super().features(images)
        seen, self.last_seen = self.last_seen, x[-1].detach()
        return x + 3 * seen


class AlwaysDropping(Plain):
    def features(self, images):
        return F.dropout(super().features(images), 0.5)  # training=True by default


class Dropping(Plain):
    def features(self, images):
        return F.dropout(super().features(images), 0.5, self.training)


class WithNan(Plain):
    def forward(self, images):
        logits = super().forward(images)
        return torch.where(images.mean((1, 2, 3))[:, None] > 0.15, torch.nan, logits)


class Certain(Plain):
    def forward(self, images):
        return 1000 * super().forward(images)


class Single(Plain):
    """It insists on single precision."""

    def features(self, images):
        return super().features(images.float())


def planted(kind):
    torch.manual_seed(3)
    return kind()


def audited(kind, digits, **options):
    model = planted(kind)
    return audit(digits, model=model, **{"single_images": 50, **options})


@pytest.fixture(scope="module")
def plain(digits):
    return audited(Plain, digits)


def test_a_model_without_fault_is_found_to_have_none(plain):
    assert plain.findings == ()
    assert {check.name: check.verdict for check in plain.checks} == dict.fromkeys(
        ("parameters", "batch", "order", "modes", "determinism", "outputs", "saturation"), "ok"
    )
    numbers = plain["parameters"].numbers
    assert numbers["total"] == numbers["in_use"] == 785 * 20 + 210
    assert not plain["outputs"].numbers["log_probabilities"]


def test_it_round_trips_through_json(plain):
    assert Audit.from_json(json.loads(json.dumps(plain.to_json()))) == plain


def test_it_is_printed_check_by_check(plain):
    assert len(str(plain).splitlines()) == len(plain.checks)
    assert len(repr(plain)) < 200
    assert plain._repr_html_().count("<tr>") == 1 + len(plain.checks)
    counts = ParameterCounts.from_json(plain["parameters"].numbers)
    assert plain["parameters"].sentence == str(counts)


def test_a_layer_that_is_never_used_is_dead(digits):
    numbers = audited(WithUnused, digits)["parameters"].numbers
    assert numbers["unused"] == {"spare.weight": 15, "spare.bias": 5}
    assert (numbers["dead"], numbers["in_use"]) == (20, 785 * 20 + 210)


def test_a_layer_that_is_cut_off_is_dead(digits):
    assert audited(WithDetached, digits)["parameters"].numbers["unused"] == {"hidden.weight": 15680, "hidden.bias": 20}


def test_units_that_never_fire_are_silent_not_unused(digits):
    check = audited(WithDeadUnits, digits)["parameters"]
    assert check.verdict == "found"
    assert check.numbers["unused"] == {}
    assert check.numbers["silent"] == {"hidden.weight": 15680, "hidden.bias": 20, "last.weight": 200}


def test_a_transformer_at_the_identity_waits_and_is_not_dead(digits):
    torch.manual_seed(0)
    numbers = audit(digits, model=build("stn", (1, 28, 28), 10, {}), single_images=10)["parameters"].numbers
    assert (numbers["total"], numbers["dead"]) == (27_360, 0)
    assert sorted(numbers["waiting"]) == [
        "fc_loc.0.bias",
        "fc_loc.0.weight",
        "localization.0.bias",
        "localization.0.weight",
        "localization.3.bias",
        "localization.3.weight",
    ]


def test_what_cancels_is_told_apart_the_bias_of_the_keys(digits):
    torch.manual_seed(0)
    numbers = audit(digits, model=build("attention", (1, 28, 28), 10, {}), single_images=10)["parameters"].numbers
    assert (numbers["in_use"], numbers["dead"]) == (25_460, 0)
    assert numbers["no_effect"] == {"attention1.attention.in_proj_bias": 10, "attention2.attention.in_proj_bias": 20}


def test_frozen_parameters_and_buffers_are_reported_apart(digits):
    model = planted(WithNorm)
    model.hidden.weight.requires_grad_(False)
    numbers = audit(digits, model=model, single_images=10)["parameters"].numbers
    assert numbers["frozen"] == {"hidden.weight": 15680}
    assert numbers["buffers"] == {
        "norm.running_mean": 20,
        "norm.running_var": 20,
        "norm.num_batches_tracked": 1,
    }
    assert numbers["dead"] == 0
    assert not model.hidden.weight.requires_grad


def test_a_model_sure_of_every_image_and_one_of_single_precision_are_not_dead(digits):
    assert audited(Certain, digits)["parameters"].numbers["dead"] == 0
    assert audited(Single, digits)["parameters"].numbers["dead"] == 0


def test_a_model_that_mixes_the_batch_is_found(digits):
    result = audited(Mixing, digits)
    assert result.findings[:2] == ("batch", "order")
    shown = result["batch"].numbers["shown"]
    assert [(way["batch"], way["order"], way["images"]) for way in shown] == [
        (64, "shuffled", 200),
        (64, "sorted", 200),
        (200, "shuffled", 200),
        (200, "sorted", 200),
        (1, "alone", 50),
    ]
    assert shown[-1]["changed"] > 0
    assert shown[-1]["largest"] > 0.01


def test_the_accuracies_by_batch_are_those_of_the_model_itself(digits):
    model = planted(Mixing).eval()
    images, labels = torch.from_numpy(digits.images), torch.from_numpy(digits.labels)
    shown = audit(digits, model=model, single_images=200)["batch"].numbers["shown"]
    by_label = torch.argsort(labels, stable=True)
    with torch.no_grad():
        whole = (model(images).argmax(1) == labels).float().mean()
        alone = torch.stack([model(image[None]).argmax() for image in images]).eq(labels).float().mean()
        parts = torch.cat([model(images[part]).argmax(1) for part in by_label.split(64)])
    assert shown[1]["accuracy"] == pytest.approx(float((parts == labels[by_label]).float().mean()))
    assert shown[2]["accuracy"] == pytest.approx(float(whole))
    assert shown[4]["accuracy"] == pytest.approx(float(alone))


def test_attention_across_the_batch_is_found_and_attention_within_an_image_is_not(digits):
    torch.manual_seed(0)
    outcome = [
        audit(digits, model=build(name, (1, 28, 28), 10, {}), single_images=20)["batch"].verdict
        for name in ("attention-across-batch", "attention")
    ]
    assert outcome == ["found", "ok"]


def test_a_batch_norm_that_ignores_eval_is_found_three_times(digits):
    result = audited(WithStuckNorm, digits)
    assert {"batch", "modes"} <= set(result.findings)
    assert result["modes"].numbers["stuck_in_training"] == ["norm"]
    assert "norm.running_mean" in result["modes"].numbers["moved_in_evaluation"]
    batches_of_one = result["batch"].numbers["shown"][-1]
    assert "more than 1 value per channel" in batches_of_one["not_measured"]
    assert audited(WithNorm, digits)["batch"].verdict == "ok"


def test_a_batch_norm_left_in_training_mode_by_its_owner_is_found(digits):
    model = planted(WithNorm).eval()
    model.norm.train()
    check = audit(digits, model=model, single_images=10)["modes"]
    assert (check.verdict, check.numbers["left_in_training"]) == ("found", ["norm"])


def test_statistics_that_do_not_fit_the_images_are_found(digits):
    model = planted(WithNorm)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(20):
        F.cross_entropy(model(torch.from_numpy(digits.images)), torch.from_numpy(digits.labels)).backward()
        optimizer.step()
        optimizer.zero_grad()
    model.norm.running_mean += 3
    check = audit(digits, model=model, single_images=10)["modes"]
    assert check.verdict == "found"
    assert check.numbers["training_accuracy"] > check.numbers["evaluation_accuracy"] + 0.01


def test_dropout_that_is_always_on_is_found_and_blamed_for_nothing_else(digits):
    result = audited(AlwaysDropping, digits)
    assert "determinism" in result.findings
    assert result["determinism"].numbers["changed"] > 0
    assert {result[name].verdict for name in ("batch", "order")} == {"not measured"}


def test_dropout_in_training_mode_only_is_no_fault(digits):
    result = audited(Dropping, digits)
    assert result["determinism"].numbers["bits_equal"]
    assert (result["modes"].verdict, result["modes"].numbers["training_repeats"]) == ("ok", False)
    assert result["modes"].numbers["changed"] > 0


def test_a_model_that_remembers_is_found(digits):
    result = audited(Remembering, digits)
    assert result.findings == ("determinism",)
    assert result["order"].verdict == "not measured"


def test_nan_is_found_and_located(digits):
    result = audited(WithNan, digits)
    bright = digits.images.mean((1, 2, 3)) > 0.15
    assert result["outputs"].verdict == "found"
    assert result["outputs"].numbers["not_finite"] == bright.sum()
    assert f"the first is image {np.flatnonzero(bright)[0]};" in result["outputs"].sentence
    assert result["batch"].verdict == "ok"


def test_certainty_in_mistakes_is_found(digits, plain):
    numbers = audited(Certain, digits)["saturation"].numbers
    assert numbers["certain"] > 0.9
    assert numbers["certain_and_wrong"] > 0.9 * numbers["wrong"]
    assert plain["saturation"].numbers["certain"] == 0


def test_log_probabilities_are_recognised(digits):
    numbers = audit(digits, model=build("trunk", (1, 28, 28), 10, {}), single_images=10)["outputs"].numbers
    assert numbers["log_probabilities"]
    assert numbers["high"] <= 0


def test_the_model_and_the_random_numbers_stay_as_they_were(digits):
    model = planted(WithNorm)
    model.norm.eval()
    model.last.weight.grad = torch.ones_like(model.last.weight)
    hook = model.register_forward_hook(lambda *_: None)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    state = torch.get_rng_state()
    audit(digits, model=model, single_images=10)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(model.last.weight.grad, torch.ones_like(model.last.weight))
    assert model.hidden.weight.grad is None
    assert list(model._forward_hooks) == [hook.id]


def test_a_batch_that_would_not_fit_is_not_tried(digits, monkeypatch):
    monkeypatch.setattr("shiftassay.evaluation.answers.memory_available", lambda device: 100_000)
    shown = audited(Plain, digits)["batch"].numbers["shown"]
    assert [way["not_measured"] is None for way in shown] == [True, True, False, False, True]
    assert "would need about" in shown[2]["not_measured"]
    assert audited(Plain, digits, largest_batch=100)["batch"].numbers["shown"][2]["batch"] == 100


def test_a_batch_for_which_memory_runs_out_is_reported(digits):
    class Small(Plain):
        def features(self, images):
            if len(images) > 150:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
            return super().features(images)

    check = audited(Small, digits)["batch"]
    assert check.verdict == "ok"
    assert "can't allocate memory" in check.numbers["shown"][2]["not_measured"]
    assert "Not measured for all 200 at once" in check.sentence


def test_without_labels_all_but_the_accuracies_is_measured(digits):
    result = audit(ImageSet(digits.images, None, "digits"), model=planted(Mixing), single_images=20)
    assert result["batch"].verdict == "found"
    assert all(way["accuracy"] is None for way in result["batch"].numbers["shown"])


def test_few_images_are_enough(digits):
    few = ImageSet(digits.images[:5], digits.labels[:5], "few")
    assert audit(few, model=planted(Mixing))["batch"].verdict == "found"
    assert audit(few, model=planted(Plain))["batch"].verdict == "ok"


def test_images_that_do_not_fit_are_refused(digits):
    with pytest.raises(BadInput, match="can't take images"):
        audit(ImageSet(np.zeros((3, 1, 5, 5), np.float32)), model=planted(Plain))
    with pytest.raises(BadInput, match="knows 10 classes"):
        audit(ImageSet(digits.images[:2], np.array([1, 10])), model=planted(Plain))
