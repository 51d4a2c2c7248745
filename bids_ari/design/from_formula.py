"""The group model that a formula and expressions describe."""

from collections.abc import Sequence

from bids_ari.design.checks import check_contrasts, check_design
from bids_ari.design.expressions import contrast_of
from bids_ari.design.formula import Formula, complete_rows, read_formula
from bids_ari.design.matrix import code
from bids_ari.design.records import GroupModel, SecondLevel, label
from bids_ari.design.shorthand import default_contrasts
from bids_ari.design.syntax import quoted
from bids_ari.design.table import MapTable


def second_level_from_formula(
    table: MapTable,
    formula: str = "1",
    contrasts: Sequence[str] = (),
    *,
    center: bool = True,
    group_by: str = "",
    name: str = "",
) -> SecondLevel:
    """
    Make the design matrix and the contrasts.

    Numeric columns are centred over the rows of the table, before they are multiplied with each
    other. A column that stands in a function anywhere (``np.log(age)``, ``poly(age, 2)``,
    ``center(age)``) is left to the formula: it is not centred, and contrasts hold it at its mean.

    Parameters
    ----------
    table : MapTable
        What is known of each map; everything that is used must be known.
    formula : str
        As formulaic understands it: ``1 + age + C(group)``.
    contrasts : sequence of str
        ``NAME=EXPRESSION``; by default those of :func:`default_contrasts`.
    center : bool
        Whether to centre. If not, contrasts hold numeric columns at 0.
    group_by : str
        Column of which the default contrasts compare the levels.
    name : str
        Label of the model; by default made of its variables.

    Returns
    -------
    SecondLevel

    Raises
    ------
    InputError
        If a column or level is not there, a value is missing, or the model cannot be estimated.

    Examples
    --------
    >>> table = MapTable("participants.tsv", ("1", "2", "3", "4"), {"age": ("20", "25", "30", "41")})
    >>> model = second_level_from_formula(table, "1 + age")
    >>> model.regressors, model.matrix[:, 1], dict(model.centred)
    (('intercept', 'age'), array([-9., -4.,  1., 12.]), {'age': 29.0})
    >>> [(one.name, one.weights.tolist()) for one in model.contrasts]
    [('intercept', [[1.0, 0.0]]), ('age', [[0.0, 1.0]])]
    """
    complete_rows(table, formula)
    read = read_formula(formula, table)
    coded = code(read, table, center=center)
    # contrasts hold functions at a point, where these must have a value
    check_design(coded.regressors, coded.matrix)
    untested = {"subject"} & table.labels
    asked = contrasts or default_contrasts(read, group_by, tuple(untested))
    weighed = tuple(contrast_of(one, coded) for one in asked)
    check_contrasts(coded.regressors, weighed)
    return SecondLevel(
        name or _called(read, center=center),
        coded.regressors,
        coded.matrix,
        weighed,
        formula="" if is_plain(read) else read.text,
        columns=coded.regressors if is_plain(read) else coded.columns,
        variables=read.variables,
        centred=coded.centred,
        levels=dict(sorted(read.categories.items())),
    )


def _called(formula: Formula, *, center: bool) -> str:
    """Name a model by its terms: others of the same variables have other names."""
    terms = [
        "X".join(
            one.columns[0] if one.kind in ("column", "category") else one.text for one in term
        )
        for term in formula.terms
        if term
    ]
    if not center and formula.centrable:
        terms.append("uncentred")
    return label(" ".join(terms)) if terms else "oneSample"


def group_model(
    table: MapTable,
    formula: str = "1",
    contrasts: Sequence[str] = (),
    *,
    center: bool = True,
    group_by: str = "",
    name: str = "",
    missing: str = "error",
) -> GroupModel:
    """
    Choose the maps of which all is known, and make their model.

    Parameters
    ----------
    table : MapTable
        What is known of each map.
    formula, contrasts, center, group_by, name
        As for :func:`second_level_from_formula`; the mean that is taken from a column is that of
        the maps that are left.
    missing : {'error', 'drop'}
        What to do if something is not known of a map.

    Returns
    -------
    GroupModel

    Raises
    ------
    InputError
        If something is not known and ``missing`` is ``error``, or as in
        :func:`second_level_from_formula`.
    """
    rows, left_out = complete_rows(table, formula, missing)
    model = second_level_from_formula(
        table.select(rows), formula, contrasts, center=center, group_by=group_by, name=name
    )
    return GroupModel(model, rows, left_out)


def is_plain(formula: Formula) -> bool:
    """Tell whether columns and indicators of levels are all that the matrix is made of."""
    plain_text = all(
        set(text).isdisjoint("*?[]")
        for name, order in formula.categories.items()
        for text in (name, *order)
    ) and all(set(name).isdisjoint("*?[]") for name in formula.numeric)
    return plain_text and all(
        len(term) == 1
        and (
            (term[0].kind == "column")
            or (
                term[0].kind == "category"
                and term[0].text
                in {quoted(term[0].columns[0]), f"C({quoted(term[0].columns[0])})"}
            )
        )
        for term in formula.terms
    )
