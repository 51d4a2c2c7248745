import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bsmschema.models import BIDSStatsModel

from bids_ari.design import MapTable, SecondLevel, second_level_from_formula, to_stats_model
from bids_ari.errors import ExitCode, InputError
from bids_ari.inputs import StatsModel, group_models, read_stats_model, refuse_unmatched

SUBJECTS = ("03", "01", "10", "02", "05", "04", "07", "06", "09", "08")
"""In no order, so that a design that is sorted shows."""
COLUMNS = {
    "age": ("20.1", "35.7", "41", "25", "33.3", "28", "19", "60.2", "44", "52"),
    "bmi": ("20.5", "22", "31", "25", "23", "24.25", "19", "20", "27", "28"),
    "group": (
        "patient",
        "control",
        "other",
        "patient",
        "control",
        "other",
        "control",
        "patient",
        "other",
        "patient",
    ),
    "site": ("1", "2", "2", "1", "10", "10", "1", "2", "10", "1"),
    "test score": ("1", "3", "2", "5", "4", "7", "6", "9", "8", "11"),
}
X = {"Type": "glm", "X": [1, "age"]}
FACTOR = {
    "Transformer": "pybids-transforms-v1",
    "Instructions": [{"Name": "Factor", "Input": ["group"]}],
}
Read = Callable[..., StatsModel]


def table_with(**changed: Sequence[str | None]) -> MapTable:
    entities = {"subject": SUBJECTS, "contrast": ("win",) * len(SUBJECTS)}
    columns = {**COLUMNS, **entities, **{name: tuple(cells) for name, cells in changed.items()}}
    return MapTable(
        "participants.tsv",
        SUBJECTS,
        columns,
        frozenset(entities),
        {"group": ("patient", "control")},
    )


def node(**changed: Any) -> dict[str, Any]:
    return {
        "Level": "Dataset",
        "Name": "one-sample_dataset",
        "GroupBy": ["contrast"],
        "Model": X,
        "DummyContrasts": {"Test": "t"},
        **changed,
    }


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(*nodes: Mapping[str, Any], **others: Any) -> StatsModel:
        path = tmp_path / "model-test_smdl.json"
        content = {"Name": "test", "BIDSModelVersion": "1.0.0", "Nodes": nodes, **others}
        path.write_text(json.dumps(content))
        return read_stats_model(path)

    return write_and_read


def only(models: Sequence[Any]) -> SecondLevel:
    (one,) = models
    assert isinstance(one.model, SecondLevel)
    return one.model


@pytest.mark.parametrize(
    ("formula", "contrasts"),
    [
        ("1", []),
        ("1 + age + bmi", []),
        ("1 + age + C(group)", ["d=group[other] - group[patient]", "group[control]", "mean"]),
        ("0 + group + `test score`", ["f=group[other] - group[patient], `test score`"]),
        ("1 + C(site)", ["d=site[10] - 1/3*site[1]"]),
        ("age * bmi", []),
        ("1 + C(group) * age", ["age", "s=age:group[other] - age:group[control]"]),
        ("1 + poly(age, 2) + np.log(bmi)", ["curve=poly(age, 2)[2]", "level=1"]),
        ("1 + age + {age ** 2} + `test score`:bmi", []),
        ("1 + C(group, contr.sum) + scale(age)", []),
    ],
)
@pytest.mark.parametrize("center", [True, False])
def test_what_is_written_is_read_back_to_the_bit(
    tmp_path: Path, formula: str, contrasts: list[str], center: bool
) -> None:
    table = table_with()
    wanted = second_level_from_formula(table, formula, contrasts, center=center)
    path = tmp_path / "model-x_smdl.json"
    path.write_text(json.dumps(to_stats_model(wanted)))
    BIDSStatsModel.model_validate_json(path.read_text())
    found = only(group_models(read_stats_model(path), table))
    assert found.matrix.tobytes() == wanted.matrix.tobytes()
    assert [
        (one.name, one.expression, one.test, one.weights.tobytes()) for one in found.contrasts
    ] == [(one.name, one.expression, one.test, one.weights.tobytes()) for one in wanted.contrasts]
    for name in ("name", "regressors", "formula", "columns", "variables", "centred", "levels"):
        assert getattr(found, name) == getattr(wanted, name), name


def test_means_of_many_maps_are_read_back_to_the_bit(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    n_maps = 1003
    subjects = tuple(f"{one:04d}" for one in rng.permutation(n_maps))
    age = tuple(repr(one) for one in rng.normal(40, 13, n_maps).tolist())
    group = tuple(rng.choice(["a", "b"], n_maps).tolist())
    table = MapTable("participants.tsv", subjects, {"age": age, "group": group})
    wanted = second_level_from_formula(table, "1 + age * group")
    path = tmp_path / "model-x_smdl.json"
    path.write_text(json.dumps(to_stats_model(wanted)))
    contrast = {**table.columns, "contrast": ("win",) * n_maps}
    labelled = MapTable("participants.tsv", subjects, contrast, frozenset({"contrast"}))
    found = only(group_models(read_stats_model(path), labelled))
    assert found.matrix.tobytes() == wanted.matrix.tobytes()
    assert found.centred == wanted.centred


def test_rows_stay_with_their_maps(read: Read) -> None:
    model = only(group_models(read(node()), table_with()))
    assert model.matrix[:, 1].tolist() == [float(one) for one in COLUMNS["age"]]
    assert model.name == "oneSampleDataset"
    assert [one.name for one in model.contrasts] == ["intercept", "age"]


@pytest.mark.filterwarnings("ignore")  # of PyBIDS, about pandas
@pytest.mark.parametrize(
    ("X", "formula"),
    [
        (["bmi", "age", "group.*"], ""),
        (["age", "bmi", "group.other"], "0 + age*bmi + `group.other`"),
    ],
)
def test_designs_are_those_of_pybids_with_a_layout(
    tmp_path: Path, read: Read, X: list[str | int], formula: str
) -> None:
    from bids import BIDSLayout
    from bids.modeling import BIDSStatsModelsGraph
    from bids.modeling.statsmodels import ContrastInfo

    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.10.0"}')
    lines = zip(SUBJECTS, *(COLUMNS[name] for name in ("age", "bmi", "group")), strict=True)
    rows = [("participant_id", "age", "bmi", "group"), *((f"sub-{s}", *r) for s, *r in lines)]
    (raw / "participants.tsv").write_text("\n".join("\t".join(row) for row in rows) + "\n")
    scale = {"Name": "Scale", "Input": ["bmi"]}
    steps = {**FACTOR, "Instructions": [*FACTOR["Instructions"], scale]}
    model = {"Type": "glm", "X": X, **({"Formula": formula} if formula else {})}
    dummy = {"Test": "t", "Contrasts": ["age"]}
    asked = read(node(Model=model, Transformations=steps, DummyContrasts=dummy))
    graph = BIDSStatsModelsGraph(BIDSLayout(raw, validate=False), dict(asked.content))
    graph.load_collections()
    inputs = [
        ContrastInfo("win", ["win"], [1], "t", {"subject": one, "contrast": "win"})
        for one in SUBJECTS
    ]
    (made,) = graph.root_node.run(inputs, group_by=["contrast"], missing_values="error")
    order = [list(made.metadata["subject"]).index(one) for one in SUBJECTS]
    found = only(group_models(asked, table_with()))
    assert found.columns == tuple(made.X.columns)
    np.testing.assert_allclose(found.matrix, made.X.to_numpy(float)[order], rtol=1e-12)


def test_means_are_those_of_the_maps_that_take_part(read: Read) -> None:
    scale = [{"Name": "Scale", "Input": ["age"], "Demean": True, "Rescale": False}]
    steps = {"Transformer": "pybids-transforms-v1", "Instructions": scale}
    ages = ("n/a", *COLUMNS["age"][1:])
    (one,) = group_models(read(node(Transformations=steps)), table_with(age=ages), missing="drop")
    assert one.left_out == {0: "n/a in age"}
    assert one.rows == tuple(range(1, 10))
    expected = np.array([float(age) for age in ages[1:]])
    np.testing.assert_allclose(one.model.matrix[:, 1], expected - expected.mean(), atol=1e-13)
    np.testing.assert_allclose(one.model.centred["age"], expected.mean())


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (None, r"participants.tsv has no row for 1 subject \(sub-03\)"),
        ("n/a", r"participants.tsv has n/a in age for 1 subject \(sub-03\)"),
        ("inf", r"participants.tsv has inf in age for 1 subject \(sub-03\)"),
    ],
)
def test_a_value_that_is_missing_is_an_error(read: Read, cell: str | None, message: str) -> None:
    table = table_with(age=(cell, *COLUMNS["age"][1:]))
    with pytest.raises(InputError, match=rf"_smdl.json: node one-sample_dataset: {message}"):
        group_models(read(node()), table)


def test_a_group_that_is_missing_is_an_error(read: Read) -> None:
    asked = node(GroupBy=["contrast", "group"], Model={"Type": "glm", "X": [1]})
    table = table_with(group=(*COLUMNS["group"][:9], "n/a"))
    with pytest.raises(InputError, match=r"has n/a in group for 1 subject \(sub-08\)"):
        group_models(read(asked), table)
    made = group_models(read(asked), table, missing="drop")
    assert [one.left_out[9] for one in made] == ["n/a in group"] * 3


def test_a_value_that_transformations_lose_is_an_error(read: Read) -> None:
    steps = [
        {"Name": "Product", "Input": ["large", "larger"], "Output": ["product"]},
        {"Name": "Scale", "Input": ["product"]},
    ]
    asked = node(
        Transformations={"Transformer": "pybids-transforms-v1", "Instructions": steps},
        Model={"Type": "glm", "X": [1, "product"]},
    )
    large = ("1e200", *COLUMNS["age"][1:])
    with pytest.raises(InputError, match=r"the design cannot be made: NaNs detected in columns"):
        group_models(read(asked), table_with(large=large, larger=large))


def test_a_value_that_is_not_used_may_be_missing(read: Read) -> None:
    table = table_with(bmi=(None,) * 10)
    assert only(group_models(read(node()), table)).dof == 8


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"Model": {"Type": "glm", "X": [1, "group"]}},
            "X has group, which holds text: expected Factor among the transformations",
        ),
        ({"GroupBy": []}, r"GroupBy is \[\], which pools all first-level contrasts in one design"),
        ({"GroupBy": ["contrast", "sex"]}, "participants.tsv has no column sex; there: age, bmi"),
        (
            {"Model": {"Type": "glm", "X": [1, "iq"]}},
            r"variable\(s\) \['iq'\], but these were not",
        ),
        (
            {"Model": {"Type": "glm", "X": [1, "group.*"]}, "Transformations": FACTOR},
            "group.patient is a combination of intercept, group.control, group.other",
        ),
        (
            {"DummyContrasts": {"Test": "t", "Contrasts": ["bmi"]}},
            "contrast bmi has bmi, but the design has intercept, age",
        ),
        ({"Model": {**X, "Formula": "1 + exec(age)"}}, r"has exec, which it may not"),
        (
            {"Model": {**X, "Formula": "1 + np.log(-age)"}},
            "the design has 0 rows for 10 maps: a transformation or the formula",
        ),
    ],
)
def test_a_node_that_would_be_wrong_silently_is_refused(
    read: Read, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"_smdl.json: node one-sample_dataset: .*{message}"):
        group_models(read(node(**changed)), table_with())


def test_contrasts_in_x_are_numbers(read: Read) -> None:
    subjects = tuple(f"{one}" for one in range(5) for _ in range(2))
    columns = {"subject": subjects, "contrast": ("win", "lose") * 5}
    table = MapTable("the dataset", subjects, columns, frozenset(columns))
    weighed = {
        "Name": "diff",
        "ConditionList": ["win", "lose"],
        "Weights": [1, "-1/2"],
        "Test": "t",
    }
    changed = {"GroupBy": [], "Model": {"Type": "glm", "X": ["win", "lose"]}}
    model = only(group_models(read(node(**changed, Contrasts=[weighed])), table))
    assert model.matrix.tolist() == [[1, 0], [0, 1]] * 5
    assert model.contrasts[-1].weights.tolist() == [[1, -0.5]]
    assert model.contrasts[-1].expression == "win + -0.5*lose"


def test_every_group_has_its_model(read: Read) -> None:
    asked = node(GroupBy=["contrast", "group"], Model={"Type": "glm", "X": [1]})
    made = group_models(read(asked), table_with())
    assert [one.model.name for one in made] == [
        "oneSampleDatasetPatient",
        "oneSampleDatasetControl",
        "oneSampleDatasetOther",
    ]
    assert [one.rows for one in made] == [(0, 3, 7, 9), (1, 4, 6), (2, 5, 8)]
    assert made[0].left_out[1] == "group is control"
    assert [one.model.matrix.shape for one in made] == [(4, 1), (3, 1), (3, 1)]


def test_groups_that_would_have_one_name_are_refused(read: Read) -> None:
    asked = node(GroupBy=["contrast", "group"], Model={"Type": "glm", "X": [1]})
    with pytest.raises(InputError, match="two group models would be called oneSampleDatasetAB"):
        group_models(read(asked), table_with(group=("a-b", "a b") * 5))


def test_a_constant_is_not_scaled(read: Read) -> None:
    scale = [{"Name": "Scale", "Input": ["age"], "Demean": True, "Rescale": False}]
    steps = {"Transformer": "pybids-transforms-v1", "Instructions": scale}
    with pytest.raises(InputError, match=r"Cannot scale a column with constant value \(36.0\)"):
        group_models(read(node(Transformations=steps)), table_with(age=("36",) * 10))


def test_an_f_contrast_has_rows(read: Read) -> None:
    both = {"Name": "both", "ConditionList": [1, "age"], "Weights": [[1, 0], [0, 2]], "Test": "F"}
    model = only(group_models(read(node(Contrasts=[both])), table_with()))
    assert model.contrasts[-1].weights.tolist() == [[1, 0], [0, 2]]
    assert (model.contrasts[-1].test, model.contrasts[-1].expression) == ("F", "intercept, 2*age")


def test_filters_choose_the_contrasts_of_a_node(read: Read) -> None:
    run = {**node(), "Level": "Run", "Name": "run", "Model": {"Type": "glm", "X": ["win"]}}
    edges = [{"Source": "run", "Destination": "a", "Filter": {"contrast": ["win"]}}]
    edges += [{"Source": "run", "Destination": "b", "Filter": {"contrast": ["lose"]}}]
    model = read(run, node(Name="a"), node(Name="b"), Edges=edges)
    assert only(group_models(model, table_with())).name == "a"
    with pytest.raises(
        InputError, match="Filter of the edge to b asks for contrast lose; there: win"
    ):
        refuse_unmatched(model, [table_with()])
    refuse_unmatched(model, [table_with(), table_with(contrast=("lose",) * 10)])


def test_a_map_of_any_edge_takes_part(read: Read) -> None:
    run = {**node(), "Level": "Run", "Model": {"Type": "glm", "X": ["win"]}}
    edges = [
        {"Source": name, "Destination": "a", "Filter": {"subject": subjects}}
        for name, subjects in (("run", SUBJECTS[:2]), ("other", SUBJECTS[3:5]))
    ]
    model = read({**run, "Name": "run"}, {**run, "Name": "other"}, node(Name="a"), Edges=edges)
    (one,) = group_models(model, table_with())
    assert one.rows == (0, 1, 3, 4)


def test_input_leaves_subjects_out(read: Read) -> None:
    model = read(node(), Input={"subject": [*SUBJECTS[:6]], "task": ["rest"]})
    (one,) = group_models(model, table_with())
    assert one.rows == (0, 1, 2, 3, 4, 5)
    assert one.left_out[9] == "left out by a filter of the model"
    others = read(node(), Input={"subject": [*SUBJECTS[4:]]})
    table = table_with(age=(*COLUMNS["age"][:6], "n/a", *COLUMNS["age"][7:]))
    (one,) = group_models(others, table, missing="drop")
    assert one.rows == (4, 5, 7, 8, 9)
    assert one.left_out[6] == "n/a in age"
    with pytest.raises(
        InputError, match=r"Input asks for subject 99, did you mean 09\?; there: 01"
    ) as caught:
        refuse_unmatched(read(node(), Input={"subject": ["99"]}), [table_with()])
    assert caught.value.exit_code == ExitCode.NOTHING_SELECTED


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Level": "Group"}, r"Nodes.0.Level: input should be 'Run', 'Session', 'Subject' or"),
        ({"Level": "Subject"}, r"has no node of level Dataset, but one-sample_dataset"),
        ({"Contrats": []}, r"Nodes.0.Contrats is not a key of BIDS Stats Models"),
        ({"Model": {**X, "formula": "1"}}, r"Nodes.0.Model.formula is not a key"),
        (
            {"Model": {**X, "Type": "meta"}},
            r"node one-sample_dataset is of type meta, expected glm",
        ),
        ({"DummyContrasts": None}, r"has neither Contrasts nor DummyContrasts"),
        (
            {"Contrasts": [{"Name": "c", "ConditionList": [1], "Weights": [1, 2], "Test": "t"}]},
            r"contrast c: expected Test t or F and a weight for each of 1 conditions, found t",
        ),
        (
            {"Contrasts": [{"Name": "c", "ConditionList": [1], "Weights": ["1/0"], "Test": "t"}]},
            r'contrast c: expected .* found t and \["1/0"\]',
        ),
        (
            {"Contrasts": [{"Name": "c", "ConditionList": [1], "Weights": [1e999], "Test": "t"}]},
            r"contrast c: expected .* found t and \[Infinity\]",
        ),
    ],
)
def test_an_invalid_model_is_refused_with_the_place(
    read: Read, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=rf"model-test_smdl.json.*{message}") as caught:
        read(node(**changed))
    assert "\n" not in str(caught.value)


def test_nodes_and_edges_fit_together(read: Read) -> None:
    with pytest.raises(InputError, match="has two nodes called one-sample_dataset"):
        read(node(), node())
    with pytest.raises(InputError, match="has an edge of node x; nodes: one-sample_dataset"):
        read(node(), Edges=[{"Source": "x", "Destination": "one-sample_dataset"}])
    with pytest.raises(InputError, match="node b takes the results of node a, which is of level"):
        read(node(Name="a"), node(Name="b"))


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x_smdl.json"
    with pytest.raises(InputError, match=r"x_smdl.json does not exist") as caught:
        read_stats_model(path)
    assert caught.value.exit_code == ExitCode.NO_INPUT
    path.write_text("{")
    with pytest.raises(InputError, match=r"x_smdl.json is not valid JSON: Expecting"):
        read_stats_model(path)
    path.write_text("[]")
    with pytest.raises(
        InputError, match=r"x_smdl.json is not a BIDS Stats Model: the file: input"
    ):
        read_stats_model(path)
