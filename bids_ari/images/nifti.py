"""Read and write NIfTI volumes; whatever is wrong with one is said with its name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
from isal import igzip
from isal.igzip_lib import IsalError
from numpy.typing import NDArray

from bids_ari.errors import ExitCode, InputError

_HEADER_BYTES = 540
"""Of a NIfTI-2 header; the one of NIfTI-1 is shorter."""
_XFORM_ALIGNED = 2
_AFFINE_TOLERANCE = 1e-3
"""In mm per voxel step: single precision headers of one grid differ in the last digits."""
_READ_ERRORS: tuple[Any, ...] = (
    OSError,
    EOFError,
    ValueError,
    IsalError,
    nb.filebasedimages.ImageFileError,
    nb.spatialimages.HeaderDataError,
)


@dataclass(frozen=True, eq=False)
class Grid:
    """The voxels of a volume and where they are."""

    shape: tuple[int, ...]
    affine: NDArray[np.float64]
    """(4, 4) voxel to world (RAS+ mm)."""
    xform_code: int
    """What world means: NIfTI code 1 scanner, 2 aligned, 3 Talairach, 4 MNI, 5 other template."""

    def matches(self, other: "Grid") -> bool:
        """Tell whether voxels are at the same places."""
        return self.shape == other.shape and np.allclose(
            self.affine, other.affine, atol=_AFFINE_TOLERANCE
        )

    @property
    def voxel_sizes(self) -> NDArray[np.float64]:
        """(3,) lengths of the edges of a voxel in mm."""
        return np.asarray(nb.affines.voxel_sizes(self.affine))

    def __str__(self) -> str:
        size = " x ".join(f"{edge:.4g}" for edge in self.voxel_sizes)
        origin = ", ".join(f"{where:.4g}" for where in self.affine[:3, 3])
        shape = " x ".join(str(n) for n in self.shape)
        orientation = "".join(nb.aff2axcodes(self.affine))
        return f"{shape} voxels of {size} mm, {orientation}, first voxel at ({origin})"


def common_grid(paths: Sequence[Path]) -> Grid:
    """
    Read the headers of maps and check that they are on one grid.

    Parameters
    ----------
    paths : sequence of path
        NIfTI volumes; only their headers are read.

    Returns
    -------
    Grid

    Raises
    ------
    InputError
        If a map is on a grid other than most of them. The message has both grids.
    """
    grids = [_read_grid(path) for path in paths]
    distinct: list[Grid] = []
    member = []
    for grid in grids:
        match = next((i for i, known in enumerate(distinct) if known.matches(grid)), None)
        if match is None:
            match = len(distinct)
            distinct.append(grid)
        member.append(match)
    common = Counter(member).most_common(1)[0][0]
    odd = [i for i, which in enumerate(member) if which != common]
    if odd:
        more = f" (and {len(odd) - 1} more)" if len(odd) > 1 else ""
        raise InputError(_grid_message(paths[odd[0]], grids[odd[0]], distinct[common], more))
    return distinct[common]


def read_map(path: Path, grid: Grid | None = None) -> tuple[NDArray[np.floating], Grid]:
    """
    Read a volume.

    Parameters
    ----------
    path : path
        NIfTI file with one volume.
    grid : Grid, optional
        The grid that it must be on.

    Returns
    -------
    data : (x, y, z) array
        As stored, scaling applied; a view into the decompressed file if it can be.
    grid : Grid
        Of the file.

    Raises
    ------
    InputError
        If it cannot be read, is cut off, holds several volumes, or is on another grid.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            # reads every member of the file, and checks length and checksum of each
            content = igzip.decompress(content)
        img = _image_class(content).from_bytes(content)
        data = np.asanyarray(img.dataobj)
    except FileNotFoundError as error:
        raise _no_file(path) from error
    except _READ_ERRORS as error:
        msg = f"{path} is not a whole NIfTI image: {_one_line(error)}"
        raise InputError(msg) from error
    found = _grid_of(img.header, path)
    if grid is not None and not found.matches(grid):
        raise InputError(_grid_message(path, found, grid))
    return data.reshape(found.shape, order="F"), found


def write_volume(
    volume: NDArray[Any],
    grid: Grid,
    out_file: Path,
    *,
    intent: str = "",
    parameters: tuple[float, ...] = (),
) -> Path:
    """
    Write a volume in its own precision; the name appears when the file is whole.

    Parameters
    ----------
    volume : (x, y, z) array
        Values on the grid.
    grid : Grid
        Where they are.
    out_file : path
        Name that ends in ``.nii`` or ``.nii.gz``.
    intent : str
        NIfTI intent, such as ``'z score'``.
    parameters : tuple of float
        Of the intent, such as the degrees of freedom.

    Returns
    -------
    path
        ``out_file``.
    """
    img = nb.Nifti1Image(volume, grid.affine)
    img.header.set_xyzt_units("mm", "sec")
    img.set_sform(grid.affine, grid.xform_code)
    img.set_qform(grid.affine, grid.xform_code)
    if not np.allclose(img.get_qform(), grid.affine, atol=_AFFINE_TOLERANCE):
        img.set_qform(None)  # it cannot say that axes are sheared
    if intent:
        img.header.set_intent(intent, parameters)
    partial = out_file.with_name(f".{out_file.name}")
    img.to_filename(partial)
    partial.replace(out_file)
    return out_file


def _read_grid(path: Path) -> Grid:
    try:
        with igzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read(_HEADER_BYTES)
        header = _image_class(content).header_class.from_fileobj(BytesIO(content), check=False)
    except FileNotFoundError as error:
        raise _no_file(path) from error
    except _READ_ERRORS as error:
        msg = f"{path} has no NIfTI header: {_one_line(error)}"
        raise InputError(msg) from error
    return _grid_of(header, path)


def _image_class(content: bytes) -> type[nb.Nifti1Image]:
    """Tell NIfTI-1 and NIfTI-2 by the length of the header, which is its first number."""
    for image_class, length in ((nb.Nifti1Image, 348), (nb.Nifti2Image, _HEADER_BYTES)):
        if content[:4] in (length.to_bytes(4, "little"), length.to_bytes(4, "big")):
            return image_class
    msg = "it does not begin like a NIfTI header"
    raise ValueError(msg)


def _grid_of(header: nb.Nifti1Header, path: Path) -> Grid:
    shape = header.get_data_shape()
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        msg = f"{path} has shape {shape}, expected one volume of three dimensions"
        raise InputError(msg)
    code = int(header["sform_code"]) or int(header["qform_code"])
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    return Grid(tuple(int(n) for n in shape), affine, code or _XFORM_ALIGNED)


def _no_file(path: Path) -> InputError:
    if path.is_symlink():
        msg = f"{path} is a link to content that is not there: fetch it first (datalad get)"
    else:
        msg = f"{path} does not exist"
    return InputError(msg, ExitCode.NO_INPUT)


def _grid_message(path: Path, found: Grid, expected: Grid, more: str = "") -> str:
    return f"{path}{more} is not on the grid of the other maps: {found}; expected {expected}"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
