import numpy as np
import pytest

from bids_ari.design import one_sample, second_level
from bids_ari.errors import InputError


@pytest.mark.parametrize("n_maps", [0, 1])
def test_one_subject_is_no_group(n_maps: int) -> None:
    message = r"maps? cannot fit a model of 1 regressor \(intercept\): expected 2 maps or more"
    with pytest.raises(InputError, match=message):
        one_sample(n_maps)


def test_collinear_regressors_are_named() -> None:
    matrix = np.column_stack([np.ones(6), np.arange(6.0), 2 * np.arange(6.0)])
    with pytest.raises(InputError, match="intercept, age, months are collinear: rank 2"):
        second_level("m", ["intercept", "age", "months"], matrix, np.array([0.0, 1, 0]))


def test_a_missing_value_is_named() -> None:
    matrix = np.column_stack([np.ones(4), [20, 30, np.nan, 40]])
    with pytest.raises(InputError, match="no value for regressor age in row 3"):
        second_level("m", ["intercept", "age"], matrix, np.array([0.0, 1]))


def test_weights_fit_the_columns() -> None:
    with pytest.raises(ValueError, match="2 columns, 2 names and 1 contrast weights"):
        second_level("m", ["a", "b"], np.eye(4)[:, :2], np.array([1.0]))


def test_the_tested_contrast_is_kept() -> None:
    model = second_level("m", ["a", "b"], np.eye(4)[:, :2], np.array([1.0, -1.0]))
    assert model.weights.tolist() == [1, -1]
    assert (model.dof, model.regressors) == (2, ("a", "b"))
