"""What is known of permutations before they are made."""

import numpy as np

from bids_ari.boilerplate import Calibration
from bids_ari.inputs import GroupAnalysis
from bids_ari.options import Options
from bids_ari.stats import AUTO, RESAMPLED, draw_transformations, exchangeable


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
    method = options.method
    if method not in RESAMPLED:
        return None
    templates = tuple(one.name for one in AUTO) if method == "auto" else (method,)
    if options.shift:
        templates = (f"{method}{options.shift}",)
    n_learning = options.n_permutations if method == "learned" else 0
    kinds, numbers, residuals = set(), set(), False
    for contrast in group.model.contrasts:
        weights = contrast.weights if contrast.test == "F" else contrast.weights[0]
        blocks = np.array(group.blocks) if group.blocks else None
        try:
            exchange = exchangeable(
                group.model.matrix,
                weights,
                blocks,
                options.alternative,  # type: ignore[arg-type]
            )
            drawn = draw_transformations(
                exchange, options.n_permutations + n_learning, alpha=options.alpha
            )
        except ValueError:
            continue  # the run is refused for it, in its own words
        kinds.add(exchange.kind)
        numbers.add((len(drawn) - n_learning, drawn.exhaustive))
        residuals |= exchange.nuisance.shape[1] > (exchange.kind == "permutations")
    known = len(kinds) == len(numbers) == 1
    number, exhaustive = numbers.pop() if known else (None, False)
    return Calibration(
        templates=templates,
        kind=kinds.pop() if len(kinds) == 1 else None,
        number=number,
        n_learning=n_learning,
        exhaustive=exhaustive,
        seed=options.random_seed,
        residuals=residuals,
        blocks=(options.permutation_blocks or "participant") if group.blocks else "",
        step_down=options.step_down,
    )
