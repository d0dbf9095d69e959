from importlib.resources import files

import pytest

from shiftassay.studies.built_in import built_in_studies
from shiftassay.studies.schema import load_study
from shiftassay.studies.strict import SPELLINGS, as_stored, respelled


@pytest.mark.parametrize("name", built_in_studies())
def test_a_study_file_is_read_under_either_spelling(tmp_path, name):
    text = (files("shiftassay") / "studies" / "files" / f"{name}.toml").read_text()
    british = tmp_path / f"{name}.toml"
    british.write_text(text.replace("optimizer", "optimiser"))
    assert load_study(british)[1] == load_study(name)[1]


@pytest.mark.parametrize("name", built_in_studies())
def test_stored_results_of_a_study_are_found_under_the_spelling_that_they_were_stored_with(name):
    settings = load_study(name)[1].model_dump(mode="json")
    stored = as_stored(settings)
    assert not [key for key in SPELLINGS.values() if f"'{key}'" in str(stored).replace(f"'{key}':", f"'{key}'")]
    assert respelled(stored) == settings
