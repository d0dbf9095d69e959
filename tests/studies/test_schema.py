import pytest

from shiftassay.errors import BadInput
from shiftassay.studies.schema import built_in_studies, load_study

STUDY = """
kind = "shifted-test-sets"
title = "T"
question = "Q"
network = "mlp"
recipe = "mlp"
[[variants]]
name = "a"
family = "gain"
parameters = { factor = 0.5 }
"""


@pytest.mark.parametrize("name", built_in_studies())
def test_every_built_in_study_is_valid(name):
    assert load_study(name)[0] == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("recipe =", "recpie ="), "unknown key 'recpie'. Did you mean 'recipe'"),
        (("family =", "famly ="), "Did you mean 'family'"),
        (('kind = "shifted-test-sets"', 'kind = "other"'), "kind"),
        (("[[variants]]", "[[variants"), "not valid TOML"),
        (('network = "mlp"', 'network = "mlp"\nseeds = 0'), "seeds"),
        (('network = "mlp"', 'network = "mlp"\nfolder = "x"'), "both"),
        (('name = "a"', 'name = "clean"'), "none of them 'clean'"),
        (('name = "a"', 'name = "Labels"'), "'labels'"),
        (('name = "a"', 'name = "../../a"'), "variants.0.name"),
        (("{ factor = 0.5 }", "{ factor = { harmless_within = 2 } }"), "harmless_within"),
    ],
)
def test_what_is_wrong_in_a_study_file_is_said(tmp_path, change, message):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    load_study(path)
    path.write_text(STUDY.replace(*change))
    with pytest.raises(BadInput, match=message.replace("[", r"\[")):
        load_study(path)


def test_an_unknown_study_names_the_nearest():
    with pytest.raises(BadInput, match="Did you mean 'shifted-test-sets'"):
        load_study("shifted-test-set")


def test_a_folder_is_looked_for_beside_the_study_file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY.split("[[variants]]")[0] + 'folder = "mine"\n')
    assert load_study(path)[1].folder == str(tmp_path / "mine")


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="not UTF-8"):
        load_study(path)
