"""What is known of permutations before they are made."""

from bids_ari.boilerplate import Calibration
from bids_ari.inputs import GroupAnalysis, Permutations, permutation_plans
from bids_ari.options import Options
from bids_ari.stats import AUTO, RESAMPLED


def permutations_of(options: Options) -> Permutations | None:
    """
    Gather what is asked for of permutations.

    Parameters
    ----------
    options : Options
        What the user asked for.

    Returns
    -------
    Permutations or None
        None for methods without any.
    """
    if options.method not in RESAMPLED:
        return None
    return Permutations(
        method=options.method,
        number=options.n_permutations,
        seed=options.random_seed,
        alpha=options.alpha,
        alternative=options.alternative,  # type: ignore[arg-type]  # one of its choices
        blocks=options.permutation_blocks,
    )


def calibration_of(group: GroupAnalysis, options: Options) -> Calibration | None:
    """
    Gather what the methods text says of permutations.

    Parameters
    ----------
    group : GroupAnalysis
        The model, and what it is of.
    options : Options
        What the user asked for.

    Returns
    -------
    Calibration or None
        None for methods without permutations. What contrasts of the model differ in is left open.
    """
    asked, method = permutations_of(options), options.method
    if asked is None:
        return None
    templates = tuple(one.name for one in AUTO) if method == "auto" else (method,)
    if options.shift:
        templates = (f"{method}{options.shift}",)
    kinds, numbers, n_learning, exact = set(), set(), 0, True
    for plan in permutation_plans(group.model, group.blocks, asked):
        kinds.add(plan.transformations.kind)
        numbers.add((plan.n_calibrating, plan.transformations.exhaustive))
        n_learning, exact = plan.n_learning, exact and plan.exact
    known = len(kinds) == len(numbers) == 1
    number, exhaustive = numbers.pop() if known else (None, False)
    return Calibration(
        templates=templates,
        kind=kinds.pop() if len(kinds) == 1 else None,
        number=number,
        n_learning=n_learning,
        exhaustive=exhaustive,
        seed=options.random_seed,
        residuals=not exact,
        blocks=(options.permutation_blocks or "participant") if group.blocks else "",
        step_down=options.step_down,
    )
