import subprocess
import sys
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.design import MapTable, SecondLevel, group_model, second_level_from_formula
from bids_ari.design.shorthand import formula_of
from bids_ari.errors import InputError

AGE = np.array([20.0, 35, 41, 25, 33, 28, 19, 60])
BMI = np.array([20.5, 22, 31, 25, 23, 24, 19, 21])
PATIENT = np.array([1, 0, 1, 0, 0, 0, 1, 0.0])
SEX = np.array([0, 1, 1, 0, 1, 0, 0, 1.0])
SITES = ("2", "1", "10", "2", "10", "1", "1", "2")


def table_with(**columns: tuple[str | None, ...]) -> MapTable:
    n_maps = len(next(iter(columns.values()), AGE))
    known = {
        "age": tuple(f"{one:g}" for one in AGE),
        "bmi": tuple(f"{one:g}" for one in BMI),
        "group": tuple("patient" if one else "control" for one in PATIENT),
        "sex": tuple("m" if one else "f" for one in SEX),
        "site": SITES,
        "pain-score": ("1", "5", "2", "7", "3", "3", "0", "9"),
    }
    subjects = tuple(f"{one:02d}" for one in range(1, n_maps + 1))
    kept = known if n_maps == len(AGE) else {}
    return MapTable("participants.tsv", subjects, {**kept, **columns})


def weights(model: SecondLevel, name: str) -> list[list[float]]:
    (found,) = (one.weights.tolist() for one in model.contrasts if one.name == name)
    return found  # type: ignore[no-any-return]


def test_matrices_are_those_written_by_hand() -> None:
    ones, age, bmi = np.ones(8), AGE - AGE.mean(), BMI - BMI.mean()
    site = np.array([[one == level for level in ("2", "10")] for one in SITES], float)
    expected: dict[str, tuple[list[str], list[NDArray[np.float64]]]] = {
        "1 + age + C(group)": (["intercept", "age", "group.patient"], [ones, age, PATIENT]),
        "age*bmi": (["intercept", "age", "bmi", "age:bmi"], [ones, age, bmi, age * bmi]),
        "0 + group": (["group.control", "group.patient"], [1 - PATIENT, PATIENT]),
        "1 + C(site)": (["intercept", "site.2", "site.10"], [ones, *site.T]),
        "1 + sex:age": (
            ["intercept", "sex.f:age", "sex.m:age"],
            [ones, age * (1 - SEX), age * SEX],
        ),
        "1 + np.log(age) + bmi": (["intercept", "np.log(age)", "bmi"], [ones, np.log(AGE), bmi]),
        "1 + age + I(age**2)": (["intercept", "age", "I(age ** 2)"], [ones, AGE, AGE**2]),
        "1 + center(age)": (["intercept", "center(age)"], [ones, age]),
    }
    for formula, (regressors, columns) in expected.items():
        model = second_level_from_formula(table_with(), formula, ["1"])
        assert list(model.regressors) == regressors, formula
        np.testing.assert_allclose(model.matrix, np.column_stack(columns), err_msg=formula)


def test_what_was_centred_is_told() -> None:
    model = second_level_from_formula(table_with(), "1 + age + np.log(bmi) + group", ["age"])
    assert model.centred == {"age": AGE.mean()}
    raw = second_level_from_formula(table_with(), "1 + age", center=False)
    assert raw.centred == {}
    np.testing.assert_array_equal(raw.matrix[:, 1], AGE)


@pytest.mark.parametrize(
    "formula",
    [
        "1 + C(group) + age",
        "0 + C(group) + age",
        "1 + C(group, contr.sum) + age",
        "1 + C(group, contr.treatment('patient')) + age",
    ],
)
def test_a_difference_of_levels_does_not_depend_on_their_coding(
    formula: str, rng: np.random.Generator
) -> None:
    model = second_level_from_formula(
        table_with(),
        formula,
        ["d=group[patient] - group[control]", "c=group[control]", "mean", "age"],
    )
    data = rng.normal(size=(8, 5))
    fitted = np.linalg.lstsq(model.matrix, data)[0]
    by_hand = np.linalg.lstsq(np.column_stack([1 - PATIENT, PATIENT, AGE - AGE.mean()]), data)[0]
    for name, expected in {
        "d": by_hand[1] - by_hand[0],
        "c": by_hand[0],
        "intercept": by_hand[:2].mean(axis=0),
        "age": by_hand[2],
    }.items():
        np.testing.assert_allclose((weights(model, name) @ fitted)[0], expected, atol=1e-12)


def test_slopes_are_averaged_over_groups_and_can_be_asked_of_each(
    rng: np.random.Generator,
) -> None:
    model = second_level_from_formula(
        table_with(), "1 + group*age", ["age", "p=age:group[patient]", "level=group[patient]"]
    )
    data, age = rng.normal(size=8), AGE - AGE.mean()
    fitted = np.linalg.lstsq(model.matrix, data)[0]
    slopes, levels = [], []
    for member in (0, 1):
        mine = np.equal(PATIENT, member)
        level, slope = np.linalg.lstsq(
            np.column_stack([np.ones(mine.sum()), age[mine]]), data[mine]
        )[0]
        slopes.append(slope)
        levels.append(level)
    np.testing.assert_allclose(weights(model, "age") @ fitted, [np.mean(slopes)])
    np.testing.assert_allclose(weights(model, "p") @ fitted, [slopes[1]])
    np.testing.assert_allclose(weights(model, "level") @ fitted, [levels[1]])


def test_cells_and_interactions_of_categories_can_be_asked_for() -> None:
    model = second_level_from_formula(
        table_with(),
        "0 + group:sex",
        ["cell=group[patient]:sex[m]", "p=group[patient]", "f=sex[m] - sex[f], 2*group[patient]"],
    )
    assert model.regressors == (
        "group.control:sex.f", "group.patient:sex.f", "group.control:sex.m", "group.patient:sex.m"
    )  # fmt: skip
    assert weights(model, "cell") == [[0, 0, 0, 1]]
    assert weights(model, "p") == [[0, 0.5, 0, 0.5]]
    assert weights(model, "f") == [[-0.5, -0.5, 0.5, 0.5], [0, 1, 0, 1]]
    assert [one.test for one in model.contrasts] == ["t", "t", "F"]


def test_columns_in_functions_are_held_at_their_mean() -> None:
    model = second_level_from_formula(table_with(), "1 + np.log(age)", ["mean"])
    np.testing.assert_allclose(weights(model, "intercept"), [[1, np.log(AGE.mean())]])


def test_a_column_that_is_called_like_the_mean_is_quoted() -> None:
    model = second_level_from_formula(
        table_with(mean=("1", "5", "2", "7", "3", "3", "0", "9")),
        "1 + `mean`",
        ["mean", "m=`mean`"],
    )
    assert weights(model, "intercept") == [[1, 0]]
    assert weights(model, "m") == [[0, 1]]


def test_a_column_with_any_name_can_be_used() -> None:
    model = second_level_from_formula(
        table_with(), "1 + `pain-score` + C(group)", ["p=2*`pain-score`", "q=`pain-score`"]
    )
    assert model.regressors == ("intercept", "pain-score", "group.patient")
    assert weights(model, "p") == [[0, 2, 0]]
    assert weights(model, "q") == [[0, 1, 0]]


def test_regressors_have_the_names_of_formulaic_too() -> None:
    model = second_level_from_formula(
        table_with(),
        "1 + group*age",
        ["a=C(group)[patient]", "b=group[T.patient]:age", "c=group.patient"],
    )
    assert weights(model, "a") == [[1, 1, 0, 0]]
    assert weights(model, "b") == [[0, 0, 0, 1]]
    assert weights(model, "c") == [[0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("iq", "names iq, which the model has not; it has intercept, mean, group"),
        ("group[child]", r"has group\[child\], but the levels of group are control, patient"),
        ("sex[m]", r"names sex\[m\], which the model has not"),
        ("group[patient] group[control]", r"is not understood at 'group\[control\]'"),
        ("age -", "is not understood at '-'"),
        ("x=age,", "is not understood at 'nothing'"),
        ("2", "is not understood at '2'"),
        ("1/0*age", "is not understood at '1/0'"),
        ("(age)", r"is not understood at '\(age\)'"),
        ("x=", "is not NAME=EXPRESSION"),
        ("mean=age", "is called mean, which is the mean of all maps; rename it"),
        ("group[patient] - group[patient]", "has no weight other than 0"),
        ("x=age, 2*age", "tests the same twice"),
        ("age*age", r"is not understood at '\*age'"),
        ("__import__('os')", r"names __import__, which the model has not|is not understood"),
    ],
)
def test_an_expression_that_means_nothing_is_refused(expression: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        second_level_from_formula(table_with(), "1 + C(group) + age", [expression])


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("1 + iq", "participants.tsv has no column iq; there: age, bmi, group, pain-score, sex"),
        ("1 + (age", "is not understood"),
        ("age ~ group", "has several parts, expected the right-hand side of ~ only"),
        ("1 + 2*age", "is not understood: Numeric literals other than"),
        ("1 + exec('x')", r"has exec, which it may not; it may have columns, arithmetic and bs"),
        ("1 + {age.__class__}", r"has age.__class__, which it may not"),
        ("1 + {(lambda: age)()}", r"has lambda: age, which it may not|has \(lambda"),
        ("1 + np.load(age)", "has np.load, which it may not"),
        ("1 + {[a for a in age]}", "which it may not"),
        ("1 + np.log(group)", "takes a function of column group .*, which holds text"),
        ("1 + age + C(age)", "uses age both as a number and as a category"),
        ("1 + C(age, bmi)", r"has C\(age, bmi\), expected C\(\) of one column"),
        ("1 + np.log(age - 100)", r"no value for regressor np.log\(age - 100\) in row 1"),
        ("1 + poly(age, 99)", "cannot be evaluated|cannot fit a model"),
        ("1 + group*sex*C(site)", "8 maps cannot fit a model of 12 regressors"),
    ],
)
def test_a_formula_that_cannot_be_is_refused(formula: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        second_level_from_formula(table_with(), formula)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (("36",) * 4, "column x of participants.tsv is 36 for all 4 maps"),
        (("a",) * 4, "column x of participants.tsv is a for all 4 maps"),
        (("1,5", "2", "3", "4"), r"has '1,5' in column x for sub-01: expected a decimal point"),
        (("1,5", "2,5", "3,1", "4,0"), r"has '1,5' in column x .*: expected a decimal point"),
        (("1", "2", "three", "4"), r"numbers in column x, but 'three' for sub-03; if .* C\(x\)"),
        (("1", "n/a", "NaN", "4"), r"has n/a in x for 2 subjects \(sub-02, sub-03\)"),
        (("1", "2", "Infinity", "4"), r"has inf in x for 1 subject \(sub-03\)"),
        (("1", "2", "-inf", "4"), r"has inf in x for 1 subject \(sub-03\)"),
        (("n/a",) * 7, r"for 7 subjects \(sub-01, sub-02, sub-03, sub-04, sub-05 and 2 more\)"),
    ],
)
def test_a_column_that_is_no_covariate_is_named(cells: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        group_model(table_with(x=cells), "1 + x")


def test_numbers_are_read_strictly() -> None:
    model = second_level_from_formula(
        table_with(x=("1e1", "-.5", "+2.", "007")), "1 + x", center=False
    )
    assert model.matrix[:, 1].tolist() == [10, -0.5, 2, 7]
    grouped = second_level_from_formula(table_with(x=("1_0", "2_0", "1_0", "2_0")), "1 + x")
    assert grouped.levels == {"x": ("1_0", "2_0")}


def test_everybody_without_a_value_leaves_nobody() -> None:
    with pytest.raises(InputError, match="has no subject with a value in all of x"):
        group_model(table_with(x=("n/a",) * 4), "1 + x", missing="drop")


def test_missing_is_one_of_two_words() -> None:
    with pytest.raises(ValueError, match="missing is 'fill', expected error or drop"):
        group_model(table_with(), "1 + age", missing="fill")


def test_categories_are_ordered_by_number_or_as_told() -> None:
    assert second_level_from_formula(table_with(), "1 + C(site)").levels == {
        "site": ("1", "2", "10")
    }
    told = MapTable(
        "participants.tsv", table_with().subjects, table_with().columns, levels={"sex": ("m", "x")}
    )
    model = second_level_from_formula(told, "1 + sex")
    assert (model.levels, model.regressors[1]) == ({"sex": ("m", "f")}, "sex.f")
    np.testing.assert_array_equal(model.matrix[:, 1], 1 - SEX)


@pytest.mark.parametrize(
    ("covariates", "group_by", "expected"),
    [
        ([], "", ["intercept"]),
        (["age", "sex"], "", ["intercept", "age", "mVsF"]),
        (["site-name"], "", ["intercept", "siteName"]),
        ([], "group", ["control", "patient", "patientVsControl"]),
        (["age"], "site", ["site1", "site2", "site10", "site2VsSite1", "site10VsSite1",
                           "site10VsSite2", "site", "age"]),
    ],
)  # fmt: skip
def test_default_contrasts(covariates: list[str], group_by: str, expected: list[str]) -> None:
    table = table_with(**{"site-name": ("a", "b", "c", "a", "b", "c", "a", "b")})
    model = second_level_from_formula(table, formula_of(covariates, group_by), group_by=group_by)
    assert [one.name for one in model.contrasts] == expected
    assert {one.name for one in model.contrasts if one.test == "F"} <= {"site", "siteName"}


def test_what_has_no_slope_or_mean_is_not_tested_by_default() -> None:
    model = second_level_from_formula(table_with(), "0 + age + bmi:`pain-score`")
    assert [one.name for one in model.contrasts] == ["age"]


def test_a_model_with_a_thousand_subjects_and_categories_is_fast(rng: np.random.Generator) -> None:
    n_maps = 2000
    columns = {
        "subject": tuple(f"{one // 2:04d}" for one in range(n_maps)),
        "session": ("1", "2") * (n_maps // 2),
        "mood": tuple(f"{one:.3f}" for one in rng.normal(size=n_maps)),
    }
    table = MapTable(
        "participants.tsv", columns["subject"], columns, frozenset({"subject", "session"})
    )
    small = table.select(range(200))
    start = time.perf_counter()
    model = second_level_from_formula(small, "1 + session + mood + C(subject)")
    assert time.perf_counter() - start < 3
    names = [one.name for one in model.contrasts]
    assert names == ["intercept", "mood", "session2VsSession1"]


def test_nothing_slow_is_imported_for_a_mean() -> None:
    code = (
        "import sys; from bids_ari.design import one_sample; one_sample(3); "
        "print(sorted({'pandas', 'formulaic', 'bids'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
