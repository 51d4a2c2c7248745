"""Statistics of transformed data against plain refitting."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from bids_ari.stats import (
    Alternative,
    Beta,
    Exchange,
    NullSample,
    Residuals,
    Simes,
    Template,
    Transformations,
    contrast_maps,
    draw_transformations,
    exchangeable,
    f_maps,
    f_z_and_p_values,
    merge_samples,
    nuisance_residuals,
    resample,
    rotate,
    z_and_sided_p_values,
)
from bids_ari.stats.order_statistics import ERROR
from bids_ari.stats.resampling import _Test

N_FEATURES = 331


class Steps:
    """Levels of which there are few, as those of learned thresholds."""

    name = "steps"

    def k_max(self, n_features: int) -> int:
        return n_features

    def thresholds(self, level: float, n_features: int) -> NDArray[np.float64]:
        return np.asarray(level**2 * np.arange(1, n_features + 1) / n_features)

    def levels(
        self, p_values: NDArray[np.float64], ranks: NDArray[np.integer], n_features: int
    ) -> NDArray[np.float64]:
        return np.asarray(np.floor(20 * np.sqrt(p_values * n_features / ranks)) / 20)


TEMPLATES: list[Template] = [Simes(), Simes(27), Beta(40), Steps()]


class Case(NamedTuple):
    """A group model and how its data may be exchanged."""

    design: NDArray[np.float64]
    contrast: NDArray[np.float64]
    blocks: NDArray[np.int64] | None = None
    alternative: Alternative = "two-sided"


def _cases() -> dict[str, Case]:
    rng = np.random.default_rng(11)
    covariates = rng.normal(size=(13, 2))
    groups = np.repeat(np.eye(2), [5, 8], axis=0)
    three = np.repeat(np.eye(3), [4, 5, 4], axis=0)
    full = np.column_stack([np.ones(13), covariates, rng.normal(size=13)])
    pairs = np.repeat(np.arange(7), 2)
    subjects = (pairs[:, None] == np.arange(7)).astype(float)
    paired = np.column_stack([np.tile([1.0, 0.0], 7), subjects])
    first = np.eye(4)[0]
    return {
        "one sample": Case(np.ones((13, 1)), np.ones(1)),
        "one sample, greater": Case(np.ones((13, 1)), np.ones(1), None, "greater"),
        "one sample, less": Case(np.ones((13, 1)), np.ones(1), None, "less"),
        "mean with nuisance": Case(np.column_stack([np.ones(13), covariates]), np.eye(3)[0]),
        "flips of blocks": Case(np.ones((14, 1)), -np.ones(1), pairs, "greater"),
        "flips onto nuisance": Case(
            np.column_stack([np.ones(6), np.tile([1.0, -1.0], 3)]), -np.eye(2)[0], None, "greater"
        ),
        "two samples": Case(groups, np.array([1.0, -1.0]), None, "less"),
        "two nuisance": Case(full, np.eye(4)[3], None, "greater"),
        "differences": Case(full, np.array([0.0, 1.0, -2.0, 0.5])),
        "F of three groups": Case(three, np.array([[1.0, -1, 0], [0, 1, -1]])),
        "F of flips": Case(full, np.stack([first, np.eye(4)[2]])),
        "F of one row": Case(full, np.eye(4)[1:2]),
        "pairs": Case(paired, np.eye(8)[0], pairs),
        "pairs, permuted freely": Case(paired, np.eye(8)[0]),
        "blocks and nuisance": Case(full, np.eye(4)[2], np.repeat([3, 9, 1], [4, 4, 5])),
    }


CASES = _cases()


def data_of(case: Case, seed: int = 5) -> NDArray[np.float64]:
    """Maps with some effects, features that are 0, constant, or nothing but nuisance."""
    rng = np.random.default_rng(seed)
    n_maps = len(case.design)
    shared = rng.normal(size=(n_maps, 3)) @ rng.normal(size=(3, N_FEATURES))
    data = rng.normal(size=(n_maps, N_FEATURES)) + 0.5 * shared + 3
    regressor = np.linalg.pinv(case.design).T @ np.atleast_2d(case.contrast).T
    data[:, :20] += 12 * regressor.sum(axis=1, keepdims=True)
    data[:, 20] = 0
    data[:, 21] = 3.7
    data[:, 22] = case.design @ np.arange(1, case.design.shape[1] + 1)
    data[:, 23] = data[:, 24]  # ties
    data[:, 25:30] = 2.9 + 1e-4 * rng.normal(size=(n_maps, 5))
    return data


class Prepared(NamedTuple):
    """What resampling takes."""

    residuals: Residuals
    exchange: Exchange
    transformations: Transformations


def prepare(case: Case, n_transformations: int = 41) -> Prepared:
    exchange = exchangeable(case.design, case.contrast, case.blocks, case.alternative)
    return Prepared(
        nuisance_residuals(data_of(case), exchange),
        exchange,
        draw_transformations(exchange, n_transformations, alpha=0.25, seed=3),
    )


def refitted(
    case: Case, data: NDArray[np.float64], source: NDArray[np.int32], sign: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P-values of the textbook: transform nuisance residuals, fit the whole model anew."""
    design, rows = case.design, np.atleast_2d(case.contrast)
    kernel = np.linalg.svd(rows)[2][len(rows) :].T  # of the contrast
    reduced = design @ kernel
    explained = reduced @ np.linalg.pinv(reduced) @ data if kernel.size else 0 * data
    new = explained + sign[:, None] * (data - explained)[source]
    beta = np.linalg.lstsq(design, new)[0]
    rss = np.square(new - design @ beta).sum(axis=0)
    dof = len(design) - design.shape[1]
    effect, inverse = rows @ beta, np.linalg.inv(design.T @ design)
    varies = rss > 1e-24 * np.square(data).sum(axis=0)
    noise = np.where(varies, rss, 1) / dof
    if case.contrast.ndim == 2:
        middle = np.linalg.inv(rows @ inverse @ rows.T)
        f = np.einsum("af,ab,bf->f", effect, middle, effect) / len(rows) / noise
        return np.where(varies, stats.f.sf(f, len(rows), dof), 1.0)
    t = np.where(varies, effect[0] / np.sqrt(noise * (rows @ inverse @ rows.T).item()), 0)
    if case.alternative == "two-sided":
        return np.asarray(2 * stats.t.sf(np.abs(t), dof))
    return np.asarray(stats.t.sf(t if case.alternative == "greater" else -t, dof))


@pytest.mark.parametrize("name", CASES)
def test_all_p_values_are_those_of_fitting_transformed_data_anew(name: str) -> None:
    case = CASES[name]
    some = prepare(case)
    sample = resample(*some, n_smallest=N_FEATURES)
    assert sample.smallest.shape == (some.transformations.table.shape[0], N_FEATURES)
    for number, found in enumerate(sample.smallest):
        expected = refitted(case, data_of(case), *some.transformations.source_and_sign(number))
        np.testing.assert_allclose(found, np.sort(expected), rtol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_the_first_has_the_p_values_of_the_model(name: str) -> None:
    case = CASES[name]
    sample = resample(*prepare(case), n_smallest=N_FEATURES)
    rotated = rotate(data_of(case), case.design)
    if case.contrast.ndim == 2:
        _, p_values = f_z_and_p_values(*f_maps(rotated, case.contrast)[:3])
    else:
        maps = contrast_maps(rotated, case.contrast)
        p_values = z_and_sided_p_values(maps.t, maps.dof)[1][case.alternative]
    np.testing.assert_allclose(sample.smallest[0], np.sort(p_values), rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_scores_are_as_right_as_is_claimed(name: str) -> None:
    case = CASES[name]
    some = prepare(case)
    data = data_of(case)
    data[:, 40:60] = 0  # what transformations make nearly all nuisance
    data[2, 40:60] = np.arange(1, 21)
    test = _Test(nuisance_residuals(data, some.exchange), *some[1:])
    everything = np.arange(N_FEATURES)
    room = np.empty((some.transformations.table.shape[0], N_FEATURES), np.float32)
    for row, scores in enumerate(test.scores(everything, room)):
        p_values = test.exact(row, everything, everything)
        score = scores.astype(np.float64)
        assert np.all(p_values <= test.p_of_score(score - 0.51 * ERROR) * (1 + 1e-9))
        assert np.all(p_values >= test.p_of_score(score + 0.51 * ERROR) * (1 - 1e-9))


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("spread", [1e-3, 1e-6])
def test_far_tails_keep_their_digits(alternative: Alternative, spread: float) -> None:
    rng = np.random.default_rng(1)
    data = 1 + spread * rng.normal(size=(40, 50))
    data[:, ::2] *= -1
    exchange = exchangeable(np.ones((40, 1)), np.ones(1), alternative=alternative)
    flips = draw_transformations(exchange, 30, alpha=0.1)
    residuals = nuisance_residuals(data, exchange)
    sample = resample(residuals, exchange, flips, [Simes()], n_smallest=20)
    maps = contrast_maps(rotate(data, np.ones((40, 1))), np.ones(1))
    expected = np.sort(z_and_sided_p_values(maps.t, maps.dof)[1][alternative])
    assert 0 < expected[0] < 1e-90
    np.testing.assert_allclose(sample.smallest[0], expected[:20], rtol=1e-9)
    np.testing.assert_allclose(
        sample.pivots["simes"][0], np.min(expected * 50 / np.arange(1, 51)), rtol=1e-9
    )


@pytest.mark.parametrize("factor", [2.0**-60, 2.0**60])
@pytest.mark.parametrize("name", ["one sample", "two nuisance"])
def test_the_unit_of_the_data_does_not_matter(name: str, factor: float) -> None:
    some = prepare(CASES[name])
    scaled = nuisance_residuals(factor * data_of(CASES[name]), some.exchange)
    assert same(resample(scaled, *some[1:], TEMPLATES), resample(*some, TEMPLATES))


def brute_pivots(p_values: NDArray[np.float64], template: Template) -> NDArray[np.float64]:
    """The least level over all ranks, of sorted p-values."""
    ranks = np.arange(1, min(p_values.shape[1], template.k_max(N_FEATURES)) + 1)
    some = p_values[:, : ranks.size]
    levels = template.levels(some, np.broadcast_to(ranks, some.shape), N_FEATURES)
    return np.asarray(np.min(levels, axis=1, initial=np.inf))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_pivots_are_the_least_of_all_levels(name: str, template: Template) -> None:
    sample = resample(*prepare(CASES[name]), [template], n_smallest=N_FEATURES)
    np.testing.assert_array_equal(
        sample.pivots[template.name], brute_pivots(sample.smallest, template)
    )


@pytest.mark.parametrize("size", [0, 1, 20, 200])
def test_pivots_of_some_features_know_how_many_there_are_in_all(size: int) -> None:
    some = prepare(CASES["two nuisance"])
    chosen = np.random.default_rng(2).permutation(N_FEATURES) < size
    sample = resample(*some, TEMPLATES, features=chosen, n_smallest=N_FEATURES)
    assert sample.smallest.shape[1] == size
    kept = nuisance_residuals(data_of(CASES["two nuisance"])[:, chosen], some.exchange)
    alone = resample(kept, *some[1:], n_smallest=N_FEATURES)
    np.testing.assert_array_equal(sample.smallest, alone.smallest)
    for template in TEMPLATES:
        np.testing.assert_array_equal(
            sample.pivots[template.name], brute_pivots(sample.smallest, template)
        )
    assert np.isinf(sample.pivots["simes27"]).all() == (size <= 27)


def test_what_is_kept_are_the_smallest_and_some_of_all() -> None:
    some = prepare(CASES["differences"])
    everything = resample(*some, n_smallest=10 * N_FEATURES).smallest
    sample = resample(*some, n_smallest=17, n_ranks=25)
    np.testing.assert_array_equal(sample.smallest, everything[:, :17])
    assert sample.ranks[0] == 1
    assert sample.ranks[-1] == N_FEATURES
    assert 17 < sample.ranks.size <= 25
    np.testing.assert_array_equal(sample.curve, everything[:, sample.ranks - 1])
    nothing = resample(*some, [Simes()], n_smallest=0, n_ranks=0)
    assert (nothing.smallest.size, nothing.curve.size, nothing.ranks.size) == (0, 0, 0)
    np.testing.assert_array_equal(nothing.pivots["simes"], brute_pivots(everything, Simes()))


def same(first: NullSample, second: NullSample) -> bool:
    """Compare to the last bit."""
    return (
        first.smallest.tobytes() == second.smallest.tobytes()
        and first.curve.tobytes() == second.curve.tobytes()
        and all(
            first.pivots[name].tobytes() == second.pivots[name].tobytes() for name in first.pivots
        )
    )


@pytest.mark.parametrize("name", ["one sample", "blocks and nuisance", "F of flips"])
def test_blocks_and_parts_do_not_show(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    some = prepare(case)
    whole = resample(*some, TEMPLATES, n_smallest=50)
    for n_at_once in (1, 7, 40):
        assert same(resample(*some, TEMPLATES, n_smallest=50, n_at_once=n_at_once), whole)
    data = data_of(case)
    for n_features_at_once in (1, 100):
        read = nuisance_residuals(
            lambda start, stop: data[:, start:stop],
            some.exchange,
            n_features=N_FEATURES,
            n_at_once=n_features_at_once,
            scratch=tmp_path / "residuals",
        )
        assert same(resample(read, *some[1:], TEMPLATES, n_smallest=50), whole)
    parts = [some.transformations.part(start, start + 15) for start in (0, 15, 30)]
    samples = [
        resample(some.residuals, some.exchange, part, TEMPLATES, n_smallest=50) for part in parts
    ]
    assert same(merge_samples(samples), whole)


THREADS = """
import sys
import numpy as np
from bids_ari.stats import draw_transformations, exchangeable, nuisance_residuals, resample
from tests.stats.test_resampling import TEMPLATES
rng = np.random.default_rng(4)
data = rng.normal(size=(24, 9000)).astype(np.float32)
design = np.column_stack([np.ones(24), rng.normal(size=(24, 2))])
test = exchangeable(design, np.eye(3)[1])
drawn = draw_transformations(test, 70)
sample = resample(nuisance_residuals(data, test), test, drawn, TEMPLATES, n_smallest=100)
parts = [sample.smallest, sample.curve, *sample.pivots.values()]
sys.stdout.buffer.write(b"".join(one.tobytes() for one in parts))
"""


def test_threads_do_not_show() -> None:
    one, two = (
        subprocess.run(
            [sys.executable, "-c", THREADS],
            env={**os.environ, "OPENBLAS_NUM_THREADS": n_threads},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for n_threads in ("1", "2")
    )
    assert one == two
    assert len(one) > 70 * 100 * 8


def test_samples_of_different_templates_are_not_merged() -> None:
    some = prepare(CASES["one sample"])
    with pytest.raises(ValueError, match=r"samples of the templates simes at .* beta at"):
        merge_samples([resample(*some, [one]) for one in (Simes(), Beta())])
    with pytest.raises(ValueError, match=r"at 1 ranks and of simes at 2 ranks cannot be merged"):
        merge_samples([resample(*some, [Simes()], n_ranks=n_ranks) for n_ranks in (1, 2)])
    with pytest.raises(ValueError, match="there are no samples to merge"):
        merge_samples([])


def test_exhaustive_flips_keep_the_level_whatever_the_orbit() -> None:
    # data of one orbit are equally likely under the null: count those that would be rejected
    case = Case(np.ones((6, 1)), np.ones(1), None, "greater")
    exchange = exchangeable(*case)
    flips = draw_transformations(exchange)
    assert flips.exhaustive
    data = np.random.default_rng(8).standard_t(3, size=(6, 45)) + 0.4
    expected = None
    n_rejected = 0
    for signs in flips.table:
        residuals = nuisance_residuals(signs[:, None] * data, exchange)
        pivots = resample(residuals, exchange, flips, [Simes()]).pivots["simes"]
        if expected is None:
            expected = np.sort(pivots)
        np.testing.assert_allclose(np.sort(pivots), expected, rtol=1e-9)
        n_rejected += pivots[0] < np.sort(pivots)[int(0.05 * 64)]
    assert n_rejected == 3  # of 64


def test_memory_does_not_grow_with_maps(tmp_path: Path) -> None:
    def peak(n_maps: int) -> int:
        rng = np.random.default_rng(n_maps)
        exchange = exchangeable(np.ones((n_maps, 1)), np.ones(1))
        flips = draw_transformations(exchange, 40)

        def read(start: int, stop: int) -> NDArray[np.float32]:
            return rng.standard_normal((n_maps, stop - start), dtype=np.float32)

        tracemalloc.start()
        residuals = nuisance_residuals(
            read, exchange, n_features=20_000, n_at_once=500, scratch=tmp_path / "residuals"
        )
        resample(residuals, exchange, flips, [Simes()], n_at_once=20)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(20)  # imports
    small, large = peak(20), peak(200)  # all data in double precision: 3 and 32 MB
    assert large < small + 4e6


def test_templates_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="the templates beta, simes, beta need different names"):
        resample(*prepare(CASES["one sample"]), [Beta(), Simes(), Beta()])


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    resample(*prepare(CASES["one sample"]), n_at_once=20, progress=lambda *now: told.append(now))
    assert told == [(20, 41), (40, 41), (41, 41)]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (np.ones((4, 3)), r"features 0 to 3 have shape \(4, 3\), expected \(5, 3\)"),
        (np.full((5, 3), np.nan), "data of features 0 to 3 are not all finite"),
    ],
)
def test_data_that_cannot_be_are_refused(data: NDArray[np.float64], what: str) -> None:
    exchange = exchangeable(np.ones((5, 1)), np.ones(1))
    with pytest.raises(ValueError, match=what):
        nuisance_residuals(data, exchange)


def test_a_reader_must_tell_how_much_there_is() -> None:
    exchange = exchangeable(np.ones((5, 1)), np.ones(1))
    with pytest.raises(ValueError, match="n_features is missing"):
        nuisance_residuals(lambda start, stop: np.ones((5, stop - start)), exchange)
