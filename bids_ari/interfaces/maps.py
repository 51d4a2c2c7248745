"""First-level maps as nodes: split into blocks, combine, smooth, decide the mask."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from nipype.interfaces.base import (
    BaseInterfaceInputSpec,
    File,
    InputMultiObject,
    SimpleInterface,
    TraitedSpec,
    isdefined,
    traits,
)

from bids_ari.errors import InputError
from bids_ari.images import (
    Recipe,
    allowed_missing,
    analysis_mask,
    common_grid,
    domain_of,
    load_mask,
    maps_per_block,
    put_mask_on_grid,
    save_block,
    smooth_block,
)

LOGGER = logging.getLogger("bids_ari")


def _rows() -> Any:
    """Make a trait of files, one or several for each row of the design."""
    return traits.Either(File(exists=True), traits.List(File(exists=True)))


class _SplitInputSpec(BaseInterfaceInputSpec):
    maps = InputMultiObject(
        _rows(), mandatory=True, desc="first-level maps: one for each row, or a list of them"
    )
    weights = traits.List(
        traits.List(traits.Float), desc="of the maps of each row; without them, maps are averaged"
    )
    variances = InputMultiObject(
        _rows(), desc="variance maps of each row, to weight the maps by; an empty list for none"
    )
    mask = File(exists=True, desc="voxels to analyse; put on the grid of the maps if need be")
    mask_name = traits.Str(desc="how to call it in words")
    mask_coverage = traits.Range(
        0.0, 1.0, 1.0, usedefault=True, exclude_low=True,
        desc="without a mask: in which share of the maps a voxel must have a value",
    )  # fmt: skip
    block_size = traits.Range(1, None, 16, usedefault=True, desc="maps in a block, at the most")


class _SplitOutputSpec(TraitedSpec):
    blocks = traits.List(
        traits.List(traits.List(File(exists=True))), desc="the maps of each row, block by block"
    )
    weights = traits.List(traits.List(traits.List(traits.Float)), desc="of each, likewise")
    variances = traits.List(
        traits.List(traits.List(File(exists=True))), desc="of each, likewise, or none"
    )
    labels = traits.List(traits.Str, desc="names of the blocks, for the log")
    max_missing = traits.Int(desc="in how many maps a voxel may lack a value")
    mask = File(exists=True, desc="the mask on the grid of the maps; undefined without one")
    mask_name = traits.Str(desc="its name, and whether it was resampled; undefined without one")


class SplitMaps(SimpleInterface):
    """Check that maps are on one grid, put a mask on it, and split them into blocks."""

    input_spec = _SplitInputSpec
    output_spec = _SplitOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        rows = recipes_of(self.inputs.maps, self.inputs.weights, self.inputs.variances)
        grid = common_grid([path for row in rows for path in row.files])
        size = maps_per_block(
            grid,
            at_most=self.inputs.block_size,
            volumes_per_map=2 if any(row.variances for row in rows) else 1,
        )
        starts = range(0, len(rows), size)
        blocks = [rows[i : i + size] for i in starts]
        self._results["blocks"] = [
            [[str(path) for path in row.maps] for row in block] for block in blocks
        ]
        self._results["weights"] = [[list(row.weights) for row in block] for block in blocks]
        self._results["variances"] = [
            [[str(path) for path in row.variances] for row in block] for block in blocks
        ]
        self._results["labels"] = [
            f"maps {i + 1} to {min(i + size, len(rows))} of {len(rows)}" for i in starts
        ]
        self._results["max_missing"] = allowed_missing(len(rows), self.inputs.mask_coverage)
        if isdefined(self.inputs.mask):
            out_file, resampled = put_mask_on_grid(
                Path(self.inputs.mask), grid, Path(runtime.cwd) / "mask"
            )
            self._results["mask"] = str(out_file)
            name = self.inputs.mask_name
            self._results["mask_name"] = name if isdefined(name) else "the mask"
            if resampled:
                self._results["mask_name"] += " (put on the grid of the maps: nearest neighbours)"
                LOGGER.warning(
                    "%s is not on the grid of the maps: put on it with nearest neighbours (%s)",
                    self.inputs.mask,
                    grid,
                )
        return runtime


def recipes_of(maps: Sequence[Any], weights: Any, variances: Any) -> list[Recipe]:
    """
    Put together what makes each row.

    Parameters
    ----------
    maps : sequence of str or of list of str
        One file for each row, or several.
    weights : list of list of float, or undefined
        Of these; without them, each counts as much.
    variances : sequence of str or of list of str, or undefined
        Variance maps of these.

    Returns
    -------
    list of Recipe

    Raises
    ------
    InputError
        If they do not belong together.
    """
    several = [_files(row) for row in maps]
    shares = weights if isdefined(weights) else [[1 / len(row)] * len(row) for row in several]
    of_each = [_files(row) for row in variances] if isdefined(variances) else [()] * len(several)
    for name, given in (("weights", shares), ("variances", of_each)):
        if len(given) != len(several):
            msg = f"{name} of {len(given)} rows, expected those of {len(several)} rows of maps"
            raise InputError(msg)
    recipes = []
    for number, parts in enumerate(zip(several, shares, of_each, strict=True), start=1):
        try:
            recipes.append(Recipe(parts[0], tuple(parts[1]), parts[2]))
        except ValueError as error:
            msg = f"row {number} of the design: {error}"
            raise InputError(msg) from error
    return recipes


def _files(row: str | Sequence[str]) -> tuple[Path, ...]:
    return (Path(row),) if isinstance(row, str) else tuple(Path(path) for path in row)


class _SmoothInputSpec(BaseInterfaceInputSpec):
    in_files = traits.List(
        traits.List(File(exists=True)), mandatory=True, desc="the maps of each row of one block"
    )
    weights = traits.List(traits.List(traits.Float), desc="of these; see SplitMaps")
    variances = traits.List(traits.List(File(exists=True)), desc="of these; see SplitMaps")
    keep_variances = traits.Bool(
        False, usedefault=True, desc="write the variances of the combined maps, too"
    )
    fwhm = traits.Range(0.0, None, 0.0, usedefault=True, desc="of the Gaussian kernel, in mm")
    mask = File(exists=True, desc="mask on the grid of the maps")
    max_missing = traits.Int(0, usedefault=True, desc="maps in which a voxel may lack a value")
    label = traits.Str(nohash=True, desc="name of the block, for the log")


class _SmoothOutputSpec(TraitedSpec):
    values_file = File(exists=True, desc="(n_maps, n_kept) smoothed values, single precision")
    coverage_file = File(exists=True, desc="which voxels are kept, and which have values")
    variances_file = File(
        exists=True,
        desc="(n_maps, n_kept) variances, NaN where there is no value; undefined if not kept",
    )


class SmoothBlock(SimpleInterface):
    """Read some maps, each file once, combine and smooth them, and keep them as one array."""

    input_spec = _SmoothInputSpec
    output_spec = _SmoothOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        start = time.perf_counter()
        rows = recipes_of(self.inputs.in_files, self.inputs.weights, self.inputs.variances)
        grid = common_grid(rows[0].maps[:1])
        mask = None
        if isdefined(self.inputs.mask):
            mask, _ = load_mask(Path(self.inputs.mask), grid)
        block = smooth_block(
            rows,
            grid,
            fwhm=self.inputs.fwhm,
            mask=mask,
            max_missing=self.inputs.max_missing,
            keep_variances=self.inputs.keep_variances,
        )
        values_file, coverage_file = save_block(block, Path(runtime.cwd) / "block.npy")
        self._results["values_file"] = str(values_file)
        self._results["coverage_file"] = str(coverage_file)
        if block.variances is not None:
            variances_file = Path(runtime.cwd) / "block_variances.npy"
            np.save(variances_file, block.variances)
            self._results["variances_file"] = str(variances_file)
        if isdefined(self.inputs.label):
            LOGGER.info(
                "read and smoothed %s (%.1f s)", self.inputs.label, time.perf_counter() - start
            )
        return runtime


class _MaskInputSpec(BaseInterfaceInputSpec):
    maps = InputMultiObject(_rows(), mandatory=True, desc="first-level maps, see SplitMaps")
    coverage_files = InputMultiObject(
        File(exists=True), mandatory=True, desc="what the blocks have, in the order of the maps"
    )
    mask_name = traits.Str(desc="name of the mask that was given; undefined without one")
    mask_coverage = traits.Range(
        0.0, 1.0, 1.0, usedefault=True, exclude_low=True, desc="see SplitMaps"
    )
    missing_voxels = traits.Enum(
        "zero", "drop", usedefault=True, desc="what to do with voxels that lack values"
    )
    weighted = traits.Bool(
        False, usedefault=True, desc="whether the model weighs maps by their variances"
    )


class _MaskOutputSpec(TraitedSpec):
    mask = File(exists=True, desc="the voxels of the analysis")
    missing = traits.List(traits.Int, desc="voxels of the analysis without value, in each map")
    results = traits.Dict(desc="for the sidecar of the mask")


class DecideMask(SimpleInterface):
    """Decide which voxels are analysed, from what the blocks of maps have."""

    input_spec = _MaskInputSpec
    output_spec = _MaskOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        # of rows of several files, the first
        maps = [_files(row)[0] for row in self.inputs.maps]
        decided = analysis_mask(
            [Path(path) for path in self.inputs.coverage_files],
            mask_name=self.inputs.mask_name if isdefined(self.inputs.mask_name) else "",
            mask_coverage=self.inputs.mask_coverage,
            missing_voxels=self.inputs.missing_voxels,
            weighted=self.inputs.weighted,
        )
        domain = domain_of(common_grid(maps[:1]), decided.features)
        out_file = domain.write(np.ones(domain.n_features, np.uint8), Path(runtime.cwd) / "mask")
        self._results["mask"] = str(out_file)
        self._results["missing"] = decided.missing.tolist()
        self._results["results"] = {
            "Rule": decided.rule,
            "MissingVoxels": decided.missing_rule,
            "NumberOfFeatures": domain.n_features,
            "VolumeMm3": round(domain.n_features * domain.feature_size, 3),
            "LostFeatures": decided.n_lost,
            "FewestValues": int(decided.n_values.min()),
            "FewestValuesMap": maps[decided.n_values.argmin()].name,
        }
        return runtime
