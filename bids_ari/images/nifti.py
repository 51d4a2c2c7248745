"""Read and write NIfTI volumes; whatever is wrong with one is said with its name."""

import gzip
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deflate
import nibabel as nb
import numpy as np
from numpy.typing import NDArray

from bids_ari.errors import ExitCode, InputError
from bids_ari.files import whole

EXTENSION = ".nii.gz"
"""Of the files that we write."""
_HEADER_BYTES = 540
"""Of a NIfTI-2 header; the one of NIfTI-1 is shorter."""
_XFORM_ALIGNED = 2
_SMALLEST_VOXEL = 1e-9
"""Volume in mm3 that no voxel is smaller than."""
_MOST_DEFLATE = 1032
"""How much smaller the format can make a file, at the most."""
_AFFINE_TOLERANCE = 1e-3
"""In mm per voxel step: single precision headers of one grid differ in the last digits."""
_READ_ERRORS: tuple[Any, ...] = (
    OSError,
    EOFError,
    ValueError,
    zlib.error,
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
        stored = path.read_bytes()
        content = _decompress(stored) if path.suffix == ".gz" else stored
        header = _header(content)
        if path.suffix == ".gz" and len(content) < _length(header):
            # the fast way reads the first part of files in several parts (pigz, bgzip) only
            content = gzip.decompress(stored)
        if len(content) < _length(header):
            msg = f"it ends after {len(content)} of {_length(header)} bytes"
            raise ValueError(msg)
        # a view: nothing is copied
        data = np.ndarray(
            header.get_data_shape(),
            header.get_data_dtype(),
            content,
            int(header.get_data_offset()),
            order="F",
        )
        slope, inter = header.get_slope_inter()
        if slope is not None:
            data = nb.volumeutils.apply_read_scaling(data, slope, inter)
    except FileNotFoundError as error:
        raise _no_file(path) from error
    except _READ_ERRORS as error:
        msg = f"{path} is not a whole NIfTI image: {_one_line(error)}"
        raise InputError(msg) from error
    found = _grid_of(header, path)
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

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    img = nb.Nifti1Image(volume, grid.affine)
    img.header.set_xyzt_units("mm", "sec")
    img.set_sform(grid.affine, grid.xform_code)
    img.set_qform(grid.affine, grid.xform_code)
    if not np.allclose(img.get_qform(), grid.affine, atol=_AFFINE_TOLERANCE):
        img.set_qform(None)  # it cannot say that axes are sheared
    if intent:
        img.header.set_intent(intent, parameters)
    with whole(out_file) as partial:
        img.to_filename(partial)
    return out_file


def _read_grid(path: Path) -> Grid:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            header = _header(stream.read(_HEADER_BYTES))
    except FileNotFoundError as error:
        raise _no_file(path) from error
    except _READ_ERRORS as error:
        msg = f"{path} has no NIfTI header: {_one_line(error)}"
        raise InputError(msg) from error
    return _grid_of(header, path)


def _decompress(stored: bytes) -> bytes | bytearray:
    """Decompress at once, knowing the size from the end of the file; else as Python does it."""
    size = int.from_bytes(stored[-4:], "little")
    if size <= _MOST_DEFLATE * len(stored):  # or the end is not that of a gzip file
        with suppress(deflate.DeflateError):  # what is wrong, Python says better
            return deflate.gzip_decompress(stored, size)
    return gzip.decompress(stored)


def _length(header: nb.Nifti1Header) -> int:
    n_values = int(np.prod(header.get_data_shape(), dtype=np.int64))
    itemsize: int = header.get_data_dtype().itemsize
    return int(header.get_data_offset()) + n_values * itemsize


def _header(content: bytes | bytearray) -> nb.Nifti1Header:
    """Read the header alone; its first number is its length, which tells NIfTI-1 from NIfTI-2."""
    header_classes: tuple[Any, ...] = (nb.Nifti1Header, nb.Nifti2Header)
    for header_class in header_classes:
        length: int = header_class.sizeof_hdr
        if content[:4] in (length.to_bytes(4, "little"), length.to_bytes(4, "big")):
            header: nb.Nifti1Header = header_class(bytes(content[:length]), check=False)
            return header
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
    kind = header.get_data_dtype()
    if kind.fields or kind.kind not in "iuf":
        msg = f"{path} holds {kind} values, expected one real number for each voxel"
        raise InputError(msg)
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < _SMALLEST_VOXEL:
        msg = f"{path} does not say where its voxels are: its affine is {affine[:3].tolist()}"
        raise InputError(msg)
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
