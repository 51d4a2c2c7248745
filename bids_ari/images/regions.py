"""Regions of interest and atlases, from label images to the features that each region holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.errors import InputError
from bids_ari.files import whole
from bids_ari.images.domain import VolumeDomain
from bids_ari.images.labels import number_labels, place_labels
from bids_ari.images.nifti import read_map
from bids_ari.images.region_names import RegionNames, load_region_names

_BACKGROUND = ("background", "unknown", "outside", "unlabel", "clear", "none", "exterior", "???")
"""Parts of what tables call index 0."""
_ROI_SUFFIXES = ("_mask", "_roi")


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """Regions of one or several atlases, and regions of interest; they may overlap."""

    members: sparse.csr_array
    """(n_regions, n_features) bool: which features each region holds."""
    atlas: tuple[str, ...]
    """(n_regions,) atlas, or file of the region of interest, that each is from."""
    index: tuple[int, ...]
    """(n_regions,) value in the image of the atlas; 1 for a region of interest."""
    name: tuple[str, ...]
    """(n_regions,) names."""
    n_all: NDArray[np.int64]
    """(n_regions,) voxels of each, of the size that maps have; also those outside of the mask or
    of the field of view."""

    def title(self, region: int) -> str:
        """
        Name a region so that it is not taken for one of another atlas.

        Parameters
        ----------
        region : int
            Index.

        Returns
        -------
        str
            With the atlas, if there are several sources; a region of interest has its name from
            its file, which is not said again.
        """
        source, name = self.atlas[region], self.name[region]
        if len(set(self.atlas)) == 1 or _roi_name(source) == name:
            return name
        return f"{source}: {name}"


def load_atlas(
    image: Path, names: Path | None, *, name: str, domain: VolumeDomain
) -> tuple[Regions, bool]:
    """
    Read the regions of an atlas.

    Parameters
    ----------
    image : path
        NIfTI volume of whole numbers: 0 and NaN are background, each other value is a region.
    names : path, optional
        Table of names, see :func:`load_region_names`. Regions without a name are called by number.
    name : str
        Of the atlas.
    domain : VolumeDomain
        Voxels of the analysis.

    Returns
    -------
    regions : Regions
        In the order of the index. All that the image has or the table names; those without a voxel
        in the mask have no members. Of a lookup table, only what the image has.
    resampled : bool
        Whether the image is on another grid, so that nearest neighbours were taken.

    Raises
    ------
    InputError
        If image or table cannot be read, the image is none of labels or has no label in the mask,
        or the names count from 0.
    """
    data, found = read_map(image)
    labels, codes = number_labels(data, image)
    if labels.size == 0:
        msg = f"{image} has no region: all voxels are 0"
        raise InputError(msg)
    table = load_region_names(names) if names else RegionNames({}, lookup=True)
    if names:
        _refuse_shifted_names(table.names, labels, image, names)
    named = [] if table.lookup else [one for one in table.names if one]
    index = np.union1d(labels, np.array(named, dtype=np.int64))
    placed = place_labels(codes, found, domain.grid)
    region = np.searchsorted(index, labels)[placed.code - 1]
    members = _members(region, placed.place, index.size, domain)
    if members.nnz == 0:
        msg = (
            f"{image} has no region at any of the {domain.n_features} voxels of the mask, is it in "
            f"another space? its grid: {found}; that of the mask: {domain.grid}"
        )
        raise InputError(msg)
    regions = Regions(
        members,
        (name,) * index.size,
        tuple(index.tolist()),
        tuple(table.names.get(one) or f"region {one}" for one in index.tolist()),
        np.bincount(region, minlength=index.size),
    )
    return regions, placed.resampled


def load_roi(image: Path, domain: VolumeDomain) -> tuple[Regions, bool]:
    """
    Read a region of interest.

    Parameters
    ----------
    image : path
        NIfTI volume; what is above 0 is inside.
    domain : VolumeDomain
        Voxels of the analysis.

    Returns
    -------
    regions : Regions
        One; without members if it is outside of the mask.
    resampled : bool
        Whether the image is on another grid, so that nearest neighbours were taken.

    Raises
    ------
    InputError
        If it cannot be read or covers no voxel of the grid.
    """
    data, found = read_map(image)
    inside = data > 0  # False for NaN
    placed = place_labels(inside.astype(np.int32), found, domain.grid)
    if not (placed.place >= 0).any():
        msg = f"{image} has no voxel above 0 on the grid of the maps ({domain.grid})"
        raise InputError(msg)
    region = np.zeros(placed.place.size, dtype=np.int64)
    regions = Regions(
        _members(region, placed.place, 1, domain),
        (image.name,),
        (1,),
        (_roi_name(image.name),),
        np.array([region.size]),
    )
    return regions, placed.resampled


def join_regions(parts: Sequence[Regions], n_features: int) -> Regions:
    """
    Put regions of several sources together.

    Parameters
    ----------
    parts : sequence of Regions
        Of the same features; may be none.
    n_features : int
        How many features these are.

    Returns
    -------
    Regions
        In the order of the parts.

    Raises
    ------
    ValueError
        If they are of other features.
    """
    found = {part.members.shape[1] for part in parts}
    if found - {n_features}:
        msg = f"regions are of {sorted(found)} features, expected {n_features}"
        raise ValueError(msg)
    none = sparse.csr_array((0, n_features), dtype=bool)
    return Regions(
        sparse.csr_array(sparse.vstack([none, *(part.members for part in parts)], format="csr")),
        tuple(one for part in parts for one in part.atlas),
        tuple(one for part in parts for one in part.index),
        tuple(one for part in parts for one in part.name),
        np.concatenate([np.zeros(0, np.int64), *(part.n_all for part in parts)]),
    )


def save_regions(regions: Regions, out_file: Path) -> Path:
    """
    Write regions to a file.

    Parameters
    ----------
    regions : Regions
        To write.
    out_file : path
        Name that ends in ``.npz``.

    Returns
    -------
    path
        ``out_file``.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    members = regions.members
    with whole(out_file) as partial, partial.open("wb") as stream:
        np.savez(
            stream,
            feature=members.indices,
            start=members.indptr,
            n_features=members.shape[1],
            atlas=np.array(regions.atlas, dtype=np.str_),
            index=np.array(regions.index, dtype=np.int64),
            name=np.array(regions.name, dtype=np.str_),
            n_all=regions.n_all,
        )
    return out_file


def load_regions(path: Path) -> Regions:
    """
    Read regions back.

    Parameters
    ----------
    path : path
        From :func:`save_regions`.

    Returns
    -------
    Regions
    """
    with np.load(path) as stored:
        feature, start = stored["feature"], stored["start"]
        return Regions(
            sparse.csr_array(
                (np.ones(feature.size, dtype=bool), feature, start),
                shape=(start.size - 1, int(stored["n_features"])),
            ),
            tuple(stored["atlas"].tolist()),
            tuple(stored["index"].tolist()),
            tuple(stored["name"].tolist()),
            stored["n_all"],
        )


def _roi_name(file_name: str) -> str:
    """Name a region of interest by its file, without what all such files are called."""
    name = file_name.removesuffix(".gz").removesuffix(".nii")
    for suffix in _ROI_SUFFIXES:
        name = name.removesuffix(suffix) or name
    return name


def _members(
    region: NDArray[np.integer], place: NDArray[np.int64], n_regions: int, domain: VolumeDomain
) -> sparse.csr_array:
    """Which features each region holds, from the region and the place of each voxel."""
    feature = np.searchsorted(domain.features, place).clip(max=domain.n_features - 1)
    taken = domain.features[feature] == place
    pairs = (region[taken].astype(np.int32), feature[taken].astype(np.int32))
    return sparse.csr_array(
        (np.ones(pairs[0].size, dtype=bool), pairs), shape=(n_regions, domain.n_features)
    )


def _refuse_shifted_names(
    names: dict[int, str], labels: NDArray[np.int64], image: Path, table: Path
) -> None:
    """Raise an error if a table counts regions from 0, as some published ones do."""
    first = names.get(0, "")
    unnamed = [one for one in labels.tolist() if one not in names]
    if first and unnamed and not any(part in first.casefold() for part in _BACKGROUND):
        msg = (
            f"{table} calls index 0 {first!r}, has no name for {unnamed[-1]}, and 0 is background "
            f"in {image}: it seems to count from 0, give a table with the values of the image"
        )
        raise InputError(msg)
