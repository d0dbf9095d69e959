import json

import pytest

from shiftassay.errors import BadInput
from shiftassay.runs.recipe import RECIPES, Recipe
from shiftassay.runs.trial import Trial

RECIPE = Recipe("r", epochs=2, batch_size=8, optimizer="sgd", learning_rate=0.05, momentum=0)


@pytest.mark.parametrize("recipe", [RECIPE, *RECIPES.values()], ids=lambda recipe: recipe.name)
def test_a_recipe_is_read_under_either_spelling_and_written_under_the_one_of_digests(recipe):
    written = recipe.to_json()
    assert "optimiser" in written
    assert "optimizer" not in written
    respelled = {"optimizer" if name == "optimiser" else name: value for name, value in written.items()}
    assert Recipe.from_json(written) == Recipe.from_json(respelled) == recipe


def test_whole_numbers_stay_whole_so_that_the_digest_of_a_trial_read_back_is_its_own():
    trial = Trial("mlp", {"widths": [3], "dropout": 0}, RECIPE, "mnist", "abc", 0, "cpu", 1)
    assert Trial.from_json(json.loads(json.dumps(trial.to_json()))).digest == trial.digest


def test_an_optimizer_that_is_not_known_is_named():
    with pytest.raises(BadInput, match=r"optimi[sz]er"):
        Recipe.from_json({**RECIPE.to_json(), "optimiser": "adagrad"})
