"""Maps with effects, and what is true of them by the definitions, slowly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

RegionOf = tuple[str, str, NDArray[np.bool_], int]
"""Atlas, name, voxels, and how many voxels it has in and outside of the mask."""
Found = tuple[NDArray[np.bool_], int]
"""Voxels of a cluster, and its sign."""

NEIGHBOURS = ndimage.generate_binary_structure(3, 2)  # 18


def activation(mask: NDArray[np.bool_], strength: float, seed: int = 0) -> NDArray[np.float64]:
    """Make a z map: smooth noise, a large and a small positive and a negative blob."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=mask.shape), 1.0)
    z = noise / noise[mask].std()
    index = np.indices(mask.shape)
    for centre, width, sign in (
        ((12, 24, 30), 3.2, 1),
        ((36, 40, 26), 1.6, 1),
        ((25, 14, 20), 2.2, -1),
    ):
        distance = np.sqrt(sum((index[i] - centre[i]) ** 2 for i in range(3)))
        z += sign * strength * np.exp(-((distance / width) ** 2))
    return np.where(mask, z, 0)


def hommel(p: NDArray[np.float64], alpha: float = 0.05) -> int:
    """Compute the Hommel value from its definition, by bisection: the property is monotone."""
    ordered = np.sort(p)
    low, high = 0, p.size
    while low < high:
        size = (low + high + 1) // 2
        if np.all(size * ordered[p.size - size :] > alpha * np.arange(1, size + 1)):
            low = size
        else:
            high = size - 1
    return low


def bound(p: NDArray[np.float64], h: int, alpha: float = 0.05) -> int:
    """Bound the number of discoveries in a set from below."""
    steps = np.arange(1, p.size + 1)
    below = np.searchsorted(np.sort(h * p), steps * alpha, side="right")
    return int(np.max(1 - steps + below, initial=0))


def tied(p: NDArray[np.float64]) -> int:
    """Count what is not alone with its p-value."""
    _, n_with_p = np.unique(p, return_counts=True)
    return int(n_with_p[n_with_p > 1].sum())


def concentration_size(p: NDArray[np.float64], h: int, alpha: float = 0.05) -> int:
    """Count the smallest set of the smallest p-values that has the bound of all."""
    ordered, whole = np.sort(p), bound(p, h, alpha)
    return next(k for k in range(whole, p.size + 1) if bound(ordered[:k], h, alpha) == whole)


def claim(p: NDArray[np.float64], needed: int, n_all: int) -> float:
    """Bound a claim's adjusted p-value from above, by Bonferroni's test of its hardest part."""
    return float(min(1, n_all * np.sort(p)[max(needed, 1) - 1]))


def label(number: float, kind: str = "z") -> str:
    return kind + f"{number:g}".replace(".", "p")


def beyond(
    z: NDArray[np.float64], mask: NDArray[np.bool_], threshold: float, alternative: str
) -> list[Found]:
    """Find all clusters at a threshold, the largest first, with their signs."""
    found: list[Found] = []
    for sign, other in ((1, "less"), (-1, "greater")):
        if alternative == other:
            continue
        labels, n = ndimage.label((sign * z > threshold) & mask, NEIGHBOURS)
        found += [(labels == label + 1, sign) for label in range(n)]
    return sorted(found, key=lambda item: -int(item[0].sum()))


def reaching(
    z: NDArray[np.float64],
    mask: NDArray[np.bool_],
    p: NDArray[np.float64],
    h: int,
    goal: float,
    alternative: str,
) -> list[Found]:
    """Find clusters that reach a TDP, each at the lowest of some thresholds where it does."""
    chosen: list[Found] = []
    taken = np.zeros(mask.shape, bool)
    for height in np.arange(1.5, np.abs(z).max(), 0.25):
        for where, sign in beyond(z, mask, height, alternative):
            if not taken[where].any() and bound(p[where], h) >= goal * where.sum():
                chosen.append((where, sign))
                taken |= where
    return sorted(chosen, key=lambda item: -int(item[0].sum()))


def clusters(
    found: Sequence[Found],
    z: NDArray[np.float64],
    p: NDArray[np.float64],
    h: int,
    affine: NDArray[np.float64],
    regions: Sequence[RegionOf],
) -> tuple[NDArray[np.int32], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    voxel = float(np.abs(np.linalg.det(affine[:3, :3])))
    merged = np.zeros(z.shape, np.int32)
    rows: list[tuple[Any, ...]] = []
    peaks: list[tuple[Any, ...]] = []
    for number, (where, sign) in enumerate(found, start=1):
        merged[where] = number
        size, d = int(where.sum()), bound(p[where], h)
        inside = np.argwhere(where)[np.argsort(-sign * z[where], kind="stable")]
        at = [affine[:3, :3] @ index + affine[:3, 3] for index in inside]
        stats = [float(z[tuple(index)]) for index in inside]
        around = [
            "; ".join(f"{name} 100 %" for _, name, members, _ in regions if members[tuple(index)])
            or "n/a"
            for index in inside
        ]
        name = "positive" if sign > 0 else "negative"
        claims = (claim(p[where], 1, p.size), claim(p[where], (size + 1) // 2, p.size))
        born = float(np.abs(z[where]).min())
        rows.append(
            (
                number,
                name,
                size,
                size * voxel,
                d,
                d / size,
                *claims,
                born,
                stats[0],
                *at[0],
                around[0],
            )
        )
        chosen = [0]
        for i in range(1, len(at)):
            if len(chosen) < 3 and all(np.linalg.norm(at[i] - at[j]) >= 16 for j in chosen):
                chosen.append(i)
        peaks += [(number, k + 1, stats[i], *at[i], around[i]) for k, i in enumerate(chosen)]
    return merged, rows, peaks


def overlaps(
    labels: NDArray[np.int32],
    mask: NDArray[np.bool_],
    p: NDArray[np.float64],
    h: int,
    regions: Sequence[RegionOf],
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for number in range(1, int(labels.max()) + 1):
        cluster = labels == number
        for k, (atlas, name, members, _) in enumerate(regions, start=1):
            both = cluster & members
            if n := int(both.sum()):
                shares = n / cluster.sum(), n / (members & mask).sum()
                d = bound(p[both], h)
                rows.append((number, atlas, k, name, n, *shares, d, d / n))
    return rows


def region_rows(
    regions: Sequence[RegionOf],
    z: NDArray[np.float64],
    mask: NDArray[np.bool_],
    p: NDArray[np.float64],
    h: int,
) -> tuple[list[str], list[tuple[Any, ...]]]:
    signs = ("positive", "negative")
    columns = ["atlas", "index", "region", "voxels", "coverage", "discoveries", "tdp"]
    columns += ["p_any", "p_half"]
    columns += [f"{sign}_{what}" for sign in signs for what in ("voxels", "discoveries", "tdp")]
    rows: list[tuple[Any, ...]] = []
    for k, (atlas, name, members, n_all) in enumerate(regions, start=1):
        cells: list[list[Any]] = []
        for inside in (members & mask, members & mask & (z > 0), members & mask & (z < 0)):
            n, d = int(inside.sum()), bound(p[inside], h)
            cells.append([n, d, d / n if n else "n/a"])
        (n, *whole), *parts = cells
        inside = members & mask
        claims = (
            (claim(p[inside], 1, p.size), claim(p[inside], (n + 1) // 2, p.size))
            if n
            else ("n/a", "n/a")
        )
        coverage = n / n_all if n_all else "n/a"
        rows.append((atlas, k, name, n, coverage, *whole, *claims, *parts[0], *parts[1]))
    return columns, rows


def quarters(mask: NDArray[np.bool_], atlas: str = "quarters.nii") -> list[RegionOf]:
    """Cut a mask into four regions, left and right, front and back."""
    x, y = np.indices(mask.shape)[:2]
    middle = np.argwhere(mask).mean(axis=0)
    sides = (("left", x < middle[0]), ("right", x >= middle[0]))
    ends = (("back", y < middle[1]), ("front", y >= middle[1]))
    return [
        (atlas, f"{side} {end}", mask & where & there, int((mask & where & there).sum()))
        for side, where in sides
        for end, there in ends
    ]
