"""First-level maps as nodes: split into blocks, smooth, decide the mask."""

import logging
import time
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

from bids_ari.images import (
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


class _SplitInputSpec(BaseInterfaceInputSpec):
    maps = InputMultiObject(File(exists=True), mandatory=True, desc="first-level maps")
    mask = File(exists=True, desc="voxels to analyse; put on the grid of the maps if need be")
    mask_name = traits.Str(desc="how to call it in words")
    mask_coverage = traits.Range(
        0.0, 1.0, 1.0, usedefault=True, exclude_low=True,
        desc="without a mask: in which share of the maps a voxel must have a value",
    )  # fmt: skip
    block_size = traits.Range(1, None, 16, usedefault=True, desc="maps in a block, at the most")


class _SplitOutputSpec(TraitedSpec):
    blocks = traits.List(traits.List(File(exists=True)), desc="the maps, block by block")
    labels = traits.List(traits.Str, desc="names of the blocks, for the log")
    max_missing = traits.Int(desc="in how many maps a voxel may lack a value")
    mask = File(exists=True, desc="the mask on the grid of the maps; undefined without one")
    mask_name = traits.Str(desc="its name, and whether it was resampled; undefined without one")


class SplitMaps(SimpleInterface):
    """Check that maps are on one grid, put a mask on it, and split them into blocks."""

    input_spec = _SplitInputSpec
    output_spec = _SplitOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        maps = [Path(path) for path in self.inputs.maps]
        grid = common_grid(maps)
        size = maps_per_block(grid, at_most=self.inputs.block_size)
        starts = range(0, len(maps), size)
        self._results["blocks"] = [[str(path) for path in maps[i : i + size]] for i in starts]
        self._results["labels"] = [
            f"maps {i + 1} to {min(i + size, len(maps))} of {len(maps)}" for i in starts
        ]
        self._results["max_missing"] = allowed_missing(len(maps), self.inputs.mask_coverage)
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


class _SmoothInputSpec(BaseInterfaceInputSpec):
    in_files = traits.List(File(exists=True), mandatory=True, desc="the maps of one block")
    fwhm = traits.Range(0.0, None, 0.0, usedefault=True, desc="of the Gaussian kernel, in mm")
    mask = File(exists=True, desc="mask on the grid of the maps")
    max_missing = traits.Int(0, usedefault=True, desc="maps in which a voxel may lack a value")
    label = traits.Str(nohash=True, desc="name of the block, for the log")


class _SmoothOutputSpec(TraitedSpec):
    values_file = File(exists=True, desc="(n_maps, n_kept) smoothed values, single precision")
    coverage_file = File(exists=True, desc="which voxels are kept, and which have values")


class SmoothBlock(SimpleInterface):
    """Read some maps, each once, smooth them, and keep them as one array."""

    input_spec = _SmoothInputSpec
    output_spec = _SmoothOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        start = time.perf_counter()
        paths = [Path(path) for path in self.inputs.in_files]
        grid = common_grid(paths[:1])
        mask = None
        if isdefined(self.inputs.mask):
            mask, _ = load_mask(Path(self.inputs.mask), grid)
        block = smooth_block(
            paths, grid, fwhm=self.inputs.fwhm, mask=mask, max_missing=self.inputs.max_missing
        )
        values_file, coverage_file = save_block(block, Path(runtime.cwd) / "block.npy")
        self._results["values_file"] = str(values_file)
        self._results["coverage_file"] = str(coverage_file)
        if isdefined(self.inputs.label):
            LOGGER.info(
                "read and smoothed %s (%.1f s)", self.inputs.label, time.perf_counter() - start
            )
        return runtime


class _MaskInputSpec(BaseInterfaceInputSpec):
    maps = InputMultiObject(File(exists=True), mandatory=True, desc="first-level maps")
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


class _MaskOutputSpec(TraitedSpec):
    mask = File(exists=True, desc="the voxels of the analysis")
    missing = traits.List(traits.Int, desc="voxels of the analysis without value, in each map")
    results = traits.Dict(desc="for the sidecar of the mask")


class DecideMask(SimpleInterface):
    """Decide which voxels are analysed, from what the blocks of maps have."""

    input_spec = _MaskInputSpec
    output_spec = _MaskOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        maps = [Path(path) for path in self.inputs.maps]
        decided = analysis_mask(
            [Path(path) for path in self.inputs.coverage_files],
            mask_name=self.inputs.mask_name if isdefined(self.inputs.mask_name) else "",
            mask_coverage=self.inputs.mask_coverage,
            missing_voxels=self.inputs.missing_voxels,
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
