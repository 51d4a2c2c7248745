"""
How the bounds of an analysis compare with the truth of a simulated group.

``python -m bids_ari.simulate.comparison FIRSTLEVEL OUTPUT`` prints a table for each analysis and
cluster threshold. Two shares stand beside each claimed TDP. *True* counts the voxels whose mean
effect, after the smoothing of the analysis, is not 0: the bounds are about these, and all of them
hold at once with the confidence of the analysis. *In regions* counts the voxels that had an effect
before smoothing; no bound from smoothed maps is about these.
"""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import ExitCode, InputError
from bids_ari.images.nifti import Grid, read_map
from bids_ari.simulate.dataset import TRUTH_FOLDER
from bids_ari.simulate.truth import smoothed_truth


class Claim(NamedTuple):
    """A bound for one set of voxels, and the truth."""

    voxels: int
    discoveries: int
    """Claimed: at least so many voxels are active."""
    active: int
    """True: so many voxels have an effect after smoothing."""
    in_regions: int
    """So many had one before."""

    @property
    def holds(self) -> bool:
        """Whether the claim is true."""
        return self.discoveries <= self.active


@dataclass(frozen=True, slots=True)
class Comparison:
    """The claims of one analysis at one cluster threshold."""

    name: str
    """Of the label map, without suffix."""
    settings: str
    """What the bounds depend on, in words."""
    whole: Claim
    clusters: dict[tuple[int, str], Claim]
    """By number and sign of the cluster."""


def compare(first_level: Path, output: Path) -> Iterator[Comparison]:
    """
    Hold the bounds of every label map against the truth.

    Parameters
    ----------
    first_level : Path
        Simulated dataset.
    output : Path
        What ``bids-ari`` wrote of it.

    Yields
    ------
    Comparison
        One for each analysis and cluster threshold.

    Raises
    ------
    InputError
        If there are no label maps, or no truth for one of them.
    """
    # label maps of atlases have no table of clusters
    label_maps = [
        path
        for path in sorted(output.glob("group/*_dseg.nii.gz"))
        if path.with_name(path.name.replace("_dseg.nii.gz", "_clusters.tsv")).exists()
    ]
    if not label_maps:
        msg = f"no group/*_dseg.nii.gz in {output}, expected the output of bids-ari"
        raise InputError(msg, ExitCode.NO_INPUT)
    for path in label_maps:
        stem = path.name.removesuffix("_dseg.nii.gz")
        meta = json.loads(path.with_name(f"{stem}_dseg.json").read_text())
        if meta["Model"]["Regressors"] != ["intercept"]:
            msg = f"{path} is of model {meta['Model']['Name']}, expected a one-sample model"
            raise InputError(msg)
        labels, grid = read_map(path)
        mean_effect = _mean_effect(first_level, path, grid)
        mask_name = f"{stem.partition('_desc-')[0]}_desc-analysis_mask.nii.gz"
        analysed, _ = read_map(path.with_name(mask_name), grid)
        everywhere = np.ones(labels.shape, bool)
        alternative, fwhm = meta["Alternative"], meta["SmoothingFWHM"]
        smoothed = smoothed_truth(mean_effect, everywhere, grid.affine, fwhm)
        truths = [_alternative(effect, alternative) for effect in (smoothed, mean_effect)]
        with path.with_name(f"{stem}_clusters.tsv").open(newline="") as table:
            rows = list(csv.DictReader(table, delimiter="\t"))

        yield Comparison(
            stem,
            f"{_clusters(meta)}, {alternative}, smoothed with {fwhm:g} mm, "
            f"confidence {1 - meta['Alpha']:g}",
            _claim(analysed > 0, meta["Discoveries"], truths),
            {
                (int(row["cluster"]), row["sign"]): _claim(
                    labels == int(row["cluster"]), row["discoveries"], truths
                )
                for row in rows
            },
        )


def describe(comparisons: Iterable[Comparison]) -> Iterator[str]:
    """
    Put comparisons into words.

    Parameters
    ----------
    comparisons : iterable of Comparison
        What was claimed, and what is true.

    Yields
    ------
    str
        Lines.
    """
    claims: list[Claim] = []
    for comparison in comparisons:
        claims += [comparison.whole, *comparison.clusters.values()]
        yield comparison.name
        yield f"({comparison.settings})"
        yield "cluster  sign      voxels  claimed TDP  true share  in regions"
        silent = [claim for claim in comparison.clusters.values() if not claim.discoveries]
        for (number, sign), claim in comparison.clusters.items():
            if not claim.discoveries:
                continue
            _, true, strict = (count / claim.voxels for count in claim[1:])
            share = 1000 * claim.discoveries // claim.voxels / 1000  # a bound is not rounded up
            yield (
                f"{number:7d}  {sign:8}  {claim.voxels:6d}     >= {share:5.3f}"
                f"       {true:5.3f}       {strict:5.3f}" + ("" if claim.holds else "  too high")
            )
        if silent:
            voxels, active = (sum(claim[which] for claim in silent) for which in (0, 2))
            yield (
                f"nothing is claimed of {len(silent)} more, of {max(silent).voxels} voxels at most: "
                f"{active} of their {voxels} voxels truly are active"
            )
        whole = comparison.whole
        yield (
            f"whole brain: of {whole.voxels} voxels, at least {whole.discoveries} are active; "
            f"{whole.active} truly are, {whole.in_regions} of them in regions"
        )
        yield ""
    wrong = sum(not claim.holds for claim in claims)
    verdict = f"{wrong} of {len(claims)} bounds are too high" if wrong else "all bounds hold"
    yield f"{verdict} (with the confidence given, all those of an analysis do)"
    yield "true share: voxels with an effect after smoothing; in regions: with one before"


def _clusters(meta: Mapping[str, Any]) -> str:
    """Tell which clusters a label map is of."""
    if "TDPThreshold" in meta:
        return f"largest clusters with TDP >= {meta['TDPThreshold']:g}"
    chosen = ", chosen by the data" if meta.get("ClusterThresholdChosenBy") == "data" else ""
    return f"clusters beyond {meta['ClusterThreshold']:g}{chosen}"


def _claim(
    where: NDArray[np.bool_], discoveries: int | str, truths: Iterable[NDArray[np.bool_]]
) -> Claim:
    active, in_regions = (int(np.count_nonzero(where & truth)) for truth in truths)
    return Claim(int(np.count_nonzero(where)), int(discoveries), active, in_regions)


def _alternative(effect: NDArray[Any], alternative: str) -> NDArray[np.bool_]:
    """Tell where a hypothesis of the test is false."""
    false: dict[str, NDArray[np.bool_]] = {
        "two-sided": effect != 0,
        "greater": effect > 0,
        "less": effect < 0,
    }
    return false[alternative]


def _mean_effect(first_level: Path, path: Path, grid: Grid) -> NDArray[np.floating]:
    """Read the true effect of the contrast that a label map is of."""
    found = re.search(r"_contrast-([a-zA-Z0-9]+)_", path.name)
    label = found[1] if found else "n/a"
    truths = list(first_level.glob(f"{TRUTH_FOLDER}/*_contrast-{label}_desc-mean_effect.nii.gz"))
    if len(truths) != 1:
        msg = f"no {TRUTH_FOLDER} of contrast {label} in {first_level}, needed for {path}"
        raise InputError(msg, ExitCode.NO_INPUT)
    return read_map(truths[0], grid)[0]


def main(argv: Sequence[str] | None = None) -> int:
    """
    Print how the bounds compare with the truth.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments, without the name of the program; those of the process if None.

    Returns
    -------
    exit_code : int
        0, whether the bounds hold or not.
    """
    parser = argparse.ArgumentParser(
        prog="python -m bids_ari.simulate.comparison",
        description="Compare the bounds of an analysis with the truth of a simulated group.",
    )
    parser.add_argument("first_level", metavar="FIRSTLEVEL", type=Path, help="simulated dataset")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="what bids-ari wrote of it")
    options = parser.parse_args(argv)
    try:
        for line in describe(compare(options.first_level, options.output)):
            sys.stdout.write(f"{line}\n")
    except InputError as error:
        sys.stderr.write(f"{parser.prog}: {error}\n")
        return error.exit_code
    return ExitCode.OK


if __name__ == "__main__":
    raise SystemExit(main())
