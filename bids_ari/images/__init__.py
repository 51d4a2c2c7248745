"""Images on disk to arrays of features, and back."""

from bids_ari.images.block_files import (
    Coverage,
    feature_reader,
    load_block,
    load_coverage,
    save_block,
)
from bids_ari.images.blocks import Block, maps_per_block, smooth_block
from bids_ari.images.domain import (
    CONNECTIVITIES,
    Domain,
    VolumeDomain,
    domain_of,
    load_domain,
)
from bids_ari.images.masks import (
    AnalysisMask,
    allowed_missing,
    analysis_mask,
    load_mask,
    put_mask_on_grid,
)
from bids_ari.images.nifti import Grid, common_grid, read_map, write_volume
from bids_ari.images.recipes import Made, Recipe, make_map
from bids_ari.images.region_names import RegionNames, load_region_names
from bids_ari.images.regions import (
    Regions,
    join_regions,
    load_atlas,
    load_regions,
    load_roi,
    save_regions,
)

__all__ = [
    "CONNECTIVITIES",
    "AnalysisMask",
    "Block",
    "Coverage",
    "Domain",
    "Grid",
    "Made",
    "Recipe",
    "RegionNames",
    "Regions",
    "VolumeDomain",
    "allowed_missing",
    "analysis_mask",
    "common_grid",
    "domain_of",
    "feature_reader",
    "join_regions",
    "load_atlas",
    "load_block",
    "load_coverage",
    "load_domain",
    "load_mask",
    "load_region_names",
    "load_regions",
    "load_roi",
    "make_map",
    "maps_per_block",
    "put_mask_on_grid",
    "read_map",
    "save_block",
    "save_regions",
    "smooth_block",
    "write_volume",
]
