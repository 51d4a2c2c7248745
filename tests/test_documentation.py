"""The pages say what the program does: commands, files, columns, fields, layouts."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_ari import tables
from bids_ari.cli import main, parse
from bids_ari.errors import ExitCode
from bids_ari.inputs.naming import FLAVOURS
from bids_ari.outputs import DERIVATIVES, Derivative
from bids_ari.workflows.plugins import choose_plugin
from tests.conftest import AFFINE, SHAPE

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLACES = ("FIRSTLEVEL", "SESSIONS", "RUNS")


def section(page: str, title: str) -> str:
    """Give what follows a heading, up to the next one of its rank."""
    text = (ROOT / "docs" / page).read_text()
    rank = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert rank, f"{page} has no section {title}"
    return re.split(rf"^#{{1,{len(rank[1])}}} ", text[rank.end() :], flags=re.MULTILINE)[0]


def commands(text: str) -> Iterator[list[str]]:
    """Find the command lines, without the name of the program."""
    for line in re.sub(r"\\\n\s+", "", text).splitlines():
        if re.match(r"\s+bids-ari \S+ \S+ group(?! \[)", line):
            yield shlex.split(line, comments=True)[1:]


COMMANDS = [
    pytest.param(one, id=f"{page.name}: {shlex.join(one)}")
    for page in PAGES
    for one in commands(page.read_text())
]
RECIPES = list(commands(section("group_models.md", "Recipes")))


@pytest.mark.parametrize("arguments", COMMANDS)
def test_the_parser_takes_the_commands_of_the_pages(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for option, name in pairwise(arguments[2:]):
        if option == "-d":
            Path(name).mkdir(parents=True)
        elif name.endswith((".json", ".yml", ".nii.gz", ".tsv")):
            Path(name).touch()
    assert parse(arguments).analysis_level == "group"


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 30
    assert {one[0] for one in RECIPES} == set(PLACES)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write what the recipes are about: nine participants, and what they differ by."""
    root = tmp_path_factory.mktemp("recipes")
    rng = np.random.default_rng(0)
    kinds = {
        "FIRSTLEVEL": [f"contrast-{one}" for one in ("faces", "houses")],
        "SESSIONS": [f"ses-{one}_contrast-faces" for one in ("pre", "mid", "post")],
        "RUNS": [f"run-{one}_contrast-faces" for one in (1, 2)],
    }
    header = "participant_id\tage\tscore\tgroup\tsite\n"
    for place, names in kinds.items():
        rows = []
        for number in range(1, 10):
            subject = f"sub-{number:02d}"
            (root / place / subject).mkdir(parents=True)
            for name in names:
                for stat in ("effect", "variance"):
                    img = nb.Nifti1Image(rng.uniform(1, 2, SHAPE).astype(np.float32), AFFINE)
                    img.to_filename(
                        root / place / subject / f"{subject}_{name}_stat-{stat}_statmap.nii.gz"
                    )
            group, site = ("patient", "control")[number % 2], "abc"[number % 3]
            rows.append(f"{subject}\t{20 + number**2}\t{number % 4}\t{group}\t{site}\n")
        (root / place / "participants.tsv").write_text(header + "".join(rows))
    model = re.search(r"```json\n(.*?)```", section("group_models.md", "Recipes"), re.DOTALL)
    assert model
    (root / "study_smdl.json").write_text(model[1])
    return root


@pytest.mark.parametrize(
    "arguments", [pytest.param(one, id=shlex.join(one[3:]) or "mean") for one in RECIPES]
)
def test_a_recipe_is_a_model_of_its_data(
    arguments: list[str],
    datasets: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(datasets)
    assert main([*arguments, "--dry-run"]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "degrees of freedom" in printed or "fixed" in arguments
    for name in (one.partition("=")[0] for one in arguments if "[" in one):
        assert re.search(rf"^{name}\t[tF]\t", printed, re.MULTILINE), printed


@pytest.mark.parametrize("spec", DERIVATIVES.values(), ids=DERIVATIVES)
def test_every_output_is_on_its_page(spec: Derivative) -> None:
    desc = spec.desc or ("atlas*" if spec.per_atlas else "*" if spec.per_cut else "")
    parts = [f"_stat-{spec.stat}" if spec.stat else "", f"_desc-{desc}" if desc else ""]
    name = f"`*{''.join(parts)}_{spec.suffix}{spec.extension}`"
    assert name in section("outputs.md", "Maps and tables in `group/`")


@pytest.mark.parametrize(
    ("title", "columns"),
    [
        ("clusters", tables.CLUSTER_COLUMNS),
        ("peaks", tables.PEAK_COLUMNS),
        ("dseg", tables.LABEL_COLUMNS),
        ("regions", tables.REGION_COLUMNS),
        ("overlaps", tables.OVERLAP_COLUMNS),
        ("outliers", tables.OUTLIER_COLUMNS),
        ("sensitivity", tables.SENSITIVITY_COLUMNS),
        ("thresholds", tables.CRITICAL_COLUMNS),
        ("permutations", tables.PERMUTATION_COLUMNS),
    ],
)
def test_every_column_is_on_the_page(title: str, columns: tuple[tuple[str, str], ...]) -> None:
    text = section("outputs.md", f"`{title}.tsv`")
    found = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    assert [(name, meaning.replace("\\|", "|")) for name, meaning in found] == list(columns)


def test_the_tables_of_the_page_are_those_that_are_written() -> None:
    titles = re.findall(r"^### `(\w+)\.tsv`", (ROOT / "docs/outputs.md").read_text(), re.MULTILINE)
    suffixes = {one.suffix for one in DERIVATIVES.values() if one.extension == ".tsv"}
    assert sorted(titles) == sorted(suffixes)


@pytest.mark.slow
def test_every_field_of_a_sidecar_is_on_the_page(small_group: Path, tmp_path: Path) -> None:
    (atlas,) = small_group.rglob("*_desc-regions_dseg.nii.gz")
    arguments = [str(small_group), str(tmp_path / "out"), "group", "-w", str(tmp_path / "work")]
    runs = (
        ["--formula", "1 + age * C(group)", "--group-contrast", "mean", "any=age, mean"],
        ["--estimator", "mixed", "--atlas", str(atlas)],
        ["--formula", "1 + age", "--inference", "auto", "--n-permutations", "100"],
    )
    fields: set[str] = set()
    for options in runs:
        assert main([*arguments, "--nprocs", "1", *options]) == ExitCode.OK
    for path in (tmp_path / "out" / "group").glob("*.json"):
        sidecar = json.loads(path.read_text())
        fields |= {name for name in sidecar if name[0].isupper()} | {*sidecar.get("Model", ())}
        for nested in ("Permutations", "WithoutPermutations"):
            fields |= {*sidecar.get(nested, ())}
    text = section("outputs.md", "Fields of the sidecars")
    named = set(re.findall(r"`([A-Z]\w+)`", text))
    assert fields <= named
    # of spaces and sessions that this group does not have
    of_templates = {"Name", "Level", "Steps"}
    others = {"Resolution", "SpatialReference", "MapsOfParticipants"}
    assert named - fields - of_templates == others


@pytest.mark.parametrize("flavour", [one.name for one in FLAVOURS])
def test_every_layout_of_maps_is_on_its_page(flavour: str) -> None:
    assert f"| {flavour} |" in (ROOT / "docs/inputs.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([\w./-]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_plugin_file_of_the_page_submits_jobs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = re.search(r"```yaml\n(.*?)```", (ROOT / "docs/platforms.md").read_text(), re.DOTALL)
    assert content
    file = tmp_path / "slurm.yml"
    file.write_text(content[1])
    monkeypatch.setenv("PATH", str(tmp_path))
    sbatch = tmp_path / "sbatch"
    sbatch.touch(0o755)
    name, plugin_args = choose_plugin(1, None, file)
    assert name == "SLURM"
    assert plugin_args["template"].startswith("#!/bin/bash\n#SBATCH")
    assert {"sbatch_args", "max_jobs"} <= set(plugin_args)
