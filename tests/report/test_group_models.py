"""Pages of group models say what was fitted and tested, and to whose maps."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from bids_ari import report
from tests.report.brute_force import activation, quarters
from tests.report.conftest import Writer, write_analysis
from tests.report.html import HOSTILE, Page
from tests.report.test_sections import rows, section

MINUS = "\N{MINUS SIGN}"
REGRESSORS = ("intercept", "age", "group.patient", "age:group.patient")
AGE_AND_GROUP: dict[str, Any] = {
    "Name": "ageGroup",
    "Estimator": "ols",
    "Expression": "age",
    "Test": "t",
    "Weights": [0.0, 1.0, 0.0, 0.5],
    "Formula": "1 + age + C(group) + age:C(group)",
    "MeansTaken": {"age": 36.885},
    "Levels": {"group": ["control", "patient"]},
}
BOTH: dict[str, Any] = AGE_AND_GROUP | {
    "Expression": "group[patient] - group[control], age",
    "Test": "F",
    "Weights": [[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, -0.5]],
}


def facts(page: Page) -> dict[str, str]:
    """Return what the section on the model lists."""
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", section(page, "model"), re.DOTALL)
    return {name: unescape(re.sub(r"<[^>]*>", "", text)).strip() for name, text in found}


def text_of(page: Page) -> str:
    return page.text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def f_test(tmp_path_factory: pytest.TempPathFactory, brain: nb.Nifti1Image) -> Path:
    root = tmp_path_factory.mktemp("f")
    mask = np.asarray(brain.dataobj) > 0
    z = activation(mask, 7.0)
    z[30, 30, 20:24] = -40.0  # where F is 0
    write_analysis(
        root,
        brain,
        contrast="facesBoth",
        space="",
        alternative="greater",
        z=z,
        regressors=REGRESSORS,
        model=BOTH,
        regions=quarters(mask),
        tdp_thresholds=(0.5,),
        first_level="faces",
    )
    report.write(root)
    return root


def test_an_f_test_has_no_sign_anywhere(f_test: Path) -> None:
    page = Page(next(f_test.glob("task*.html")))
    text = text_of(page)
    without_scripts = re.sub(r"(?s)<script.*?</script>", "", page.source)
    for absent in (">Sign</th>", "Where z", "one-sided", "two-sided", "negative cluster", "n/a"):
        assert absent not in without_scripts, absent
    assert "F test, no sign" in text
    assert "z > 3.1" in text
    alts = [image["alt"] for image in page.all("img")]
    assert any(re.search(r": cluster 1, peak z \d", alt) for alt in alts)
    assert any(re.search(r"from the left: \d+ clusters with z > 3.1$", alt) for alt in alts)
    table = rows(section(page, "numbers"), "Bounds of all")
    assert [cells[:2] for cells in table] == [["F in use", "Simes"], ["F", "Hommel"]]


def test_an_f_test_is_told_with_its_rows(f_test: Path) -> None:
    page = Page(next(f_test.glob("task*.html")))
    assert facts(page)["Tested"] == "any of group patient minus control and slope of age"
    assert facts(page)["As asked for"] == "group[patient] - group[control], age"
    assert facts(page)["Test"] == "F test, no sign, with 2 and 16 degrees of freedom, alpha 0.05"
    assert rows(section(page, "model"), "Weights of the contrast: its 2 rows") == [
        ["intercept", "0", "0"],
        ["age", "0", "1"],
        ["group.patient", "1", "0"],
        ["age:group.patient", "0", f"{MINUS}0.5"],
    ]
    assert "any of the effects tested (group patient minus control and slope of age)" in page.text
    methods = report.methods(report.find(f_test)[0])
    assert 'of the contrast "faces" of 20 participants' in methods
    assert "F values (2 and 16 degrees of freedom)" in methods
    assert "on p-values of F, which has no sign" in methods
    assert "either sign" not in methods
    assert "|z|" not in methods


def test_where_f_is_zero_neither_the_scale_nor_the_histogram_is_spoiled(f_test: Path) -> None:
    page = Page(next(f_test.glob("task*.html")))
    figure = page.source[page.source.index('aria-label="Histogram') :]
    ticks = re.findall(r">\N{MINUS SIGN}?(\d+)</text>", figure[: figure.index("</figure>")])
    assert max(map(int, ticks)) < 12
    assert 7 < strongest(page) < 12


def test_a_weak_f_has_the_scale_of_its_largest_value(
    tmp_path: Path, write_dataset: Writer, brain: nb.Nifti1Image
) -> None:
    z = np.clip(activation(np.asarray(brain.dataobj) > 0, 0), None, 4.2)
    z[30, 30, 20:24] = -40.0
    write_dataset(space="T1w", alternative="greater", z=z, regressors=REGRESSORS, model=BOTH)
    assert strongest(Page(report.write(tmp_path)[0])) == pytest.approx(z.max(), abs=0.05)


def strongest(page: Page) -> float:
    """Return the value of the strongest colour in the legend of z."""
    legend = re.search(
        r'class="legend">.*?<span>([\d.]+)</span>\s*<span>z<', page.source, re.DOTALL
    )
    assert legend is not None
    return float(legend[1])


def test_a_slope_is_told_in_words_with_its_model(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(
        contrast="facesAge",
        space="T1w",
        regressors=REGRESSORS,
        model=AGE_AND_GROUP,
        first_level="faces",
    )
    result = report.find(tmp_path)[0]
    assert report.headline(result).startswith("facesAge (slope of age): at least")
    page = Page(report.write(tmp_path)[0])
    assert "Slope of age in maps of faces" in text_of(page)
    assert "if what is tested (slope of age) is not zero" in page.text
    shown = facts(page)
    assert {name: shown[name] for name in list(shown)[:8]} == {
        "Model": "ageGroup",
        "Formula": "1 + age + C(group) + age:C(group)",
        "Regressors": "intercept, age, group.patient, age:group.patient",
        "Categories": "group: control (reference), patient",
        "Centred": "age less 36.885 (their means over the maps)",
        "Tested": "slope of age",
        "Test": "t, two-sided, alpha 0.05",
        "Estimator": "ordinary least squares: all maps weigh the same",
    }
    assert shown["Maps"] == "20, design of rank 4, 16 residual degrees of freedom"
    assert "Slope of age" in Page(tmp_path / "index.html").text


@pytest.mark.parametrize(
    ("estimator", "test", "expected"),
    [
        (
            "fixed",
            "t",
            {
                "Test": "z, two-sided, alpha 0.05",
                "Maps": "20, design of rank 1; no degrees of freedom, as variances are taken as known",
                "Estimator": "fixed effects: maps are weighted by the inverse",
            },
        ),
        (
            "fixed",
            "F",
            {"Test": "F test, no sign, with 1 and infinity degrees of freedom, alpha 0.05"},
        ),
        (
            "mixed",
            "t",
            {
                "Test": "t, two-sided, alpha 0.05",
                "Maps": "20, design of rank 1, 19 residual degrees of freedom",
                "Estimator": "mixed effects: maps are weighted by the inverse of their own",
            },
        ),
    ],
    ids=["fixed t", "fixed F", "mixed t"],
)
def test_estimators_are_explained(
    tmp_path: Path, write_dataset: Writer, estimator: str, test: str, expected: dict[str, str]
) -> None:
    weights = [[1.0]] if test == "F" else [1.0]
    write_dataset(
        space="T1w",
        alternative="greater" if test == "F" else "two-sided",
        model={"Estimator": estimator, "Test": test, "Weights": weights, "Expression": "mean"},
    )
    page = Page(report.write(tmp_path)[0])
    shown = facts(page)
    for name, start in expected.items():
        assert shown[name].startswith(start)
    assert ("in these participants; fixed effects say nothing" in page.text) == (
        estimator == "fixed"
    )


def test_rows_of_one_participant_are_counted_as_maps_and_as_one(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(space="T1w", n_maps=14, regressors=("session.pre", "session.post"))
    design = tmp_path / "group" / f"{stem}_design.tsv"
    lines = [line.split("\t") for line in design.read_text().splitlines()]
    lines[0].insert(1, "session")
    for at, line in enumerate(lines[1:]):
        line[0] = f"sub-{at // 2 + 1:02d}"
        line.insert(1, ("pre", "post")[at % 2])
    design.write_text("\n".join("\t".join(line) for line in lines))
    page = Page(report.write(tmp_path)[0])
    assert facts(page)["Maps"].startswith("14 of 7 participants, design of rank 2")
    assert "Design matrix: 14 maps" in page.source
    methods = report.methods(report.find(tmp_path)[0])
    assert "of 7 participants" in methods
    assert "as 14 rows of the design, several of a participant" in methods


def test_how_several_maps_became_one_is_said_once(tmp_path: Path, write_dataset: Writer) -> None:
    rule = "fixed effects over runs 1, 2 (inverse variance)"
    people = [(f"sub-{i:02d}", "yes", rule, "0") for i in range(1, 20)]
    write_dataset(
        space="T1w",
        model={"MapsOfParticipants": [rule]},
        participants=[*people, ("sub-20", "yes", f"{rule}, run 1 only", "0")],
    )
    page = Page(report.write(tmp_path)[0])
    assert facts(page)["Maps of a participant"] == rule
    told = rows(section(page, "model"), "In the analysis, with a remark")
    assert told == [["sub-20", "run 1 only"]]
    assert f"became one before that: {rule}" in report.methods(report.find(tmp_path)[0])


def test_where_rules_differ_it_is_told_who_has_which(
    tmp_path: Path, write_dataset: Writer
) -> None:
    two, three = (f"mean of runs {runs} (equal weights)" for runs in ("1, 2", "1, 2, 3"))
    people = [(f"sub-{i:02d}", "yes", three if i == 1 else two, "0") for i in range(1, 21)]
    write_dataset(space="T1w", model={"MapsOfParticipants": [three, two]}, participants=people)
    page = Page(report.write(tmp_path)[0])
    assert facts(page)["Maps of a participant"] == f"{three}; or {two}"
    told = rows(section(page, "model"), "In the analysis, with a remark")
    assert len(told) == 20
    assert told[0] == ["sub-01", three]


def test_a_wide_model_shows_the_weights_that_are_not_zero(
    tmp_path: Path, write_dataset: Writer
) -> None:
    names = ("intercept", *(f"site.{i}" for i in range(1, 40)))
    weights = [0.0] * 40
    weights[3], weights[7] = 1.0, -1.0
    levels = {"site": [str(i) for i in range(40)]}
    write_dataset(
        space="T1w", n_maps=60, regressors=names, model={"Weights": weights, "Levels": levels}
    )
    page = Page(report.write(tmp_path)[0])
    assert rows(
        section(page, "model"), "Weights of the contrast; 38 regressors with weight 0"
    ) == [
        ["site.3", "1"],
        ["site.7", f"{MINUS}1"],
    ]
    assert facts(page)["Regressors"].startswith("40: intercept, site.1,")
    assert facts(page)["Regressors"].endswith("site.19 and 20 more")
    assert facts(page)["Categories"].startswith("site: 0 (reference), 1,")
    assert f"contrast: 1 site.3, {MINUS}1 site.7" in page.source
    assert "blue: positive weights" in page.text


def test_names_of_variables_stay_text(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(
        space="T1w",
        regressors=("intercept", HOSTILE),
        model={
            "Expression": HOSTILE,
            "Formula": HOSTILE,
            "Levels": {HOSTILE: [HOSTILE]},
            "MeansTaken": {HOSTILE: 1.0},
            "MapsOfParticipants": [HOSTILE],
        },
        outliers=[(HOSTILE, 0.1, 1.0, 0.5, 0.2), *((f"sub-{i}", 0, 1, 0.5, 0) for i in range(9))],
    )
    for path in report.write(tmp_path):
        assert "<script>alert" not in path.read_text(encoding="utf-8")


def test_the_model_is_listed_with_the_command_that_repeats_the_run(
    tmp_path: Path, write_dataset: Writer
) -> None:
    stem = write_dataset(space="T1w", stats_model=True)
    record = tmp_path / "logs" / f"{stem}_run.json"
    content = json.loads(record.read_text())
    content["CommandLine"] = (
        "bids-ari /data '/the out' group --covariates age sex --group-by=group -w /work "
        "--formula '1 + age' --group-contrast age 'b=a[x] - a[y]' --no-centering --alpha 0.1"
    )
    content["Options"]["output_dir"] = "/the out"
    record.write_text(json.dumps(content))
    page = Page(report.write(tmp_path)[0])
    assert (
        "bids-ari /data '/the out' group -w /work --alpha 0.1 "
        f"--model '/the out/logs/{stem}_smdl.json'"
    ) in [unescape(one) for one in re.findall(r"<pre>(.*?)</pre>", page.source, re.DOTALL)]
    assert f"logs/{stem}_smdl.json" in {link["href"] for link in page.all("a")}


def test_without_a_model_file_no_command_is_made_up(tmp_path: Path, write_dataset: Writer) -> None:
    write_dataset(space="T1w")
    page = Page(report.write(tmp_path)[0])
    assert "Stats Model" not in page.text


def test_contrasts_of_one_model_stand_together_on_the_index(
    tmp_path: Path, write_dataset: Writer
) -> None:
    for contrast, expression in (("faces", "mean"), ("facesAge", "age"), ("houses", "mean")):
        write_dataset(
            contrast=contrast,
            space="T1w",
            regressors=("intercept", "age"),
            model={"Expression": expression, "Test": "t"},
            first_level=contrast.removesuffix("Age"),
        )
    report.write(tmp_path)
    index = Page(tmp_path / "index.html")
    headings = re.findall(r"<h([23])[^>]*>(?:<a[^>]*>)?(.*?)<", index.source)
    assert headings == [("2", "faces"), ("3", "faces"), ("3", "facesAge"), ("2", "houses")]
    assert "2 contrasts of one model" in index.text
    assert "3 analyses" in index.text


def test_a_page_without_the_new_keys_says_what_it_can(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(space="T1w", older=True, regressors=("intercept", "age"))
    page = Page(report.write(tmp_path)[0])
    shown = facts(page)
    assert shown["Tested"] == "mean"
    assert shown["Maps"] == "20, design of rank 2, 18 residual degrees of freedom"
    assert "Formula" not in shown
    assert "How the maps compare" not in page.text
    assert 'of the contrast "facesVsShapes" of 20 participants' in report.methods(
        report.find(tmp_path)[0]
    )
