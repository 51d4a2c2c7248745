"""The methods text says what was done and cites only what can be looked up."""

from typing import Any, Literal

import pytest

from bids_ari import boilerplate
from bids_ari.boilerplate import GroupModel

EMOTION: dict[str, Any] = {
    "contrast": "reappraise",
    "group": GroupModel(n_maps=30, n_participants=30, dof=29),
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


def test_what_is_assumed_is_that_of_the_local_test() -> None:
    simes = boilerplate.methods(contrast="c", method="ari")
    hommel = boilerplate.methods(contrast="c", method="hommel")
    assert "positive dependence" in simes
    assert "hommel1983" not in boilerplate.cited(simes)
    assert "Hommel's local test [@hommel1983;" in hommel
    assert "Nothing is assumed of how the voxels' tests depend" in hommel
    assert "Simes" not in hommel
    assert "positive dependence" not in hommel
    assert "Biometrical Journal 25, 423-430" in "".join(boilerplate.reference_list(hommel))


def test_the_largest_clusters_with_a_tdp_are_told_with_their_source() -> None:
    text = boilerplate.methods(contrast="c", tdp_thresholds=(0.9, 0.5), connectivity=26)
    assert (
        "formed of voxels that share a face, an edge or a corner (26 neighbours), the largest with "
        "a TDP of at least 0.5 and 0.9 were searched for, for each of these separately [@chen2022]."
    ) in text
    assert "several thresholds needs no further correction" in text
    assert "arXiv:2206.13587. https://doi.org/10.48550/arXiv.2206.13587" in "".join(
        boilerplate.reference_list(text)
    )


@pytest.mark.parametrize(
    ("options", "expected", "not_expected"),
    [
        ({}, "voxels that holds all discoveries [@goeman2019].", "rounded down"),
        (
            {"chosen_threshold": 2.982, "discoveries": 9},
            "holds all discoveries [@goeman2019] (z < -2.982, rounded down).",
            "there are none",
        ),
        (
            {"discoveries": 0, "n_features": 7},
            "[@goeman2019]; as there was no discovery, there are none.",
            "rounded down",
        ),
    ],
    ids=["before the run", "found", "nothing found"],
)
def test_a_threshold_chosen_by_the_data_is_told_as_such(
    options: dict[str, Any], expected: str, not_expected: str
) -> None:
    both: list[float | Literal["auto"]] = [3.1, "auto"]
    for thresholds, start in (
        (
            both[1:],
            "Clusters were formed of voxels that share a face or an edge (18 neighbours), at",
        ),
        (both, "Further clusters were formed at"),
    ):
        text = boilerplate.methods(
            contrast="c", alternative="less", cluster_thresholds=thresholds, **options
        )
        assert f"{start} the threshold that the data choose" in text
        assert expected in text
        assert not_expected not in text
        assert ("z < -3.1" in text) == (3.1 in thresholds)


def test_where_nothing_is_found_nothing_is_claimed() -> None:
    text = boilerplate.methods(
        contrast="c", n_features=7, hommel_value=7, discoveries=0, tdp_thresholds=(0.7,)
    )
    assert "none of them can be claimed to be active" in text
    assert "were searched for [@chen2022]; there were none." in text


def test_regions_are_counted_once_they_are_known() -> None:
    before = boilerplate.methods(contrast="c", regions={"Schaefer2018": None}, rois=1)
    assert "for the regions of Schaefer2018 and 1 region of interest, for the voxels" in before
    after = boilerplate.methods(
        contrast="c", regions={"A": 1200, "B": 1}, rois=2, resampled=("A", "roi.nii")
    )
    assert "the 1,200 regions of A, the 1 region of B and 2 regions of interest" in after
    assert "A and roi.nii were put on the grid of the maps with nearest neighbours." in after
    assert "egion" not in boilerplate.methods(contrast="c")


def test_a_contrast_without_a_name_is_not_quoted() -> None:
    text = boilerplate.methods(contrast="", group=GroupModel(n_maps=9))
    assert text.startswith(
        "First-level effect estimates (contrast of parameter estimates) of 9 participants"
    )


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
        ({"method": "magic"}, r"method is 'magic', expected one of ari, hommel"),
        ({"alternative": "up"}, r"alternative is 'up', expected one of two-sided, greater, less"),
        ({"connectivity": 7}, r"connectivity is 7, expected one of 6, 18, 26"),
    ],
    ids=["method", "alternative", "connectivity"],
)
def test_what_has_no_description_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        boilerplate.methods(contrast="c", **wrong)
