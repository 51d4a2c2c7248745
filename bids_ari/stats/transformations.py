"""Sign flips and permutations of maps: all that there are, or random ones."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bids_ari.stats.exchange import Exchange, Kind, kinds_of_maps


@dataclass(frozen=True, slots=True, eq=False)
class Transformations:
    """Transformations of the maps of a group, one in each row."""

    kind: Kind
    table: NDArray[np.int8] | NDArray[np.int32]
    """(n_transformations, n_maps): signs, or which map comes to each place."""
    exhaustive: bool
    """Whether these are all distinct ones: then nothing of them is random."""

    def __len__(self) -> int:
        """Count the transformations."""
        return len(self.table)

    def part(self, start: int, stop: int) -> "Transformations":
        """
        Take some of them, as for one of several processes.

        Parameters
        ----------
        start, stop : int
            From which one, and up to which.

        Returns
        -------
        Transformations
        """
        return replace(self, table=self.table[start:stop])

    def source_and_sign(self, number: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """
        Tell what one transformation does.

        Parameters
        ----------
        number : int
            Which one.

        Returns
        -------
        source : (n_maps,) array
            Which map comes to each place.
        sign : (n_maps,) array
            What it is multiplied with.
        """
        row = self.table[number]
        if self.kind == "sign flips":
            return np.arange(row.size, dtype=np.int32), row.astype(np.float64)
        return row.astype(np.int32), np.ones(row.size)

    def weights(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Transform regressors the other way, so that data can stay as they are.

        Parameters
        ----------
        columns : (n_maps, n_columns) array
            Regressors.

        Returns
        -------
        (n_transformations, n_columns, n_maps) array
            Its product with data is that of the regressors with transformed data.
        """
        if self.kind == "sign flips":
            return self.table[:, None, :] * columns.T
        return columns[np.argsort(self.table, axis=1)].transpose(0, 2, 1)


def draw_transformations(
    exchange: Exchange,
    n_transformations: int = 1000,
    *,
    alpha: float = 0.05,
    seed: int = 0,
    with_identity: bool = True,
) -> Transformations:
    """
    Draw random transformations, or list all if there are no more than asked for.

    Parameters
    ----------
    exchange : Exchange
        What may be exchanged.
    n_transformations : int
        How many at most.
    alpha : float
        Familywise error rate that is to be controlled.
    seed : int
        The same seed gives the same transformations.
    with_identity : bool
        Whether the first leaves the data as they are, which makes tests exact. Without it all are
        random, to learn from.

    Returns
    -------
    Transformations
        The whole table, of which parts can be given to several processes.

    Raises
    ------
    ValueError
        If there are fewer than ``1 / alpha``, or fewer are asked for: nothing could be found.

    Examples
    --------
    >>> from bids_ari.stats.exchange import exchangeable
    >>> flips = draw_transformations(exchangeable(np.ones((3, 1)), np.ones(1)), alpha=0.25)
    >>> flips.table.tolist(), flips.exhaustive
    ([[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1]], True)
    """
    _refuse_few(exchange, n_transformations, alpha)
    rng = np.random.Generator(np.random.PCG64(seed))
    if exchange.kind == "sign flips":
        folded = exchange.n_symmetric  # s and -s give the same p-values
        exhaustive = with_identity and exchange.n_distinct // folded <= n_transformations
        n_units = int(exchange.units.max()) + 1
        if exhaustive:
            free = product([1, -1], repeat=n_units - (folded == 2))
            signs = np.array([(1,) * (folded == 2) + chosen for chosen in free], np.int8)
        else:
            signs = rng.integers(0, 2, size=(n_transformations, n_units), dtype=np.int8) * 2 - 1
            signs[: int(with_identity)] = 1
        return Transformations("sign flips", signs[:, exchange.units], exhaustive)
    exhaustive = with_identity and exchange.n_distinct <= n_transformations
    if exhaustive:
        table = np.array(list(_arrangements(exchange)), np.int32)
    else:
        table = np.tile(np.arange(exchange.n_maps, dtype=np.int32), (n_transformations, 1))
        for unit in range(exchange.units.max() + 1):
            members = np.flatnonzero(exchange.units == unit)
            first = int(with_identity)
            table[first:, members] = rng.permuted(table[first:, members], axis=1)
    return Transformations("permutations", table, exhaustive)


def _refuse_few(exchange: Exchange, n_transformations: int, alpha: float) -> None:
    least = math.ceil(1 / alpha - 1e-9)
    n_useful = exchange.n_distinct // exchange.n_symmetric
    if n_useful < least:
        what = "two-sided test" if exchange.alternative else "F test"
        useful = f" ({n_useful} for a {what})" if exchange.n_symmetric > 1 else ""
        needed = f"at least {least}"
        maps = f"{exchange.n_maps} maps"
        if exchange.kind == "sign flips":
            n_units = int(exchange.units.max()) + 1
            units = "maps" if n_units == exchange.n_maps else "blocks"
            maps = f"{n_units} {units if n_units > 1 else units.removesuffix('s')}"
            needed += f", so {math.ceil(math.log2(least * exchange.n_symmetric))} {units}"
        msg = (
            f"with {maps} there are {exchange.n_distinct} distinct {exchange.kind}{useful}: "
            f"too few for alpha {alpha:g}, which needs {needed}"
        )
        raise ValueError(msg)
    if n_transformations < least:
        msg = (
            f"{n_transformations} {exchange.kind} are too few for alpha {alpha:g}, "
            f"which needs at least {least}"
        )
        raise ValueError(msg)


def _arrangements(exchange: Exchange) -> Iterator[NDArray[np.intp]]:
    """Yield a permutation for each distinct way to put kinds of maps into units."""
    kinds = kinds_of_maps(exchange)
    members = [np.flatnonzero(exchange.units == unit) for unit in range(exchange.units.max() + 1)]
    for chosen in product(*(_orders(kinds[some].tolist()) for some in members)):
        source = np.empty(exchange.n_maps, np.intp)
        for some, order in zip(members, chosen, strict=True):
            # the map that gets the j-th row of a kind comes to the j-th place of that kind
            to = some[np.argsort(kinds[some], kind="stable")]
            source[to] = some[np.argsort(order, kind="stable")]
        yield source


def _orders(kinds: list[int]) -> list[list[int]]:
    """All distinct orders of some labels that may be equal, first that in which they are."""
    orders: list[list[int]] = [[]]
    for _ in kinds:
        orders = [
            [*order, kind]
            for order in orders
            for kind in sorted(set(kinds))
            if order.count(kind) < kinds.count(kind)
        ]
    return [kinds, *(order for order in orders if order != kinds)]
