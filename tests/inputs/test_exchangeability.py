"""Who may be exchanged with whom, and when that is not enough."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bids_ari.errors import InputError
from bids_ari.inputs import (
    Design,
    GroupAnalysis,
    Permutations,
    collect,
    find_participants,
    group_analyses,
    permutation_plans,
)

SUBJECTS = [f"{number:02d}" for number in range(1, 9)]
SITES = ["a", "a", "a", "a", "b", "b", "b", "b"]


@pytest.fixture
def root(write_dataset: Callable[..., Path]) -> Path:
    """Eight subjects with two sessions, in a table with sites."""
    names = [
        f"sub-{sub}/sub-{sub}_ses-{ses}_contrast-win_stat-effect_statmap.nii.gz"
        for sub in SUBJECTS
        for ses in ("pre", "post")
    ]
    root = write_dataset(names, participants=SUBJECTS)
    ages = [31, 25, 44, 38, 29, 52, 47, 33]
    rows = [
        f"sub-{sub}\t{site}\t{age}" for sub, site, age in zip(SUBJECTS, SITES, ages, strict=True)
    ]
    (root / "participants.tsv").write_text("\n".join(["participant_id\tsite\tage", *rows]) + "\n")
    return root


def analyse(
    root: Path,
    asked: Permutations | None,
    formula: str = "1",
    contrasts: tuple[str, ...] = (),
    **found: Any,
) -> GroupAnalysis:
    participants = find_participants([root])
    design = Design(formula, contrasts, participants=participants, permutations=asked)
    found = found or {"session_label": ["pre"]}
    groups, errors = group_analyses(collect(root, **found), design)
    if errors:
        raise errors[0]
    (group,) = groups
    return group


def test_maps_of_different_participants_are_all_exchanged(root: Path) -> None:
    assert analyse(root, Permutations("simes")).blocks == ()
    assert analyse(root, None).blocks == ()


def test_a_column_tells_the_blocks_and_what_they_cannot_test_is_left_out(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Permutations("simes", blocks="site")
    group = analyse(root, asked, "1 + age")
    assert group.blocks == tuple(SITES)
    assert [one.expression for one in group.model.contrasts] == ["age"]
    assert (
        "not tested: contrast mean: with 2 blocks there are 4 distinct sign flips" in caplog.text
    )
    with pytest.raises(InputError, match=r"contrast mean: with 2 blocks"):
        analyse(root, asked, "1 + age", contrasts=("mean", "age"))


def test_several_maps_of_a_participant_are_exchanged_among_each_other(root: Path) -> None:
    asked = Permutations("simes", alpha=0.05)
    group = analyse(root, asked, "1 + session + C(subject)", within=["session"])
    assert [group.blocks.count(sub) for sub in SUBJECTS] == [2] * 8
    (plan,) = permutation_plans(group.model, group.blocks, asked)
    for order in plan.transformations.table:
        for row, of in enumerate(order):
            assert group.blocks[row] == group.blocks[of]
    assert plan.transformations.exhaustive
    assert plan.n_calibrating == 2**8


@pytest.mark.parametrize("cell", ["", "n/a"])
def test_a_participant_without_a_block_is_named(root: Path, cell: str) -> None:
    table = root / "participants.tsv"
    table.write_text(table.read_text().replace("sub-03\ta", f"sub-03\t{cell}"))
    with pytest.raises(InputError, match=r"participants.tsv has no site for sub-03, whose maps"):
        analyse(root, Permutations("simes", blocks="site"), "1 + age")


def test_a_column_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(InputError, match=r"has no column sites, did you mean site\?"):
        analyse(root, Permutations("simes", blocks="sites"))


def test_a_contrast_that_blocks_leave_nothing_of_is_refused(root: Path) -> None:
    asked = Permutations("simes", blocks="site")
    with pytest.raises(
        InputError, match=r"contrast site\[a\].*: the contrast does not vary within"
    ):
        analyse(root, asked, "1 + site", contrasts=("site[a] - site[b]",))


def test_too_few_ways_to_exchange_are_counted(root: Path) -> None:
    with pytest.raises(
        InputError, match=r"contrast mean: with 8 maps there are 256 .* too few for alpha 0\.001"
    ):
        analyse(root, Permutations("simes", alpha=0.001))
    with pytest.raises(
        InputError, match=r"there are 128 distinct sign flips of 8 maps, too few to learn"
    ):
        analyse(root, Permutations("learned"))
    with pytest.raises(
        InputError, match=r"too few for alpha 0\.005.* 2 families of .* which share alpha 0\.01"
    ):
        analyse(root, Permutations("auto", alpha=0.01))
    analyse(root, Permutations("simes", alpha=0.01))
