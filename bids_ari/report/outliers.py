"""Maps that are unlike the others: to be looked at, not to be left out."""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from bids_ari.report import words
from bids_ari.report.records import Measures

EXPECTED_FAR = 0.0027
"""Share of voxels that is far from the others by chance."""
FEW = 5  # maps, of which nothing is usual
_FAR = 3.5  # robust standard deviations from the median
_TO_SD = 1.4826  # from the median absolute deviation of normal values
_NOTABLE_SHARE = 0.01
_GROSS_SHARE = 0.05
_GROSS_SPREAD = 5.0
_ALIKE = 0.1  # median correlation below which the sign of one says nothing
_OTHER_SCALES = 10.0


def reasons(maps: Sequence[Measures]) -> list[tuple[str, ...]]:
    """
    Tell of each map by which measures it stands out.

    Parameters
    ----------
    maps : sequence of Measures
        All maps of the model.

    Returns
    -------
    names : list of tuple of str
        Of ``share_far``, ``correlation``, ``mean`` and ``spread``: those that are more than 3.5
        robust standard deviations (1.4826 times the median absolute deviation) from the median of
        all maps, or grossly unlike them. Nothing stands out among fewer than five maps.

    Examples
    --------
    >>> usual = [Measures(f"sub-{i}", 0.1 * i, 1 + 0.1 * i, 0.4, 0.002) for i in range(6)]
    >>> reasons([*usual, Measures("sub-7", 0.2, 9.0, -0.3, 0.2)])[-1]
    ('share_far', 'correlation', 'spread')
    """
    if len(maps) < FEW:
        return [() for _ in maps]
    far, low, mean, spread = (
        _distances([getattr(one, name) for one in maps])
        for name in ("share_far", "correlation", "mean", "spread")
    )
    log_spread = _distances([_log(one.spread) for one in maps])
    found = []
    for at, one in enumerate(maps):
        marks = {
            "share_far": one.share_far > _GROSS_SHARE
            or (far[at] > _FAR and one.share_far > _NOTABLE_SHARE),
            "correlation": low[at] < -_FAR or _against(one, maps),
            "mean": abs(mean[at]) > _FAR,
            # a scale is another by its ratio, a noisy map by its excess
            "spread": (spread[at] > _FAR and log_spread[at] > _FAR)
            or log_spread[at] < -_FAR
            or _other_scale(one, maps),
        }
        found.append(tuple(name for name, marked in marks.items() if marked))
    return found


def warnings_of(maps: Sequence[Measures]) -> Iterator[str]:
    """Tell of maps that are grossly unlike the others."""
    if len(maps) < FEW:
        return
    yield from _tell(
        sorted(
            (one for one in maps if one.share_far > _GROSS_SHARE), key=lambda one: -one.share_far
        ),
        "is far from the others",
        "are far from the others",
        lambda one: f"{words.share(one.share_far)} of the voxels",
        f"{100 * EXPECTED_FAR:g} % are expected by chance",
    )
    yield from _tell(
        [one for one in maps if _against(one, maps)],
        "correlates negatively with the mean of the others",
        "correlate negatively with the mean of the others",
        lambda one: f"{one.correlation:.2f}",
        f"the median is {_median(maps, 'correlation'):.2f}; a sign may be flipped",
    )
    usual = _median(maps, "spread")
    scales = [one.spread for one in maps if one.spread > 0]
    fold = max(scales, default=1.0) / min(scales, default=1.0)
    several = f"; from smallest to largest {fold:.0f}-fold" if fold > _OTHER_SCALES else ""
    yield from _tell(
        [one for one in maps if _other_scale(one, maps)],
        "has another spread than most",
        "have another spread than most",
        lambda one: f"{one.spread / usual:.2g} times the median",
        f"their scale may be another{several}",
    )


def table(maps: Sequence[Measures]) -> dict[str, Any]:
    """Gather what stands on the page of each map, those that stand out apart."""
    marked = reasons(maps)
    usual = _median(maps, "spread")
    lines = [
        {"notable": bool(names), **_line(one, names, usual)}
        for one, names in zip(maps, marked, strict=True)
    ]
    return {
        "few": len(maps) < FEW,
        "n_maps": len(maps),
        "notable": [line for line in lines if line["notable"]],
        "rest": [line for line in lines if not line["notable"]],
        "median_spread": f"{usual:.3g}",
    }


def _line(one: Measures, names: tuple[str, ...], usual: float) -> dict[str, Any]:
    cells = {
        "share_far": "n/a"
        if math.isnan(one.share_far)
        else words.typeset(words.share(one.share_far)),
        "correlation": _number(one.correlation, ".2f"),
        "mean": _number(one.mean, ".3g"),
        "spread": _number(one.spread, ".3g"),
    }
    return {
        "row": one.row,
        "ratio": f"{one.spread / usual:.2g}" if usual > 0 else "n/a",
        "cells": [
            {"name": name, "text": text, "marked": name in names} for name, text in cells.items()
        ],
    }


def _number(value: float, form: str) -> str:
    if math.isnan(value):
        return "n/a"
    return f"{value:{form}}".replace("-", words.MINUS)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf if value == 0 else math.nan


def _against(one: Measures, maps: Sequence[Measures]) -> bool:
    """Tell whether a map is against the others, where these are alike at all."""
    return one.correlation < 0 and _median(maps, "correlation") > _ALIKE


def _other_scale(one: Measures, maps: Sequence[Measures]) -> bool:
    usual = _median(maps, "spread")
    return one.spread > usual * _GROSS_SPREAD or one.spread < usual / _GROSS_SPREAD


def _median(maps: Sequence[Measures], name: str) -> float:
    values = [value for one in maps if not math.isnan(value := getattr(one, name))]
    return median(values) if values else math.nan


def _distances(values: Sequence[float]) -> list[float]:
    """Measure from the median in robust standard deviations; 0 where these are nothing."""
    known = [value for value in values if math.isfinite(value)]
    middle = median(known) if known else 0.0
    unit = _TO_SD * median(abs(value - middle) for value in known) if known else 0.0
    return [0.0 if math.isnan(value) or not unit else (value - middle) / unit for value in values]


def _tell(
    maps: Sequence[Measures],
    singular: str,
    plural: str,
    number: Callable[[Measures], str],
    context: str,
) -> Iterator[str]:
    if maps:
        named = words.some([f"{one.row} ({number(one)})" for one in maps])
        yield (
            f"{words.number_of(len(maps), 'map')} {singular if len(maps) == 1 else plural}: "
            f"{named}; {context}. Look at {'it' if len(maps) == 1 else 'them'}: nobody was left out."
        )
