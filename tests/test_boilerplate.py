"""The methods text says what was done and cites only what can be looked up."""

from typing import Any

import pytest

from bids_ari import boilerplate

EMOTION: dict[str, Any] = {
    "contrast": "reappraise",
    "n_maps": 30,
    "smoothing_fwhm": 8,
    "alternative": "greater",
    "cluster_thresholds": (4, 3),
    "connectivity": 6,
    "n_features": 35_676,
    "hommel_value": 34_212,
    "discoveries": 1_464,
}


def test_every_citation_has_its_entry_and_every_entry_its_doi() -> None:
    keys = boilerplate.cited(boilerplate.methods(**EMOTION))
    entries = boilerplate.bibtex(boilerplate.methods(**EMOTION)).split("\n\n")
    assert len(keys) == len(entries) > 10
    for key, entry in zip(keys, entries, strict=True):
        assert entry.startswith("@")
        assert f"{{{key}," in entry
        assert "doi = {10." in entry


def test_an_unknown_citation_is_an_error() -> None:
    with pytest.raises(KeyError, match="nobody1999"):
        boilerplate.bibtex("as shown [@nobody1999]")


def test_the_text_states_what_was_done_and_found() -> None:
    text = boilerplate.methods(**EMOTION)
    for claim in (
        'contrast "reappraise" of 30 participants',
        "Gaussian kernel of 8 mm",
        "one-sided p-values for effects greater than zero",
        "confidence 0.95 (familywise error rate 0.05)",
        "35,676 voxels with a Hommel value of 34,212; at least 1,464 of them were active",
        "voxels with z > 3 and z > 4 that share a face (6 neighbours)",
        "several thresholds needs no further correction",
    ):
        assert claim in text


def test_the_text_before_a_run_claims_no_result() -> None:
    text = boilerplate.methods(contrast=["faces", "shapes"], alternative="less")
    assert 'contrasts "faces" and "shapes", organised' in text
    assert "were not smoothed further" in text
    assert "z < -3.1" in text
    for result in ("participants", "covered", "at least", "versions", "several"):
        assert result not in text


def test_a_contrast_without_a_name_is_not_quoted() -> None:
    text = boilerplate.methods(contrast="", n_maps=9)
    assert text.startswith(
        "First-level effect estimates (contrast of parameter estimates) of 9 participants"
    )


def test_other_models_are_named() -> None:
    text = boilerplate.methods(contrast="c", model="age", regressors=["intercept", "age"])
    assert '(model "age", regressors intercept and age)' in text
    assert "one-sample" not in text


def test_citations_become_authors_and_a_list_of_references() -> None:
    text = boilerplate.methods(contrast="c")
    assert "@" not in boilerplate.readable(text)
    assert "(Rosenblatt et al., 2018)" in boilerplate.readable(text)
    references = boilerplate.reference_list(text)
    assert references == sorted(references)
    assert (
        "Goeman, Jelle J.; Solari, Aldo (2011). Multiple testing for exploratory research. "
        "Statistical Science 26, 584-597. https://doi.org/10.1214/11-STS356" in references
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "magic"}, r"method is 'magic', expected one of ari"),
        ({"alternative": "up"}, r"alternative is 'up', expected one of two-sided, greater, less"),
        ({"connectivity": 7}, r"connectivity is 7, expected one of 6, 18, 26"),
    ],
    ids=["method", "alternative", "connectivity"],
)
def test_what_has_no_description_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        boilerplate.methods(contrast="c", **wrong)
