"""The command line, from first-level maps to derivatives and report."""

import errno
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pandas as pd
import psutil
import pytest
from nilearn.image import smooth_img
from scipy import ndimage, stats

from bids_ari.cli import main
from bids_ari.cli.directories import locked
from bids_ari.errors import ExitCode
from bids_ari.simulate import comparison
from bids_ari.stats import hommel_value
from tests.bids_schema import errors_of, validate

STEM = "space-MNI152NLin2009aSym_model-oneSample_contrast-facesVsShapes"
OPTIONS = ["--smoothing-fwhm", "8", "--cluster-threshold", "3.1", "2.3", "--nprocs", "1"]
CUTS = ("z3p1", "z2p3", "tdp0p7")

GOLDEN = sorted(
    [
        ".bidsignore",
        "README.md",
        "dataset_description.json",
        "index.html",
        f"{STEM}.html",
        "logs/CITATION.bib",
        "logs/CITATION.md",
        f"logs/{STEM}_inclusion.tsv",
        f"logs/{STEM}_run.json",
        f"group/{STEM}_design.json",
        f"group/{STEM}_design.tsv",
        *(
            f"group/{STEM}_{name}.{extension}"
            for name in (
                *(f"stat-{stat}_statmap" for stat in ("effect", "variance", "t", "z", "p")),
                *(f"stat-tdp_desc-{desc}_statmap" for desc in ("gradient", *CUTS)),
                *(f"desc-{desc}_dseg" for desc in CUTS),
                "desc-analysis_mask",
            )
            for extension in ("nii.gz", "json")
        ),
        *(
            f"group/{STEM}_{table}.{extension}"
            for table in ("sensitivity", "outliers")
            for extension in ("tsv", "json")
        ),
        *(
            f"figures/{STEM}_{name}.{extension}"
            for name in (
                *(f"stat-z_desc-{desc}_statmap" for desc in ("glass", "slices", "histogram")),
                *(f"stat-tdp_desc-{desc}_statmap" for desc in ("gradient", *CUTS)),
                "desc-analysis_mask",
                "design",
                "outliers",
            )
            for extension in ("png", "svg", "json")
        ),
        f"logs/{STEM}_smdl.json",
        *(f"group/{STEM}_desc-{desc}_dseg.tsv" for desc in CUTS),
        *(
            f"group/{STEM}_desc-{desc}_{table}.{extension}"
            for desc in CUTS
            for table in ("clusters", "peaks")
            for extension in ("tsv", "json")
        ),
    ]
)


def files_of(directory: Path) -> list[str]:
    return sorted(
        path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()
    )


def digests(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (directory / "group").iterdir()
    }


def values(path: Path) -> np.ndarray:
    return np.asarray(nb.Nifti1Image.from_filename(path).dataobj)


@pytest.fixture(scope="module")
def analysed(small_group: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("analysed")
    arguments = [str(small_group), str(folder / "out"), "group", "-w", str(folder / "work")]
    assert main([*arguments, *OPTIONS, "--report-3d"]) == ExitCode.OK
    return folder / "out"


def test_all_files_are_there_and_no_other(analysed: Path) -> None:
    assert files_of(analysed) == GOLDEN


def test_the_tree_is_valid_with_a_schema_that_knows_group_maps(
    analysed: Path, tmp_path: Path
) -> None:
    result = validate(analysed, tmp_path)
    assert errors_of(result) == []
    assert result.returncode == 0, result.stdout


def test_regions_have_their_tables_names_and_bounds(small_group: Path, tmp_path: Path) -> None:
    (atlas,) = small_group.rglob("*_desc-regions_dseg.nii.gz")
    (mask,) = small_group.rglob("*_desc-brain_mask.nii.gz")
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    regions = ["--atlas", str(atlas), "--roi", str(mask), str(mask)]
    assert main([*arguments, *OPTIONS, *regions]) == ExitCode.OK
    tables = [
        f"group/{STEM}_{name}.{extension}"
        for name in ("regions", *(f"desc-{desc}_overlaps" for desc in CUTS))
        for extension in ("tsv", "json")
    ]
    maps = [f"group/{STEM}_desc-atlasRegions_dseg.{one}" for one in ("json", "nii.gz", "tsv")]
    assert files_of(tmp_path / "out") == sorted([*GOLDEN, *tables, *maps])
    np.testing.assert_array_equal(
        values(tmp_path / "out" / maps[1]),
        values(atlas) * values(tmp_path / "out" / "group" / f"{STEM}_desc-analysis_mask.nii.gz"),
    )
    assert errors_of(validate(tmp_path / "out", tmp_path)) == []

    table = pd.read_csv(tmp_path / "out" / tables[0], sep="\t")
    known = pd.read_csv(str(atlas).replace(".nii.gz", ".tsv"), sep="\t")
    known = known.sort_values("index")
    assert table["region"].tolist()[:-1] == known["name"].tolist()
    labels, brain = values(atlas), values(mask) > 0
    assert table["voxels"].tolist() == [
        *((labels[brain] == index).sum() for index in known["index"]),
        brain.sum(),
    ]
    sidecar = json.loads((tmp_path / "out" / "group" / f"{STEM}_sensitivity.json").read_text())
    assert table["discoveries"].iloc[-1] == sidecar["Discoveries"] > 0


def test_a_group_model_with_an_f_test_is_written_and_reported(
    small_group: Path, tmp_path: Path
) -> None:
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    model = [
        "--formula",
        "1 + age + C(group)",
        "--group-contrast",
        "mean",
        "any=age, group[patient]-group[control]",
    ]
    assert main([*arguments, *OPTIONS, *model]) == ExitCode.OK
    stem = STEM.replace("oneSample", "ageGroup")
    of_mean = [name.replace("oneSample", "ageGroup") for name in GOLDEN]
    of_f = [
        name.replace(stem, f"{stem}Any").replace("stat-t_", "stat-F_")
        for name in of_mean
        if stem in name
        and "stat-effect" not in name
        and "stat-variance" not in name
        # this test has no discovery, so that there is nothing to draw
        and not re.match(r"figures/.*_desc-(gradient|tdp0p7)_", name)
    ]
    assert files_of(tmp_path / "out") == sorted([*of_mean, *of_f])
    assert errors_of(validate(tmp_path / "out", tmp_path)) == []
    table = pd.read_csv(tmp_path / "out" / "group" / f"{stem}Any_desc-z3p1_clusters.tsv", sep="\t")
    assert table["sign"].isna().all()
    design = json.loads((tmp_path / "out" / "group" / f"{stem}Any_design.json").read_text())
    assert [len(row) for row in design["Contrast"]] == [3, 3]
    mask = values(tmp_path / "out" / "group" / f"{stem}Any_desc-analysis_mask.nii.gz") > 0
    assert (
        values(tmp_path / "out" / "group" / f"{stem}Any_stat-p_statmap.nii.gz")[~mask] == 1
    ).all()
    page = (tmp_path / "out" / f"{stem}Any.html").read_text()
    assert "F test" in page


@pytest.mark.parametrize(("estimator", "label"), [("fixed", "Fixed"), ("mixed", "Mixed")])
def test_estimators_that_use_variances_run_to_their_report(
    estimator: str, label: str, small_group: Path, tmp_path: Path
) -> None:
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, "--nprocs", "1", "--estimator", estimator]) == ExitCode.OK
    stem = STEM.replace("oneSample", f"oneSample{label}")
    assert (tmp_path / "out" / f"{stem}.html").exists()
    assert (tmp_path / "out" / "logs" / f"{stem}_smdl.json").exists()
    tau2 = tmp_path / "out" / "group" / f"{stem}_stat-tau2_statmap.nii.gz"
    assert tau2.exists() == (estimator == "mixed")
    assert errors_of(validate(tmp_path / "out", tmp_path)) == []


def test_a_table_of_ones_own_tells_who_should_take_part(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "people.tsv"
    rows = [f"sub-{number:02d}\t{20 + number}\n" for number in (*range(1, 13), 99)]
    table.write_text(f"participant_id\tage\n{''.join(rows)}")
    arguments = [str(small_group), str(tmp_path / "out"), "group", "--dry-run"]
    assert main([*arguments, "--participants", str(table), "--covariates", "age"]) == ExitCode.OK
    assert "sub-99\tno\tno first-level map" in capsys.readouterr().out


def test_an_atlas_may_be_named_from_where_one_stands(
    small_group: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (atlas,) = small_group.rglob("*_desc-regions_dseg.nii.gz")
    shutil.copy(atlas, tmp_path / "here_dseg.nii.gz")
    shutil.copy(str(atlas).replace(".nii.gz", ".tsv"), tmp_path / "names.tsv")
    monkeypatch.chdir(tmp_path)
    arguments = [str(small_group), "out", "group", "-w", "work", *OPTIONS]
    assert main([*arguments, "--atlas", "here_dseg.nii.gz:names=names.tsv"]) == ExitCode.OK
    table = pd.read_csv(tmp_path / "out" / "group" / f"{STEM}_regions.tsv", sep="\t")
    assert "region1" in table["region"].tolist()


def test_a_dry_run_finds_the_atlas(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (atlas,) = small_group.rglob("*_desc-regions_dseg.nii.gz")
    arguments = [str(small_group), str(tmp_path / "out"), "group", "--dry-run", "--atlas"]
    assert main([*arguments, str(atlas)]) == ExitCode.OK
    assert f"# atlas regions: {atlas}" in capsys.readouterr().out
    assert main([*arguments, str(tmp_path / "no.nii.gz")]) == ExitCode.NO_INPUT
    assert "no.nii.gz does not exist" in capsys.readouterr().err


def test_results_can_be_held_against_the_truth(
    small_group: Path, analysed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comparison.main([str(small_group), str(analysed)]) == 0
    said = capsys.readouterr().out
    assert "clusters beyond 3.1, two-sided" in said
    assert "largest clusters with TDP >= 0.7, two-sided" in said


def test_maps_are_single_precision_but_p_and_bounds(analysed: Path) -> None:
    dtypes = {
        path.name.split("stat-")[1].split("_")[0]: nb.Nifti1Image.from_filename(path).get_data_dtype()
        for path in (analysed / "group").glob("*_statmap.nii.gz")
    }  # fmt: skip
    expected = dict.fromkeys(("effect", "variance", "t", "z"), np.dtype("f4"))
    # 7 of 10 are less than 0.7 in single precision
    assert dtypes == {**expected, "p": np.dtype("f8"), "tdp": np.dtype("f8")}


def test_images_say_that_they_are_in_a_template_and_in_mm(analysed: Path) -> None:
    for path in (analysed / "group").glob("*.nii.gz"):
        header = nb.Nifti1Image.from_filename(path).header
        assert int(header["sform_code"]) == 4, path.name
        assert header.get_xyzt_units()[0] == "mm", path.name


def test_every_source_is_a_uri_of_a_dataset_that_is_linked(
    analysed: Path, small_group: Path
) -> None:
    description = json.loads((analysed / "dataset_description.json").read_text())
    links = {"": analysed.as_uri(), **description["DatasetLinks"]}
    assert description["DatasetLinks"] == {"firstlevel": small_group.as_uri()}
    n_sources = 0
    for sidecar in (analysed / "group").glob("*.json"):
        for source in json.loads(sidecar.read_text()).get("Sources", []):
            scheme, name, path = source.split(":", 2)
            assert scheme == "bids"
            assert Path(links[name].removeprefix("file://"), path).is_file(), source
            n_sources += 1
    assert n_sources > 40


def test_sidecars_tell_how_it_was_made(analysed: Path) -> None:
    sidecar = json.loads(
        (analysed / "group" / f"{STEM}_stat-tdp_desc-z2p3_statmap.json").read_text()
    )
    n_features = int(values(analysed / "group" / f"{STEM}_desc-analysis_mask.nii.gz").sum())
    told = {
        key: sidecar[key] for key in ("Alpha", "Confidence", "ClusterThreshold", "Connectivity")
    }
    assert told == {"Alpha": 0.05, "Confidence": 0.95, "ClusterThreshold": 2.3, "Connectivity": 18}
    assert sidecar["SmoothingFWHM"] == 8
    assert sidecar["Model"]["NumberOfMaps"] == 12
    assert sidecar["Model"]["DegreesOfFreedom"] == 11
    assert sidecar["NumberOfFeatures"] == n_features
    assert sidecar["HommelValue"] == n_features - sidecar["Discoveries"]
    assert sidecar["Discoveries"] > 0


def test_thresholds_do_not_overwrite_one_another(analysed: Path) -> None:
    z = values(analysed / "group" / f"{STEM}_stat-z_statmap.nii.gz")
    for desc, threshold in (("z3p1", 3.1), ("z2p3", 2.3)):
        labels = values(analysed / "group" / f"{STEM}_desc-{desc}_dseg.nii.gz")
        np.testing.assert_array_equal(labels > 0, np.abs(z) > threshold)
        table = pd.read_csv(analysed / "group" / f"{STEM}_desc-{desc}_clusters.tsv", sep="\t")
        names = pd.read_csv(analysed / "group" / f"{STEM}_desc-{desc}_dseg.tsv", sep="\t")
        assert table["voxels"].tolist() == np.bincount(labels.ravel())[1:].tolist()
        assert names["index"].tolist() == table["cluster"].tolist()


def test_the_inclusion_table_has_every_participant(analysed: Path, small_group: Path) -> None:
    table = pd.read_csv(
        analysed / "logs" / f"{STEM}_inclusion.tsv", sep="\t", keep_default_na=False
    )
    people = pd.read_csv(small_group / "participants.tsv", sep="\t")
    assert table["participant_id"].tolist() == people["participant_id"].tolist()
    assert set(table["included"]) == {"yes"}
    assert set(table["missing_voxels"]) == {0}


def test_the_run_can_be_repeated_from_what_it_logged(analysed: Path) -> None:
    run = json.loads((analysed / "logs" / f"{STEM}_run.json").read_text())
    assert run["CommandLine"].startswith("bids-ari ")
    assert run["Options"]["cluster_threshold"] == [3.1, 2.3]
    assert {"python", "numpy", "nipype", "bids_ari"} <= set(run["Versions"])
    assert "All-Resolutions Inference" in (analysed / "logs" / "CITATION.md").read_text()


def test_a_run_makes_the_report_that_was_asked_for(analysed: Path) -> None:
    page = (analysed / f"{STEM}.html").read_text(encoding="utf-8")
    assert page.count('<script type="text/plain" id="ex-library">') == 1


def test_reports_are_written_again_from_the_disk_alone(analysed: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(analysed, tmp_path / "elsewhere"))
    for page in copy.glob("*.html"):
        page.unlink()
    before = digests(copy)
    code = main([str(tmp_path / "gone"), str(copy), "group", "--reports-only"])
    assert code == ExitCode.OK
    assert sorted(path.name for path in copy.glob("*.html")) == sorted(
        ["index.html", f"{STEM}.html"]
    )
    assert digests(copy) == before


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, "--dry-run", "--participant-label", "02", "sub-05", "11"]) == 0
    printed = capsys.readouterr().out
    assert f"# {STEM}" in printed
    assert "sub-05\tyes" in printed
    assert "sub-05\t1\n" in printed
    assert "2 degrees of freedom" in printed
    assert list(tmp_path.iterdir()) == []


def test_the_methods_text_alone(small_group: Path, tmp_path: Path) -> None:
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, "--boilerplate-only", "--smoothing-fwhm", "5"]) == 0
    assert files_of(tmp_path) == ["out/logs/CITATION.bib", "out/logs/CITATION.md"]
    assert "5 mm" in (tmp_path / "out" / "logs" / "CITATION.md").read_text()


def test_a_raw_dataset_with_derivatives_gives_the_same(
    small_group: Path, analysed: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    (raw / "sub-01" / "func").mkdir(parents=True)
    (raw / "sub-01" / "func" / "sub-01_task-x_bold.nii.gz").write_bytes(b"never read")
    (raw / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.10.0"}')
    shutil.copy(small_group / "participants.tsv", raw)
    arguments = [str(raw), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS, "-d", f"fitlins={small_group}"]) == 0
    assert files_of(tmp_path / "out") == GOLDEN
    ours, theirs = digests(tmp_path / "out"), digests(analysed)
    assert {name for name in ours if ours[name] != theirs[name]} == {
        f"{STEM}_{name}.json"  # these name the dataset that the maps are from
        for name in (
            "stat-effect_statmap",
            "stat-variance_statmap",
            "desc-analysis_mask",
            "outliers",
        )
    }
    links = json.loads((tmp_path / "out" / "dataset_description.json").read_text())["DatasetLinks"]
    assert links == {"raw": raw.as_uri(), "fitlins": small_group.as_uri()}


def test_missing_values_are_counted_and_said(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    firstlevel = Path(shutil.copytree(small_group, tmp_path / "firstlevel"))
    mask = tmp_path / "mask.nii.gz"
    path = next(firstlevel.rglob("sub-04_*stat-effect_statmap.nii.gz"))
    img = nb.Nifti1Image.from_filename(path)
    data = img.get_fdata(dtype=np.float32)
    nb.Nifti1Image((data != 0).astype(np.uint8), img.affine).to_filename(mask)
    holes = np.flatnonzero(data)[:17]
    data.flat[holes] = np.nan
    nb.Nifti1Image(data, img.affine, img.header).to_filename(path)

    arguments = [str(firstlevel), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS, "--mask", str(mask)]) == 0
    log = capsys.readouterr().err
    assert "sub-04 (17 voxels)" in log
    table = pd.read_csv(tmp_path / "out" / "logs" / f"{STEM}_inclusion.tsv", sep="\t")
    assert table.set_index("participant_id")["missing_voxels"]["sub-04"] == 17
    n_features = np.count_nonzero(values(mask))
    sidecar = tmp_path / "out" / "group" / f"{STEM}_desc-analysis_mask.json"
    assert json.loads(sidecar.read_text())["NumberOfFeatures"] == n_features

    assert main([*arguments, *OPTIONS, "--mask", str(mask), "--missing-voxels", "drop"]) == 0
    told = json.loads(sidecar.read_text())
    assert (told["NumberOfFeatures"], told["LostFeatures"]) == (n_features - 17, 17)


def test_every_option_reaches_the_numbers(small_group: Path, tmp_path: Path) -> None:
    options = "--smoothing-fwhm 9 --alpha 0.2 --alternative less --connectivity 26"
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *options.split(), "--cluster-threshold", "2", "--nprocs", "1"]) == 0
    group = tmp_path / "out" / "group"
    mask = values(group / f"{STEM}_desc-analysis_mask.nii.gz") > 0
    maps = sorted(small_group.rglob("*_stat-effect_statmap.nii.gz"))
    smooth = [smooth_img(path, 9).get_fdata()[mask] for path in maps]

    expected = stats.ttest_1samp(np.array(smooth), 0, alternative="less")
    p_map = values(group / f"{STEM}_stat-p_statmap.nii.gz")
    np.testing.assert_allclose(p_map[mask], expected.pvalue, rtol=1e-3)
    assert (p_map[~mask] == 1).all()
    labels, _ = ndimage.label(
        values(group / f"{STEM}_stat-z_statmap.nii.gz") < -2, np.ones((3, 3, 3))
    )
    table = pd.read_csv(group / f"{STEM}_desc-z2_clusters.tsv", sep="\t")
    assert set(table["sign"]) == {"negative"}
    assert sorted(table["voxels"]) == sorted(np.bincount(labels.ravel())[1:])
    sidecar = json.loads((group / f"{STEM}_desc-z2_clusters.json").read_text())
    assert (
        sidecar["HommelValue"] == hommel_value(p_map[mask], 0.2) < hommel_value(p_map[mask], 0.05)
    )
    assert (sidecar["Alpha"], sidecar["Confidence"]) == (0.2, 0.8)
    t_header = nb.Nifti1Image.from_filename(group / f"{STEM}_stat-t_statmap.nii.gz").header
    assert t_header.get_intent()[:2] == ("t test", (11.0,))


def test_a_map_that_changed_and_an_output_that_was_emptied_are_noticed(
    small_group: Path, tmp_path: Path
) -> None:
    firstlevel = Path(shutil.copytree(small_group, tmp_path / "firstlevel"))
    arguments = [str(firstlevel), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS]) == 0
    before = digests(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    assert main([*arguments, *OPTIONS]) == 0
    assert digests(tmp_path / "out") == before

    path = next(firstlevel.rglob("sub-04_*stat-effect_statmap.nii.gz"))
    img = nb.Nifti1Image.from_filename(path)
    nb.Nifti1Image(-np.asarray(img.dataobj), img.affine, img.header).to_filename(path)
    assert main([*arguments, *OPTIONS]) == 0
    after = digests(tmp_path / "out")
    changed = f"{STEM}_stat-effect_statmap.nii.gz"
    assert after[changed] != before[changed]

    fresh = [str(firstlevel), str(tmp_path / "fresh"), "group", "-w", str(tmp_path / "work2")]
    assert main([*fresh, *OPTIONS]) == 0
    assert digests(tmp_path / "fresh") == after


def test_an_emptied_work_directory_keeps_what_is_not_ours(
    small_group: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "work" / "notes.txt"
    mine.parent.mkdir()
    mine.touch()
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS]) == 0
    (block,) = mine.parent.rglob("block.npy")
    first = block.stat().st_mtime_ns
    assert main([*arguments, *OPTIONS]) == 0
    assert block.stat().st_mtime_ns == first
    assert main([*arguments, *OPTIONS, "--clean-workdir"]) == 0
    assert block.stat().st_mtime_ns > first
    assert mine.exists()


def test_one_bad_analysis_does_not_cost_the_others(
    tmp_path: Path, small_group: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    firstlevel = Path(shutil.copytree(small_group, tmp_path / "firstlevel"))
    for path in sorted(firstlevel.rglob("*_stat-effect_statmap.nii.gz")):
        other = path.with_name(path.name.replace("facesVsShapes", "houses"))
        shutil.copy(path, other)
        if "sub-07" in path.name:
            other.write_bytes(other.read_bytes()[:3000])
    arguments = [str(firstlevel), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS]) == ExitCode.DATA
    last = capsys.readouterr().err.splitlines()[-1]
    assert "sub-07_contrast-houses_stat-effect_statmap.nii.gz is not a whole NIfTI image" in last
    assert last.endswith("(1 of 2 analyses are done)")
    assert files_of(tmp_path / "out") == GOLDEN


def test_a_contrast_of_one_subject_does_not_cost_the_others(
    tmp_path: Path, small_group: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    firstlevel = Path(shutil.copytree(small_group, tmp_path / "firstlevel"))
    path = next(firstlevel.rglob("sub-04_*_stat-effect_statmap.nii.gz"))
    shutil.copy(path, path.with_name(path.name.replace("facesVsShapes", "stray")))
    arguments = [str(firstlevel), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS]) == ExitCode.DATA
    last = capsys.readouterr().err.splitlines()[-1]
    assert "contrast-stray (sub-04): 1 map cannot fit" in last
    assert last.endswith("(1 of 2 analyses are done)")
    assert files_of(tmp_path / "out") == GOLDEN


def test_another_run_in_the_work_directory_is_refused(
    tmp_path: Path, small_group: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "work").mkdir()
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"):
        assert main([*arguments, *OPTIONS]) == ExitCode.CANNOT_CREATE
    with locked(tmp_path / "work"):
        assert main([*arguments, *OPTIONS]) == ExitCode.CANNOT_CREATE
    assert files_of(tmp_path / "out") == []
    assert "another run is using the directory" in capsys.readouterr().err.splitlines()[-1]
    assert main([*arguments, *OPTIONS]) == ExitCode.OK


def test_a_user_without_a_home_is_no_obstacle(small_group: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command(small_group, tmp_path, 1),
        env={**os.environ, "HOME": "/proc/sys"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Matplotlib" not in done.stderr


def test_a_full_disk_is_said_with_the_name_of_the_file(
    small_group: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("bids_ari.files.shutil.copyfile", full)
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS]) == ExitCode.CANNOT_CREATE
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("cannot be written: No space left on device")
    assert str(tmp_path / "out" / "group") in last
    assert not [name for name in files_of(tmp_path / "out") if "nii" in name]


def command(firstlevel: Path, folder: Path, nprocs: int) -> list[str]:
    arguments = [str(firstlevel), str(folder / "out"), "group", "-w", str(folder / "work")]
    return [sys.executable, "-m", "bids_ari", *arguments, *OPTIONS[:-1], str(nprocs)]


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_to_the_same_end(
    small_group: Path, analysed: Path, tmp_path: Path
) -> None:
    midway = 0
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        midway += kill_midway(command(small_group, folder, nprocs=1 + number % 2), folder, number)
        again = subprocess.run(
            command(small_group, folder, nprocs=1 + number % 2),
            capture_output=True,
            text=True,
            check=False,
        )
        assert again.returncode == 0, again.stderr
        assert files_of(folder / "out") == GOLDEN
        assert digests(folder / "out") == digests(analysed)
    assert midway >= 3  # or most moments came too late to say anything


def kill_midway(arguments: list[str], folder: Path, seed: int) -> bool:
    """Kill a run with all its workers at a random moment after it began to compute."""
    start = time.monotonic()
    run = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, start_new_session=True)
    while not list((folder / "work").glob("bids_ari_*")) and run.poll() is None:
        time.sleep(0.01)
    # computing takes about as long as starting to
    time.sleep(random.Random(seed).random() * (time.monotonic() - start))  # noqa: S311
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    return not (folder / "out" / f"{STEM}.html").exists()


@pytest.mark.parametrize("nprocs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_ends_at_once_when_asked_to(
    number: signal.Signals, nprocs: int, small_group: Path, tmp_path: Path
) -> None:
    run = subprocess.Popen(
        command(small_group, tmp_path, nprocs), stderr=subprocess.PIPE, text=True
    )
    while not list((tmp_path / "work").glob("bids_ari_*")):
        time.sleep(0.01)
    run.send_signal(number)
    _, log = run.communicate(timeout=30)
    assert run.returncode == 128 + number
    assert log.splitlines()[-1] == (
        f"bids-ari: error: ended by {number.name}; the same command goes on from here"
    )


def test_a_worker_killed_in_the_middle_of_a_run_ends_it_with_a_message(
    small_group: Path, tmp_path: Path
) -> None:
    run = subprocess.Popen(command(small_group, tmp_path, 2), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    killed = False
    while run.poll() is None and time.monotonic() < deadline and not killed:
        if list((tmp_path / "work").glob("bids_ari_*")):  # from here on, children are workers
            for worker in psutil.Process(run.pid).children():
                worker.kill()
                killed = True
        time.sleep(0.005)
    start = time.monotonic()
    _, log = run.communicate(timeout=60)
    assert killed
    assert run.returncode == ExitCode.FAILURE
    assert time.monotonic() - start < 30
    assert "a worker process was killed, most likely for want of memory" in log.splitlines()[-1]


def test_a_template_is_drawn_again_without_being_asked_for(
    small_group: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = next(small_group.rglob("*_desc-brain_mask.nii.gz"))
    brain = tmp_path / "my brain.nii.gz"
    shutil.copy(image, brain)
    out = tmp_path / "out"
    arguments = [str(small_group), str(out), "group", "-w", str(tmp_path / "work")]
    assert main([*arguments, *OPTIONS, "--template", str(brain)]) == ExitCode.OK
    [kept] = (out / "logs").glob("background-*.nii.gz")
    assert files_of(out) == sorted([*GOLDEN, f"logs/{kept.name}"])
    assert errors_of(validate(out, tmp_path)) == []
    sidecar = out / "figures" / f"{STEM}_stat-tdp_desc-z3p1_statmap.json"
    assert f"bids::logs/{kept.name}" in json.loads(sidecar.read_text())["Sources"]
    page = out / f"{STEM}.html"
    assert f"The image behind the maps is {brain}" in page.read_text()
    figures = {path: path.read_bytes() for path in (out / "figures").glob("*.png")}

    brain.unlink()
    again = ["gone", str(out), "group", "--reports-only"]
    assert main(again) == ExitCode.OK
    assert {path: path.read_bytes() for path in (out / "figures").glob("*.png")} == figures
    assert main([*again, "--template", str(image)]) == ExitCode.OK
    assert f"The image behind the maps is {image}" in page.read_text()
    assert main([*again, "--template", "default"]) == ExitCode.OK
    assert "nonlinear symmetric 2009a" in page.read_text()
    assert files_of(out) == GOLDEN

    capsys.readouterr()
    assert main([*arguments, *OPTIONS, "--template", str(brain)]) == ExitCode.NO_INPUT
    assert capsys.readouterr().err.splitlines()[-1].endswith("my brain.nii.gz does not exist")


def test_a_template_that_is_not_there_is_said_before_anything_is_computed(
    small_group: Path, tmp_path: Path
) -> None:
    home = tmp_path / "templateflow"
    for name in ("Absent", "Other"):
        (home / f"tpl-{name}").mkdir(parents=True)
        (home / f"tpl-{name}" / f"tpl-{name}_res-01_desc-brain_T1w.nii.gz").touch()
    offline = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    for name, message in (
        ("Absent", "is not in {home} and cannot be downloaded (ProxyError); fetch it where"),
        ("Othr", "there is no template Othr in {home}, did you mean Other?"),
    ):
        run = subprocess.run(
            [*command(small_group, tmp_path, 1), "--template", name],
            env={**os.environ, **offline, "TEMPLATEFLOW_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == ExitCode.NO_INPUT, run.stderr
        assert message.format(home=home) in run.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "work").exists()


def test_permutations_are_the_same_in_any_number_of_processes(
    small_group: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bids_ari.cli.reports.write", lambda *_, **__: {})  # takes longest
    asked = ["--inference", "auto", "--n-permutations", "300", "--step-down"]
    outputs = []
    for name, options in (("one", ["--nprocs", "1"]), ("two", ["--nprocs", "2"])):
        arguments = [str(small_group), str(tmp_path / name), "group", *asked, *options]
        assert main([*arguments, "-w", str(tmp_path / f"work{name}")]) == 0
        outputs.append(digests(tmp_path / name))
    assert outputs[0] == outputs[1]
    assert any(name.endswith("_thresholds.tsv") for name in outputs[0])
    other = tmp_path / "other"
    arguments = [str(small_group), str(other), "group", *asked, "--nprocs", "1"]
    assert main([*arguments, "-w", str(tmp_path / "work"), "--random-seed", "1"]) == 0
    differing = {name for name, one in digests(other).items() if one != outputs[0][name]}
    assert any(name.endswith("_permutations.tsv") for name in differing)
    assert not any("stat-p" in name or "stat-z" in name for name in differing if ".nii" in name)
