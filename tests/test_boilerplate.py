"""The methods text says what was done and cites only what can be looked up."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from bids_ari import boilerplate
from bids_ari.boilerplate import Calibration, GroupModel
from bids_ari.cli import plan
from bids_ari.design import MapTable, group_model
from bids_ari.inputs import GroupAnalysis
from bids_ari.inputs.records import Analysis, Row, StatMap
from bids_ari.options import Options

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


@pytest.mark.parametrize(
    ("template", "claim", "sources"),
    [
        ("simes", "a line through 0, as that of Simes' test [@simes1986].", {"simes1986"}),
        ("simes27", "begun after 27 voxels [@andreella2023].", {"simes1986", "andreella2023"}),
        ("beta", "the same quantile of every order statistic", set()),
        ("aorc5", "rejection curve", {"finner2009", "andreella2023"}),
        ("higher-criticism", "criticism is the same", {"donoho2004", "andreella2023"}),
        ("learned", "sorted p-values under other permutations", {"blain2022"}),
    ],
)
def test_bounds_from_permutations_are_told_with_the_sources_of_their_thresholds(
    template: str, claim: str, sources: set[str]
) -> None:
    calibration = Calibration((template,), kind="permutations", number=999, seed=4)
    text = boilerplate.methods(**EMOTION, calibration=calibration, ari_discoveries=1_001)
    assert claim in text
    of_templates = {*("simes1986", "andreella2023", "finner2009"), "donoho2004", "blain2022"}
    assert set(boilerplate.cited(text)) & of_templates == sources
    always = {*("hemerik2018", "hemerik2019", "blanchard2020"), "winkler2014", "rosenblatt2018"}
    assert always <= set(boilerplate.cited(text))
    assert "999 random permutations, the maps as they are among them, were drawn (seed 4)" in text
    assert "a share of 0.05 of these" in text
    assert "the errors of all maps are exchangeable" in text
    assert "at least 1,464 of them were active (without permutations, by All-Res" in text
    assert "at least 1,001)." in text
    assert "confidence 0.95 (familywise error rate 0.05)" in text
    for other in ("Hommel value", "closed testing", "inequality", "symmetric", "freedmanlane1983"):
        assert other not in text
    for key in boilerplate.cited(text):
        assert "doi = {10." in boilerplate.bibtex(f"[@{key}]")


def test_nothing_found_without_permutations_either_is_said_so() -> None:
    calibration = Calibration(("simes",), kind="permutations", number=999)
    nothing = {**EMOTION, "discoveries": 0}
    text = boilerplate.methods(**nothing, calibration=calibration, ari_discoveries=0)
    assert "none of them can be claimed to be active (without permutations, by All-Res" in text
    assert "All-Resolutions Inference [@rosenblatt2018], none)." in text


def test_what_else_permutations_rest_on_is_told() -> None:
    calibration = Calibration(
        ("simes", "simes27", "beta"),
        kind="sign flips",
        number=512,
        exhaustive=True,
        residuals=True,
        blocks="family",
        step_down=True,
    )
    text = boilerplate.methods(contrast="c", alpha=0.03, calibration=calibration)
    for claim in (
        "There are 3 families of thresholds",
        "They share the error rate equally",
        "All 512 distinct sign flips were used",
        "a share of 0.03 / 3 (for each family) of these",
        "[@freedmanlane1983; @winkler2014]; the error rate is controlled as the number of maps",
        "calibrated again without the voxels that are active for certain",
        "symmetric about 0, and all maps with the same family were flipped together",
    ):
        assert claim in text
    assert "seed" not in text
    assert "covered" not in text


def test_a_template_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="template is 'holm', expected one of simes, beta"):
        boilerplate.methods(contrast="c", calibration=Calibration(("holm",)))


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
        ({}, "voxels that all bounds come from [@goeman2019].", "rounded down"),
        (
            {"chosen_threshold": 2.982, "discoveries": 9},
            "all bounds come from [@goeman2019] (z < -2.982, rounded down).",
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


AGE = GroupModel(
    name="ageGroup",
    regressors=("intercept", "age", "group.patient"),
    contrasts=(("age", "t"), ("group[patient] - group[control]", "t")),
    dof=17,
    n_maps=20,
    n_participants=20,
    means_taken={"age": 36.885},
    levels={"group": ("control", "patient")},
)


def group_paragraph(group: GroupModel, **options: Any) -> str:
    return boilerplate.methods(contrast="faces", group=group, **options).split("\n\n")[0]


def test_the_mean_of_one_sample_is_a_t_test_of_its_own_name() -> None:
    text = group_paragraph(GroupModel(n_maps=20, dof=19))
    assert "a general linear model with the mean as its only regressor was fitted by" in text
    assert "The mean was tested against 0 (one-sample t-test); t values (19 degrees" in text
    paired = group_paragraph(GroupModel(rules=("session post minus session pre",)))
    assert "Several maps of a participant became one before that: session post minus" in paired
    assert "(paired t-test)" in paired
    assert "one-sample" not in paired


def test_covariates_and_groups_are_told_with_how_they_are_coded() -> None:
    text = group_paragraph(AGE)
    for claim in (
        '(model "ageGroup", regressors intercept, age and group.patient)',
        "Numeric covariates were centred on their mean (age 36.88).",
        "Categories were group (control, patient); means and slopes are averages over their levels, each level counting the same.",
        "The slope of age; group patient minus control were each tested against 0; t values (17 ",
    ):
        assert claim in text
    assert "t-test" not in text
    formula = group_paragraph(replace(AGE, formula="1 + age * C(group)"))
    assert "formula 1 + age * C(group))" in formula
    assert "regressors intercept" not in formula


def test_what_was_not_centred_is_not_said_to_be() -> None:
    assert "centred" not in group_paragraph(replace(AGE, means_taken={}))


def test_an_f_test_is_told_without_a_sign() -> None:
    both = replace(AGE, contrasts=(("group[patient] - group[control], age", "F"),), f_dof=2)
    text = boilerplate.methods(
        contrast="faces", group=both, regions={"A": 3}, cluster_thresholds=(3.1, "auto")
    )
    for claim in (
        "Whether any of group patient minus control and slope of age differs from 0 was tested",
        "an F test; F values (2 and 17 degrees of freedom) were turned into z values of equal upper",
        "on p-values of F, which has no sign.",
        "voxels with z > 3.1 that share",
        "the smallest z of the concentration set",
        "for the 3 regions of A, and for what",
    ):
        assert claim in text
    for absent in ("|z|", "sided", "either sign", "; t values"):
        assert absent not in text


def test_t_and_f_of_one_model_are_told_apart() -> None:
    group = replace(AGE, contrasts=(("age", "t"), ("age, age:group[patient]", "F")))
    text = boilerplate.methods(contrast="faces", group=group, regions={"A": 3}, alternative="less")
    for claim in (
        "one-sided p-values for effects less than zero (t tests), and on p-values of F",
        "voxels with z < -3.1 (z > 3.1 where F was tested) that share",
        "for the voxels of either sign in each (t tests), and",
        "an F test; F values were turned",  # the degrees of freedom are not known
        "; t values (17 degrees of freedom) were turned",
    ):
        assert claim in text


@pytest.mark.parametrize(
    ("estimator", "said", "not_said", "keys"),
    [
        ("ols", "by ordinary least squares", "variances", set()),
        ("fixed", "speaks of these participants and not of others", "t values", {"beckmann2003"}),
        (
            "mixed",
            "t values (at most 17 degrees of freedom)",
            "least squares",
            {"dersimonian1986", "knapp2003", "rover2015"},
        ),
    ],
)
def test_an_estimator_is_told_with_its_sources(
    estimator: str, said: str, not_said: str, keys: set[str]
) -> None:
    text = group_paragraph(replace(AGE, estimator=estimator))
    assert said in text
    assert not_said not in text
    assert set(boilerplate.cited(text)) == {"bids", "pybids"} | keys
    assert all("https://doi.org/10." in one for one in boilerplate.reference_list(text))


def test_fixed_effects_have_no_degrees_of_freedom_in_f() -> None:
    group = replace(AGE, estimator="fixed", contrasts=(("age, mean", "F"),), f_dof=2)
    text = group_paragraph(group)
    assert "with chi-squared over its degrees of freedom, turned into z values" in text
    assert "17" not in text
    by_z = group_paragraph(GroupModel(estimator="fixed", n_maps=21, dof=20))
    assert by_z.endswith("The mean was tested against 0, by z values.")


def test_how_several_maps_became_one_is_told_and_cited() -> None:
    rules = tuple(f"fixed effects over runs 1, {n} (inverse variance)" for n in range(2, 7))
    text = group_paragraph(replace(AGE, rules=rules))
    assert f"before that: {rules[0]}; or {rules[1]}; or {rules[2]}; or likewise" in text
    assert "(2 more) [@beckmann2003]." in text
    equal = group_paragraph(replace(AGE, rules=("mean of runs 1, 2 (equal weights)",)))
    assert "beckmann2003" not in equal


def test_rows_of_a_participant_are_no_participants() -> None:
    people = tuple(f"{n:02d}" for n in range(1, 41))
    group = GroupModel(
        name="sessionSubject",
        regressors=("session.pre", "session.post", *(f"subject.{one}" for one in people[1:])),
        levels={"session": ("pre", "post"), "subject": people},
        contrasts=(("session[post] - session[pre]", "t"),),
        n_maps=80,
        n_participants=40,
    )
    text = group_paragraph(group)
    assert "of 40 participants" in text
    assert "as 80 rows of the design, several of a participant." in text
    assert "regressors session.pre, session.post and an indicator of each participant)" in text
    assert "Categories were session (pre, post); means" in text
    assert "same. Session post minus pre was tested" in text
    assert "one-sample" not in text


def test_many_regressors_are_counted() -> None:
    names = tuple(f"x{n}" for n in range(30))
    assert "x11 and 18 more)" in group_paragraph(GroupModel(regressors=names))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("mean", "mean"),
        ("intercept", "mean"),
        ("age", "slope of age"),
        ("`reaction time`", "slope of reaction time"),
        ("group", "group"),
        ("age:group[b]", "slope of age in group b"),
        ("C(group)[a]", "mean of group a"),
        ("group[a] - group[b]", "group a minus b"),
        ("group[a] - sex[f]", "group a minus sex f"),
        ("age:group[a] - age:group[b]", "age:group[a] - age:group[b]"),
        ("0.5*group[a] + 0.5*group[b]", "0.5*group[a] + 0.5*group[b]"),
        ("age - bmi", "age - bmi"),
    ],
)
def test_only_what_has_a_common_name_is_put_in_words(expression: str, words: str) -> None:
    assert boilerplate.in_words(expression, "t", ("group",)) == words


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
        (
            {"group": GroupModel(estimator="best")},
            r"estimator is 'best', expected one of ols, fixed, mixed",
        ),
    ],
    ids=["method", "alternative", "connectivity", "estimator"],
)
def test_what_has_no_description_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        boilerplate.methods(contrast="c", **wrong)


def analysis_of(contrast: str, n_subjects: int) -> GroupAnalysis:
    """Make an analysis of age and group, of subjects 1 to n."""
    subjects = [f"{n:02d}" for n in range(1, n_subjects + 1)]
    maps = [
        StatMap(Path(f"sub-{one}.nii.gz"), one, {"contrast": contrast}, f"bids:x:sub-{one}")
        for one in subjects
    ]
    rows = tuple(Row(one.subject, {}, (one,), (1.0,), (), "") for one in maps)
    groups = tuple("ab"[n % 2] for n in range(n_subjects))
    ages = tuple(str(20 + n**2 % 7) for n in range(n_subjects))
    table = MapTable("participants.tsv", tuple(subjects), {"age": ages, "group": groups})
    return GroupAnalysis(
        Analysis({"contrast": contrast}, rows, ()),
        group_model(table, "1 + age + C(group)", ["age", "both=group[b] - group[a], age"]).model,
    )


def test_before_a_run_one_text_is_of_all_contrasts_of_a_model() -> None:
    options = Options(bids_dir=Path("in"), output_dir=Path("out"), smoothing_fwhm=6)
    text = plan.methods(options, [analysis_of("faces", 12), analysis_of("houses", 12)])
    for claim in (
        'of the contrasts "faces" and "houses" of 12 participants',
        "kernel of 6 mm",
        "each level counting the same. The slope of age was tested against 0; t values (9 degrees",
        "F values (2 and 9 degrees of freedom)",
    ):
        assert claim in text
    assert "#" not in text


@pytest.mark.parametrize(
    ("method", "more", "claims"),
    [
        (
            "learned",
            {},
            (
                "1,000 random permutations, the maps as they are among them, were drawn (seed 0)",
                "(seed 0), besides 1,000 others that the thresholds were learned from",
                "[@blain2022]",
                "proven where nothing is active; where something is, simulations support it",
                "the errors of all maps are exchangeable [@winkler2014]",
                "[@freedmanlane1983; @winkler2014]",  # age beside the mean, where groups are tested
            ),
        ),
        (
            "aorc",
            {"shift": 9, "random_seed": 3, "n_permutations": 200, "step_down": True},
            ("begun after 9 voxels", "200 random permutations", "(seed 3)", "calibrated again"),
        ),
        ("auto", {}, ("There are 2 families", "0.05 / 2 (for each family)")),
    ],
)
def test_before_a_run_it_is_told_how_maps_will_be_permuted(
    method: str, more: dict[str, Any], claims: tuple[str, ...]
) -> None:
    options = Options(bids_dir=Path("in"), output_dir=Path("out"), inference=method, **more)
    text = plan.methods(options, [analysis_of("faces", 12)])
    for claim in claims:
        assert claim in text
    assert "at least" not in text.split("\n\n")[1]


def test_before_a_run_with_contrasts_that_differ_no_kind_of_permutation_is_claimed() -> None:
    options = Options(bids_dir=Path("in"), output_dir=Path("out"), inference="beta")
    group = analysis_of("faces", 12)
    table = MapTable(
        "participants.tsv",
        tuple(row.subject for row in group.analysis.rows),
        {"age": tuple(str(20 + n**2 % 7) for n in range(12))},
    )
    both = replace(group, model=group_model(table, "1 + age", ["mean", "age"]).model)
    text = plan.methods(options, [both])
    assert "Random sign flips or permutations were drawn" in text
    assert (
        "the errors of each map are symmetric about 0 (for sign flips) and the errors of all maps "
        "are exchangeable (for permutations)"
    ) in text
    one = replace(group, model=group_model(table, "1 + age", ["mean"]).model)
    assert "1,000 random sign flips" in plan.methods(options, [one])


def test_before_a_run_all_distinct_permutations_are_counted() -> None:
    options = Options(bids_dir=Path("in"), output_dir=Path("out"), inference="simes")
    table = MapTable("participants.tsv", tuple(f"{n:02d}" for n in range(9)), {})
    group = analysis_of("faces", 9)
    model = group_model(table, "1", ["mean"]).model
    text = plan.methods(options, [replace(group, model=model)])
    assert "All 256 distinct sign flips were used" in text
    assert "freedmanlane1983" not in text


def test_before_a_run_models_that_differ_have_texts_of_their_own() -> None:
    options = Options(bids_dir=Path("in"), output_dir=Path("out"), estimator="mixed")
    text = plan.methods(options, [analysis_of("faces", 12), analysis_of("houses", 11)])
    first, second = text.split("# Model ageGroup of houses")
    assert first.startswith("# Model ageGroup of faces\n\nFirst-level")
    assert "12 participants" in first
    assert "at most 9 degrees" in first
    assert "11 participants" in second
    assert "at most 8 degrees" in second
