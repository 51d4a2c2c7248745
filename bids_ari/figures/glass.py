"""
Maps projected onto a transparent brain.

The drawing is nilearn's, and so are the outlines, which are read from its files. Its plotting is
not imported: with it come scikit-learn and all statistics of scipy, for longer than the rest of
the report takes.
"""

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bids_ari.figures.colors import LINES, paint_z
from bids_ari.figures.panels import Panel, webp
from bids_ari.figures.volumes import Volume, nearest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES = (10.4, 2.6)
_DPI = 150
_MARGIN = 0.025  # of the size of the outlines, for the width of their lines


class _View(NamedTuple):
    name: str
    outlines: str
    """Which of nilearn's files."""
    to_mm: tuple[float, float, float, float]
    """Scale and shift of the outlines, across and up; adjusted by hand to the template."""
    along: int
    """Axis that is projected."""
    side: int = 0
    """-1 for the left hemisphere only, 1 for the right one."""


_VIEWS = (
    _View("from the left", "side", (0.38, -108, 0.38, -70), 0, -1),
    _View("from the back", "back", (0.39, -73, 0.39, -73), 1),
    _View("from the right", "side", (0.38, -108, 0.38, -70), 0, 1),
    _View("from above", "top", (0.36, -71, 0.37, -107), 2),
)


def glass_brain(z: Volume, *, threshold: float, largest: float) -> list[Panel]:
    """
    Project voxels beyond a threshold onto a transparent brain in MNI space.

    Parameters
    ----------
    z : Volume
        Signed statistic.
    threshold : float
        Voxels with a smaller absolute value are not drawn.
    largest : float
        Absolute value that has the strongest colour.

    Returns
    -------
    panels : list of Panel
        Left, back, right and top, to be set side by side.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to import
    from matplotlib.figure import Figure
    from PIL import Image

    # a canvas of our own: the figure is unknown to pyplot and is freed with its last reference
    canvas = FigureCanvasAgg(Figure(figsize=_INCHES, dpi=_DPI))
    canvas.figure.patch.set_alpha(0)
    grid = _Grid.around(z, threshold)
    drawn = []
    for view in _VIEWS:
        axes = canvas.figure.add_axes((0, 0, 1, 1), aspect="equal")
        axes.axis("off")
        box = _draw_outlines(axes, view)
        if grid is not None:
            shown = _draw_largest(axes, view, grid, threshold, largest)
            box = np.stack([np.minimum(box[0], shown[0]), np.maximum(box[1], shown[1])])
        axes.set_xlim(*(box[::-1, 0] if view.side < 0 else box[:, 0]))
        axes.set_ylim(*box[:, 1])
        drawn.append((axes, float(np.ptp(box[:, 0]))))
    widths = np.array([width for _, width in drawn])
    edges = np.append(0.0, np.cumsum(widths / widths.sum()))
    for (axes, _), left, right in zip(drawn, edges[:-1], edges[1:], strict=True):
        axes.set_position((left, 0.0, right - left, 1.0))
    canvas.draw()  # type: ignore[no-untyped-call]
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba()))  # type: ignore[no-untyped-call]
    panels = []
    for (axes, _), view in zip(drawn, _VIEWS, strict=True):
        place = axes.get_position()
        left, right = (round(x * picture.width) for x in (place.x0, place.x1))
        panels.append(webp(picture.crop((left, 0, right, picture.height)), view.name))
    return panels


class _Grid(NamedTuple):
    """The part of a map that is drawn, along the axes of space."""

    values: NDArray[np.floating]
    """(n_x, n_y, n_z)"""
    mm: tuple[NDArray[np.floating], ...]
    """Where they are, in each direction."""
    size: NDArray[np.floating]
    """(3,) of a voxel."""

    @classmethod
    def around(cls, z: Volume, threshold: float) -> "_Grid | None":
        """Put the voxels beyond a threshold on such a grid; None if there are none."""
        beyond = np.abs(np.nan_to_num(z.values)) > threshold
        if not beyond.any():
            return None
        size = np.abs(z.affine[:3, :3]).max(axis=1)
        low, high = z.corners(beyond)
        mm = tuple(np.arange(low[k], high[k] + size[k] / 2, size[k]) for k in range(3))
        points = np.stack(np.meshgrid(*mm, indexing="ij")).reshape(3, -1)
        values = nearest(Volume(np.where(beyond, z.values, 0), z.affine), points)
        return cls(values.reshape([one.size for one in mm]), mm, size)


def _draw_largest(
    axes: "Axes", view: _View, grid: _Grid, threshold: float, largest: float
) -> NDArray[np.floating]:
    """Draw what is largest in size along lines of sight; return its corners in mm, (2, 2)."""
    values = grid.values
    if view.side:
        on_side = grid.mm[0] < 0 if view.side < 0 else grid.mm[0] >= 0
        values = np.where(on_side[:, None, None], values, 0)
    furthest = np.abs(values).argmax(axis=view.along, keepdims=True)
    seen = np.take_along_axis(values, furthest, axis=view.along).squeeze(view.along)
    across, up = (k for k in range(3) if k != view.along)
    low, high = (
        np.array([grid.mm[k][end] + step * grid.size[k] / 2 for k in (across, up)])
        for end, step in ((0, -1), (-1, 1))
    )
    axes.imshow(
        paint_z(seen.T, threshold, largest),
        extent=(low[0], high[0], low[1], high[1]),
        origin="lower",
        interpolation="nearest",
    )
    return np.stack([low, high])


def _draw_outlines(axes: "Axes", view: _View) -> NDArray[np.floating]:
    """Draw the outlines of a brain; return their corners in mm, (2, 2)."""
    from matplotlib.collections import PathCollection
    from matplotlib.path import Path

    folder = files("nilearn") / "plotting" / "glass_brain_files"
    drawing = json.loads((folder / f"brain_schematics_{view.outlines}.json").read_text("utf-8"))
    scale, shift = np.array(view.to_mm[::2]), np.array(view.to_mm[1::2])
    paths: list[Any] = []
    colours: list[tuple[str, float]] = []
    widths: list[float] = []
    for line in drawing["paths"]:
        # made for white paper: what is light grey there is faint here
        faint = int(line["edgecolor"][1:3], 16) > 127
        for item in line["items"]:
            rest = Path.CURVE4 if item["type"] == "bezier" else Path.LINETO
            codes = [Path.MOVETO, *[rest] * (len(item["pts"]) - 1)]
            paths.append(Path(np.array(item["pts"]) * scale + shift, codes))
            colours.append((LINES, 0.4 if faint else 0.9))
            widths.append(line["linewidth"])
    axes.add_collection(
        PathCollection(
            paths,
            edgecolors=colours,
            facecolors="none",
            linewidths=widths,
            capstyle="butt",
            joinstyle="miter",
        ),
        autolim=False,
    )
    x_min, x_max, y_min, y_max = drawing["metadata"]["bounds"]
    corners = np.array([[x_min, y_min], [x_max, y_max]]) * scale + shift
    margin = np.ptp(corners, axis=0) * _MARGIN + 0.1
    return np.stack([corners[0] - margin, corners[1] + margin])
