"""What clusters fall apart into as the threshold rises, with the bound of each part."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bids_ari.report.records import Cut

if TYPE_CHECKING:
    from bids_ari.report.explorer.gathering import Explored

_MOST = 12  # of a cluster: the explorer has all


@dataclass(frozen=True, slots=True)
class Part:
    """A cluster inside of another one."""

    path: tuple[int, ...]
    """Its place among the parts of what it is a part of, from the cluster of the table on."""
    voxels: int
    discoveries: int
    born: float
    """Smallest ``|z|`` in it: at a threshold just below, it is this set of voxels."""
    peak: float
    """z value."""
    position: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts with a discovery, each before its own parts."""

    shown: tuple[Part, ...]
    complete: bool
    """Whether there are no more."""


def parts_of(cut: Cut, explored: "Explored") -> dict[int, Parts]:
    """
    Split the clusters of a set, and their parts, as far as discoveries go.

    Parameters
    ----------
    cut : Cut
        The set.
    explored : Explored
        The forest that its clusters are nodes of.

    Returns
    -------
    dict
        By the number of the cluster; those that are one piece with discoveries are not in it.
    """
    bounded = explored.bounded
    labels = explored.domain.values(cut.labels)
    if cut.kind == "tdp":
        nodes = bounded.with_tdp(cut.value)
    else:
        nodes = bounded.forest.above_height(explored.chosen_height if cut.by_data else cut.value)
    return {
        int(labels[bounded.forest.feature[node]]): parts
        for node in nodes.tolist()
        if bounded.n_discoveries[node] and (parts := _split(node, explored)).shown
    }


def _split(top: int, explored: "Explored") -> Parts:
    """Split a cluster, then the largest part, and so on; what is active as a whole stays whole."""
    bounded = explored.bounded
    found: dict[tuple[int, ...], int] = {}
    whole: list[tuple[tuple[int, ...], int]] = [((), top)]
    while whole:
        path, node = max(whole, key=lambda one: int(bounded.forest.size[one[1]]))
        parts = bounded.split(node).tolist()
        if found and len(found) + len(parts) > _MOST:
            break
        whole.remove((path, node))
        below = [((*path, number), part) for number, part in enumerate(parts[:_MOST], 1)]
        found.update(below)
        whole += [one for one in below if bounded.tdp[one[1]] < 1]
    return Parts(
        tuple(_part(path, found[path], explored) for path in sorted(found)), complete=not whole
    )


def _part(path: tuple[int, ...], node: int, explored: "Explored") -> Part:
    import numpy as np  # slow to import

    bounded = explored.bounded
    members = bounded.forest.members(node)
    peak = members[np.argmax(np.abs(explored.z_values[members]))]
    x, y, z = explored.domain.coordinates(np.array([peak]))[0]
    return Part(
        path,
        int(bounded.forest.size[node]),
        int(bounded.n_discoveries[node]),
        float(bounded.forest.height[node]),
        float(explored.z_values[peak]),
        (float(x), float(y), float(z)),
    )
