"""Maps unlike the others are shown and said, and few others are."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from bids_ari import report
from bids_ari.report.outliers import reasons, warnings_of
from bids_ari.report.records import Measures
from tests.report.conftest import Writer
from tests.report.html import Page
from tests.report.test_sections import rows, section

USUAL = [
    Measures(f"sub-{i:02d}", 0.01 * i, 1 + 0.02 * i, 0.4 + 0.01 * i, 0.001 * (i % 4))
    for i in range(12)
]
ODD = {
    "usual": (Measures("odd", 0.05, 1.1, 0.45, 0.004), ()),
    "far": (Measures("odd", 0.05, 1.1, 0.45, 0.012), ("share_far",)),
    "not far enough to matter": (Measures("odd", 0.05, 1.1, 0.45, 0.0099), ()),
    "flipped": (Measures("odd", 0.05, 1.1, -0.1, 0.001), ("correlation",)),
    "alike more than others": (Measures("odd", 0.05, 1.1, 0.99, 0.001), ()),
    "shifted": (Measures("odd", -0.4, 1.1, 0.45, 0.001), ("mean",)),
    "noisy": (Measures("odd", 0.05, 2.5, 0.45, 0.001), ("spread",)),
    "smaller scale": (Measures("odd", 0.05, 0.1, 0.45, 0.001), ("spread",)),
    "constant": (Measures("odd", 0.05, 0.0, math.nan, math.nan), ("spread",)),
    "not known": (Measures("odd", math.nan, math.nan, math.nan, math.nan), ()),
}


@pytest.mark.parametrize("name", ODD)
def test_a_map_stands_out_by_what_is_odd_about_it_alone(name: str) -> None:
    odd, expected = ODD[name]
    found = reasons([*USUAL, odd])
    assert found[-1] == expected
    assert not any(found[:-1])


def test_ordinary_maps_rarely_stand_out(rng: np.random.Generator) -> None:
    n_groups, n_maps = 40, 30
    marked = 0
    for _ in range(n_groups):
        maps = [
            Measures(
                f"sub-{i}",
                float(rng.normal()),
                float(rng.lognormal(sigma=0.3)),
                float(rng.normal(0.4, 0.1)),
                float(rng.gamma(2, 0.0013)),
            )
            for i in range(n_maps)
        ]
        marked += sum(bool(names) for names in reasons(maps))
    assert 0 < marked < 0.03 * n_groups * n_maps


def test_of_few_maps_none_stands_out() -> None:
    maps = [*USUAL[:3], Measures("odd", 9.0, 99.0, -0.9, 0.9)]
    assert reasons(maps) == [(), (), (), ()]
    assert list(warnings_of(maps)) == []


def test_where_maps_have_nothing_in_common_no_sign_is_suspicious(rng: np.random.Generator) -> None:
    maps = [
        Measures(f"sub-{i}", 0.0, 1.0, float(r), 0.001)
        for i, r in enumerate(rng.normal(0, 0.05, 20))
    ]
    assert min(one.correlation for one in maps) < 0
    assert list(warnings_of(maps)) == []


def test_maps_grossly_unlike_the_others_are_warned_of() -> None:
    far, flipped, small, large = (
        Measures("sub-91", 0.05, 1.1, 0.45, 0.18),
        Measures("sub-92", 0.05, 1.1, -0.114, 0.06),
        Measures("sub-93", 0.05, 0.11, 0.45, 0.0),
        Measures("sub-94", 0.05, 6.6, 0.45, 0.0),
    )
    assert list(warnings_of([*USUAL, far, flipped, small, large])) == [
        (
            "2 maps are far from the others: sub-91 (18 % of the voxels), sub-92 (6 % of the "
            "voxels); 0.27 % are expected by chance. Look at them: nobody was left out."
        ),
        (
            "1 map correlates negatively with the mean of the others: sub-92 (-0.11); the median "
            "is 0.45; a sign may be flipped. Look at it: nobody was left out."
        ),
        (
            "2 maps have another spread than most: sub-93 (0.1 times the median), sub-94 (6 times "
            "the median); their scale may be another; from smallest to largest 60-fold. Look at "
            "them: nobody was left out."
        ),
    ]


def test_the_page_shows_those_that_stand_out_first_and_by_what(
    tmp_path: Path, write_dataset: Writer
) -> None:
    lines: list[tuple[object, ...]] = [
        (one.row, one.mean, one.spread, one.correlation, one.share_far) for one in USUAL
    ]
    lines.insert(3, ("sub-77_ses-pre", -0.4, 6.6, -0.25, 0.123))
    lines.append(("sub-88", 0.05, 1.1, "n/a", "n/a"))
    write_dataset(space="T1w", outliers=lines)
    page = Page(report.write(tmp_path)[0])
    source = section(page, "model")
    assert "1 of 14 maps stands out. Look at it: nobody was left out." in page.text
    assert rows(source, "Maps that stand out") == [
        ["sub-77_ses-pre", "12.3 %", "\N{MINUS SIGN}0.25", "\N{MINUS SIGN}0.4", "6.6", "5.9"]
    ]
    start = source.index("Maps that stand out")
    first = source[start : source.index("<details class", start)]
    assert re.findall(r"<mark>(.*?)</mark>", source) == re.findall(r"<mark>(.*?)</mark>", first)
    assert len(re.findall("<mark>", first)) == 4
    rest = rows(source, "Maps that do not stand out")
    assert [cells[0] for cells in rest] == [one.row for one in USUAL] + ["sub-88"]
    assert rest[-1][1:3] == ["n/a", "n/a"]
    assert len(page.all("svg")) == 3
    assert "77_ses-pre</text>" in source
    assert any(
        text.startswith("1 map is far") for text in report.warnings(report.find(tmp_path)[0])
    )


def test_a_table_of_outliers_that_makes_no_sense_is_named(
    tmp_path: Path, write_dataset: Writer
) -> None:
    write_dataset(outliers=[("sub-01", "many", 1, 1, 1)])
    with pytest.raises(ValueError, match=r"_outliers.tsv has a line .*: sub-01 many 1 1 1"):
        report.find(tmp_path)
