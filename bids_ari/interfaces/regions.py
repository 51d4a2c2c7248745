"""Atlases and regions of interest as nodes."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from nipype.interfaces.base import (
    BaseInterfaceInputSpec,
    File,
    SimpleInterface,
    TraitedSpec,
    isdefined,
    traits,
)
from scipy import sparse

from bids_ari.files import write_text
from bids_ari.images import (
    Regions,
    join_regions,
    load_atlas,
    load_domain,
    load_regions,
    load_roi,
    save_regions,
)
from bids_ari.interfaces.claims import beside, claims_on, columns_beside
from bids_ari.stats import (
    ANY,
    claim_p_values,
    min_true_discoveries_by_region,
)
from bids_ari.tables import REGION_COLUMNS, format_tsv

LOGGER = logging.getLogger("bids_ari")


class _LoadRegionsInputSpec(BaseInterfaceInputSpec):
    mask = File(exists=True, mandatory=True, desc="the voxels that are tested")
    atlases = traits.List(
        traits.Tuple(traits.Str, File(exists=True), traits.Str), usedefault=True,
        desc="name, label image and table of names (or nothing) of each atlas",
    )  # fmt: skip
    rois = traits.List(File(exists=True), usedefault=True, desc="masks of regions of interest")


class _LoadRegionsOutputSpec(TraitedSpec):
    regions = File(exists=True, desc="which voxels of the mask each region holds")
    atlas_map = traits.List(File(exists=True), desc="labels of each atlas at the voxels tested")
    atlas_table = traits.List(File(exists=True), desc="names of the labels of each atlas")
    results = traits.Dict(desc="for sidecars")


class LoadRegions(SimpleInterface):
    """Put atlases and regions of interest on the voxels of an analysis."""

    input_spec = _LoadRegionsInputSpec
    output_spec = _LoadRegionsOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        parts, resampled = [], []
        self._results["atlas_map"], self._results["atlas_table"] = [], []
        for number, (name, image, names) in enumerate(self.inputs.atlases):
            part, on_other_grid = load_atlas(
                Path(image), Path(names) if names else None, name=name, domain=domain
            )
            parts.append(part)
            resampled += [name] * on_other_grid
            out_stem = Path(runtime.cwd) / f"atlas{number}"
            region, feature = part.members.nonzero()
            index = np.array(part.index)
            smallest = np.min_scalar_type(-abs(index).max())
            # few programs read integers of 64 bits; double precision has all of these labels
            dtype = smallest if smallest.itemsize < 8 else np.dtype(np.float64)
            labels = np.zeros(domain.n_features, dtype)
            labels[feature] = index[region]
            atlas_map = domain.write(labels, out_stem, intent="label")
            table = format_tsv(["index", "name"], zip(part.index, part.name, strict=True))
            self._results["atlas_map"].append(str(atlas_map))
            atlas_table = write_text(table, out_stem.with_suffix(".tsv"))
            self._results["atlas_table"].append(str(atlas_table))
        for image in self.inputs.rois:
            part, on_other_grid = load_roi(Path(image), domain)
            parts.append(part)
            resampled += [Path(image).name] * on_other_grid
        if resampled:
            LOGGER.warning(
                "not on the grid of the maps, put on it with nearest neighbours: %s",
                ", ".join(resampled),
            )
        out_file = save_regions(
            join_regions(parts, domain.n_features), Path(runtime.cwd) / "regions.npz"
        )
        self._results["regions"] = str(out_file)
        self._results["results"] = {"ResampledToNearestNeighbour": resampled}
        return runtime


class _RegionInferenceInputSpec(BaseInterfaceInputSpec):
    regions = File(exists=True, desc="from LoadRegions; undefined without any")
    z_map = File(exists=True, mandatory=True, desc="z values, for their signs")
    p_map = File(exists=True, mandatory=True, desc="p-values, in double precision")
    mask = File(exists=True, mandatory=True, desc="the voxels that are tested")
    critical_vector = File(exists=True, mandatory=True, desc="from AllResolutionsInference")
    whole_mask = traits.Dict(mandatory=True, desc="results of AllResolutionsInference")
    calibration = File(exists=True, desc="from CalibrateThresholds, for methods with permutations")
    loaded = traits.Dict(desc="results of LoadRegions, to repeat in the sidecar")
    signed = traits.Bool(
        True, usedefault=True, desc="whether the statistic has a sign, as F has not"
    )


class _RegionInferenceOutputSpec(TraitedSpec):
    region_table = File(exists=True, desc="bounds of each region, and of its two signs")
    results = traits.Dict(desc="for the sidecar")


class RegionInference(SimpleInterface):
    """Bound the true discoveries of regions, which may overlap."""

    input_spec = _RegionInferenceInputSpec
    output_spec = _RegionInferenceOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        z_values = domain.values(Path(self.inputs.z_map))
        p_values = domain.values(Path(self.inputs.p_map))
        critical_vector = np.load(self.inputs.critical_vector)
        regions = regions_of(self.inputs.regions, domain.n_features)
        whole_mask = self.inputs.whole_mask
        closed = claims_on(p_values, whole_mask, self.inputs.calibration)
        claims = [claim_p_values(tdp, regions.members, closed) for tdp in (ANY, 0.5)]
        without_permutations = beside(p_values, regions.members, whole_mask)
        bounds = [
            min_true_discoveries_by_region(p_values, _only(regions.members, keep), critical_vector)
            for keep in (np.ones(z_values.size, bool), z_values > 0, z_values < 0)
        ]
        rows = []
        for k, name in enumerate(regions.name):
            cells: list[Any] = []
            for size, n_discoveries in bounds:
                tdp = float(n_discoveries[k] / size[k]) if size[k] else None
                cells.append((int(size[k]), int(n_discoveries[k]), tdp))
            (size, *whole), positive, negative = cells
            if not self.inputs.signed:
                positive = negative = (None, None, None)
            rows.append(
                (
                    regions.atlas[k],
                    regions.index[k],
                    name,
                    size,
                    float(size / regions.n_all[k]) if regions.n_all[k] else None,
                    *whole,
                    *(float(claim[k]) if size else None for claim in claims),
                    *positive,
                    *negative,
                    *without_permutations[k],
                )
            )
        table = format_tsv(columns_beside(REGION_COLUMNS, whole_mask), rows)
        out_file = write_text(table, Path(runtime.cwd) / "regions.tsv")
        self._results["region_table"] = str(out_file)
        loaded = self.inputs.loaded if isdefined(self.inputs.loaded) else {}
        self._results["results"] = {**whole_mask, **loaded}
        return runtime


def regions_of(path: str | Any, n_features: int) -> Regions:
    """Read regions from LoadRegions; none if there is no file."""
    return load_regions(Path(path)) if isdefined(path) else join_regions([], n_features)


def _only(members: sparse.csr_array, keep: Any) -> sparse.csr_array:
    """Leave the features out of all regions that are not to be kept."""
    kept = members.tocoo()
    inside = keep[kept.col]
    return sparse.csr_array(
        (kept.data[inside], (kept.row[inside], kept.col[inside])), shape=members.shape
    )
