"""
The syntax of formulas.

Formulas are evaluated by formulaic, which runs what stands in them as Python. They may come from a
file that somebody else wrote, so what they call is compared with a list first.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from keyword import iskeyword

from bids_ari.design.records import MEANS
from bids_ari.errors import InputError

_FUNCTIONS = frozenset(
    [
        "C",
        "I",
        "bs",
        "cc",
        "center",
        "cr",
        "cs",
        "exp",
        "exp10",
        "exp2",
        "log",
        "log10",
        "log2",
        "poly",
        "scale",
        "standardize",
    ]
)
_MODULES = {
    "np": frozenset(
        ["abs", "exp", "expm1", "log", "log10", "log1p", "log2", "sign", "sqrt", "square"]
    ),
    "contr": frozenset(["SAS", "diff", "helmert", "poly", "sum", "treatment"]),
}
_SYNTAX = (
    ast.Expression, ast.Call, ast.keyword, ast.Name, ast.Attribute, ast.Constant, ast.List,
    ast.Tuple, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load,
)  # fmt: skip
_QUOTED = re.compile(r"`([^`]*)`")


@dataclass(frozen=True, slots=True)
class Factor:
    """A part of a term: a column as it is, a category, or a function of columns."""

    text: str
    """As it stands in a formula."""
    kind: str
    """``column``, ``category`` or ``function``."""
    columns: tuple[str, ...]


def quoted(name: str) -> str:
    """
    Write the name of a column as it stands in a formula.

    Parameters
    ----------
    name : str
        Of a column.

    Returns
    -------
    str
        In quotes where it needs them.

    Raises
    ------
    InputError
        If it cannot be quoted.

    Examples
    --------
    >>> quoted("age"), quoted("age at scan"), quoted("mean")
    ('age', '`age at scan`', '`mean`')
    """
    if "`" in name:
        msg = f"column {name} has a ` in its name, which quotes names in formulas: rename it"
        raise InputError(msg)
    plain = name.isidentifier() and not iskeyword(name) and name not in MEANS
    return name if plain else f"`{name}`"


def parse_formula(text: str) -> list[tuple[Factor, ...]]:
    """
    Take a formula apart.

    Parameters
    ----------
    text : str
        For example ``1 + age + C(group)``; the intercept is there unless ``0`` or ``-1`` is.

    Returns
    -------
    terms : list of tuple of Factor
        An empty tuple for the intercept.

    Raises
    ------
    InputError
        If it is not understood, or calls what is not in the list.

    Examples
    --------
    >>> [[one.kind for one in term] for term in parse_formula("1 + age:C(group)")]
    [[], ['column', 'category']]
    """
    import formulaic  # imports pandas: half a second

    words = [name for name in _QUOTED.findall(text) if iskeyword(name)]
    if words and "(" in text:
        msg = (
            f"the formula {text!r} has column {words[0]} beside functions, and Python reads it as "
            f"a word of its own: rename the column"
        )
        raise InputError(msg)
    try:
        parsed = formulaic.Formula(text)
    except Exception as error:  # its parser raises many kinds
        reason = str(error).strip().split("\n")[0]
        msg = f"the formula {text!r} is not understood: {reason}"
        raise InputError(msg) from error
    if not isinstance(parsed, formulaic.SimpleFormula):
        msg = f"the formula {text!r} has several parts, expected the right-hand side of ~ only"
        raise InputError(msg)
    terms: list[tuple[Factor, ...]] = []
    for term in parsed:
        factors = [one for one in term.factors if one.expr != "1"]
        terms.append(tuple(_factor(one.expr, one.eval_method.value, text) for one in factors))
    _refuse_shadows(terms, text)
    return terms


def _refuse_shadows(terms: Sequence[Sequence[Factor]], formula: str) -> None:
    """Raise an error if a column is taken for a function that is called."""
    factors = [one for term in terms for one in term]
    names = [name for one in factors for name in one.columns]
    shadow = next((name for name in names if name in {*_FUNCTIONS, *_MODULES}), None)
    if shadow is not None and any(one.kind != "column" for one in factors):
        msg = (
            f"the formula {formula!r} has column {shadow} beside functions, one of which is "
            f"called so: rename the column"
        )
        raise InputError(msg)


def _factor(expression: str, method: str, formula: str) -> Factor:
    if method == "lookup":
        return Factor(quoted(expression), "column", (expression,))
    if method == "literal":
        msg = f"the formula {formula!r} has {expression} as a term, expected 0, 1 or columns"
        raise InputError(msg)
    names: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        names[f"column_{len(names)}_"] = match[1]
        return f"column_{len(names) - 1}_"

    try:
        tree = ast.parse(_QUOTED.sub(placeholder, expression), mode="eval")
    except SyntaxError as error:
        msg = f"the formula {formula!r} is not understood: {expression} is no expression"
        raise InputError(msg) from error
    columns = tuple(dict.fromkeys(names.get(one, one) for one in _columns(tree, formula)))
    call = tree.body
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "C":
        if len(columns) != 1 or not call.args or not isinstance(call.args[0], ast.Name):
            msg = f"the formula {formula!r} has {expression}, expected C() of one column"
            raise InputError(msg)
        return Factor(expression, "category", columns)
    text = expression if isinstance(call, ast.Call) else f"{{{expression}}}"
    return Factor(text, "function", columns)


def _columns(tree: ast.AST, formula: str) -> list[str]:
    """Find the names that are no functions; refuse whatever else than arithmetic is done."""
    functions: list[ast.AST] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            module = node.value
            if not (
                isinstance(module, ast.Name) and node.attr in _MODULES.get(module.id, frozenset())
            ):
                _refuse(node, formula)
            functions += [node, module]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id not in _FUNCTIONS:
                _refuse(node.func, formula)
            functions.append(node.func)
        elif not isinstance(node, _SYNTAX):
            _refuse(node, formula)
    return [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not any(node is one for one in functions)
    ]


def _refuse(node: ast.AST, formula: str) -> None:
    known = [*_FUNCTIONS, *(f"{name}.{one}" for name, all_ in _MODULES.items() for one in all_)]
    msg = (
        f"the formula {formula!r} has {ast.unparse(node)}, which it may not; "
        f"it may have columns, arithmetic and {', '.join(sorted(known, key=str.lower))}"
    )
    raise InputError(msg)
