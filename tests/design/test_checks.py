from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.design import Contrast, one_sample, second_level
from bids_ari.errors import InputError


@pytest.mark.parametrize("n_maps", [0, 1])
def test_one_subject_is_no_group(n_maps: int) -> None:
    message = r"maps? cannot fit a model of 1 regressor \(intercept\): expected 2 maps or more"
    with pytest.raises(InputError, match=message):
        one_sample(n_maps)


def weighing(*rows: list[float], test: Literal["t", "F"] = "t") -> Contrast:
    return Contrast("c", "as given", np.array(rows), test)


@pytest.mark.parametrize(
    ("months", "message"),
    [
        (12.0 * np.arange(6) + 5, "months is a combination of intercept, age; leave one of them"),
        (1e-5 * np.arange(6), "months is a combination of age; leave one of them out"),
        (np.full(6, 7e6), "months is a combination of intercept; leave one of them out"),
        (np.zeros(6), "the regressor months is 0 for all maps"),
    ],
)
def test_collinear_regressors_are_named(months: NDArray[np.float64], message: str) -> None:
    matrix = np.column_stack([np.ones(6), np.arange(6.0), [0, 1, 0, 0, 1, 0], months])
    names = ["intercept", "age", "sex", "months"]
    with pytest.raises(InputError, match=message):
        second_level("m", names, matrix, [weighing([0, 1, 0, 0])])


def test_units_do_not_make_regressors_collinear(rng: np.random.Generator) -> None:
    matrix = np.column_stack(
        [np.ones(9), 1e9 + 1e7 * rng.normal(size=9), 1e-9 * rng.normal(size=9)]
    )
    assert second_level("m", ["a", "b", "c"], matrix, [weighing([0, 1, 0])]).dof == 6


def test_a_missing_value_is_named() -> None:
    matrix = np.column_stack([np.ones(4), [20, 30, np.nan, 40]])
    with pytest.raises(InputError, match="no value for regressor age in row 3"):
        second_level("m", ["intercept", "age"], matrix, [weighing([0, 1])])


def test_names_fit_the_columns() -> None:
    with pytest.raises(ValueError, match="the design has 2 columns and 1 names"):
        second_level("m", ["a"], np.eye(4)[:, :2], [weighing([1, 0])])


def test_weights_fit_the_columns() -> None:
    with pytest.raises(ValueError, match=r"contrast c has weights \(1, 1\) for 2 regressors"):
        second_level("m", ["a", "b"], np.eye(4)[:, :2], [weighing([1])])


@pytest.mark.parametrize(
    ("contrasts", "message"),
    [
        ([], "the model of a, b has no contrast to test"),
        ([weighing([0, 0])], r"contrast c \(as given\) has no weight other than 0$"),
        ([weighing([0, 1], [0, 0], test="F")], "no weight other than 0 in row 2"),
        ([weighing([1, 1], [2, 2], test="F")], "tests the same twice"),
        ([weighing([1, 0], [0, 1])], "contrast c has 2 rows, expected 1 for a t test"),
        (
            [weighing([1, 0]), weighing([0, 1])],
            r"contrasts c \(as given\) and c \(as given\) would have one name in files",
        ),
    ],
)
def test_a_contrast_that_tests_nothing_is_refused(contrasts: list[Contrast], message: str) -> None:
    with pytest.raises(InputError, match=message):
        second_level("m", ["a", "b"], np.eye(4)[:, :2], contrasts)


def test_the_contrasts_are_kept() -> None:
    model = second_level("m", ["a", "b"], np.eye(4)[:, :2], [weighing([1, -1])])
    assert [one.weights.tolist() for one in model.contrasts] == [[[1, -1]]]
    assert (model.dof, model.regressors) == (2, ("a", "b"))
