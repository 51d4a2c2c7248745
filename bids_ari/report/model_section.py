"""The group model of a result, in words and as tables."""

from collections.abc import Iterator
from typing import Any

from bids_ari.boilerplate import GroupModel, in_words
from bids_ari.report import words
from bids_ari.report.results import Result

_ESTIMATORS = {
    "ols": "ordinary least squares: all maps weigh the same",
    "fixed": (
        "fixed effects: maps are weighted by the inverse of their variances, which are taken as "
        "known; the result speaks of these participants and not of others"
    ),
    "mixed": (
        "mixed effects: maps are weighted by the inverse of their own variance and a variance "
        "between maps, which is estimated (DerSimonian and Laird; tests after Knapp and Hartung)"
    ),
}
_MOST_NAMES = 20
_FEW_ROWS = 8  # of the table of weights, that are all shown
_MOST_ROWS = 30


def group_model_of(result: Result) -> GroupModel:
    """Gather what the sidecars say of the group model."""
    model = result.model["Model"]
    rows = {line["participant_id"] for line in result.design if "participant_id" in line}
    return GroupModel(
        name=str(model.get("Name", "oneSample")),
        regressors=result.regressors,
        formula=str(model.get("Formula", "")),
        estimator=str(model.get("Estimator", "ols")),
        contrasts=((expression_of(result), result.test),),
        f_dof=len(result.weights) if result.test == "F" else None,
        dof=int(model["DegreesOfFreedom"]) if "DegreesOfFreedom" in model else None,
        n_maps=result.n_maps,
        n_participants=len(rows) or None,
        means_taken={name: float(mean) for name, mean in model.get("MeansTaken", {}).items()},
        levels={name: tuple(map(str, one)) for name, one in model.get("Levels", {}).items()},
        rules=tuple(map(str, model.get("MapsOfParticipants", ()))),
    )


def expression_of(result: Result) -> str:
    """Return what was asked for; older outputs say it by their weights alone."""
    asked = result.model["Model"].get("Expression")
    if asked:
        return str(asked)
    if result.regressors == ("intercept",):
        return "mean"
    return ", ".join(
        " + ".join(
            name if weight == 1 else f"{weight:g}*{name}"
            for name, weight in zip(result.regressors, row, strict=False)
            if weight
        )
        for row in result.weights
    )


def tested(result: Result) -> str:
    """Say in words what was tested; "mean" for the mean of all participants."""
    return in_words(expression_of(result), result.test, tuple(group_model_of(result).levels))


def sides(result: Result) -> str:
    """Say what the test looks for."""
    if result.test == "F":
        return "F test, no sign"
    if result.alternative == "two-sided":
        return "two-sided"
    return f"one-sided ({result.alternative})"


def model_section(result: Result) -> dict[str, Any]:
    """Gather what stands on the page of the group model."""
    group = group_model_of(result)
    return {
        "facts": [
            {"name": name, "text": words.typeset(text), "code": code}
            for name, text, code in _facts(result, group)
        ],
        "contrast": _contrast(result),
        "design_alt": _design_in_words(result),
    }


def _facts(result: Result, group: GroupModel) -> Iterator[tuple[str, str, bool]]:
    yield "Model", group.name, False
    if group.formula:
        yield "Formula", group.formula, True
    yield "Regressors", _names(group.regressors), False
    yield from (("Categories", _levels(name, group), False) for name in group.levels)
    if group.means_taken:
        means = ", ".join(f"{name} less {mean:.6g}" for name, mean in group.means_taken.items())
        yield "Centred", f"{means} (their means over the maps)", False
    expression = expression_of(result)
    yield "Tested", tested(result), False
    if expression not in tested(result):
        yield "As asked for", expression, True
    yield "Test", f"{_statistic(result, group)}, alpha {result.inference['Alpha']}", False
    yield "Estimator", _ESTIMATORS.get(group.estimator, group.estimator), False
    yield "Maps", _maps(group), False
    if group.rules:
        yield "Maps of a participant", "; or ".join(group.rules), False


def _names(names: tuple[str, ...]) -> str:
    shown = words.some(list(names), _MOST_NAMES)
    return shown if len(names) <= _MOST_NAMES else f"{len(names)}: {shown}"


def _levels(name: str, group: GroupModel) -> str:
    """Name the levels, and the one that the others are compared with, if it is plain which."""
    levels = group.levels[name]
    coded = {one for one in levels if f"{name}.{one}" in group.regressors}
    left = [one for one in levels if one not in coded]
    named = [
        f"{one} (reference)" if coded and left == [one] else one for one in levels[:_MOST_NAMES]
    ]
    rest = len(levels) - _MOST_NAMES
    return f"{name}: {', '.join(named)}" + (f" and {rest} more" if rest > 0 else "")


def _statistic(result: Result, group: GroupModel) -> str:
    if result.test == "t":
        return f"{'z' if group.estimator == 'fixed' else 't'}, {sides(result)}"
    dof = f"{group.f_dof} and {group.dof}"
    if group.estimator == "fixed":
        dof = f"{group.f_dof} and infinity"
    return f"{sides(result)}, with {dof} degrees of freedom"


def _maps(group: GroupModel) -> str:
    text = f"{group.n_maps}"
    if group.n_participants and group.n_participants != group.n_maps:
        text += f" of {group.n_participants} participants"
    text += f", design of rank {len(group.regressors)}"
    if group.estimator == "fixed":
        return f"{text}; no degrees of freedom, as variances are taken as known"
    return text if group.dof is None else f"{text}, {group.dof} residual degrees of freedom"


def _contrast(result: Result) -> dict[str, Any] | None:
    """List the weights of regressors, without those that have none where there are many."""
    rows, names = result.weights, result.regressors
    if len(names) < 2 or any(len(row) != len(names) for row in rows) or not rows:
        return None
    columns = list(zip(names, *rows, strict=True))
    with_weight = [one for one in columns if any(one[1:])]
    shown = columns if len(columns) <= _FEW_ROWS else with_weight[:_MOST_ROWS]
    return {
        "n_rows": len(rows),
        "regressors": [
            {"name": name, "weights": [_weight(float(one)) for one in weights]}
            for name, *weights in shown
        ],
        "n_left_out": len(columns) - len(shown),
        "left_out": (
            "with weight 0" if len(with_weight) <= len(shown) else "that the sidecars list"
        ),
    }


def _weight(weight: float) -> str:
    return f"{weight:.4g}".replace("-", words.MINUS)


def _design_in_words(result: Result) -> str:
    contrast = "; ".join(
        ", ".join(
            f"{_weight(weight)} {name}"
            for name, weight in zip(result.regressors, row, strict=False)
            if weight
        )
        for row in result.weights
    )
    return (
        f"Design matrix: {result.n_maps} maps, regressors {_names(result.regressors)}; "
        f"contrast: {contrast}"
    )
