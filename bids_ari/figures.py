"""
Arrays to pictures.

Brain pictures are WebP with a transparent surround, so that they stand on a light or a dark page;
line drawings are SVG in ``currentColor``. Labels and colour legends are text of the page.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINES = "#7d7d7d"  # readable on white and on black
_INK = "#010203"  # stands for the text colour of the page until the SVG is written
_NEGATIVE = ("#7db8e8", "#1f5fae")  # weak, strong
_POSITIVE = ("#f5a582", "#c01f2e")
_MASK = (0.16, 0.47, 0.71, 0.45)
_SILHOUETTE = (0.5, 0.5, 0.5, 0.35)


@dataclass(frozen=True, slots=True)
class Volume:
    """
    A map and where it is.

    Parameters
    ----------
    values : (n_x, n_y, n_z) array
        One value per voxel.
    affine : (4, 4) array
        Voxel indices to mm.
    """

    values: NDArray[Any]
    affine: NDArray[np.floating]

    def corners(self, where: NDArray[np.bool_]) -> NDArray[np.floating]:
        """Return the smallest and the largest x, y, z in mm of some voxels, (2, 3)."""
        index = np.argwhere(where)
        low, high = index.min(axis=0), index.max(axis=0)
        box = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1)
        mm = self.affine[:3, :3] @ box + self.affine[:3, 3:]
        return np.stack([mm.min(axis=1), mm.max(axis=1)])


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: its bytes, its size in pixels, and what it is called."""

    name: str
    data: bytes
    width: int
    height: int


def template() -> Volume:
    """Return the T1-weighted MNI152 brain that comes with nilearn, 0 outside, at most 1."""
    from nilearn.datasets import load_mni152_template  # slow to import

    img = load_mni152_template(resolution=1)
    return Volume(np.asarray(img.dataobj, dtype=np.float32), img.affine)


def overlap_with_template(mask: Volume, brain: Volume) -> float:
    """Return the Dice coefficient of a mask and the template's brain, on the grid of the mask."""
    index = np.indices(mask.values.shape).reshape(3, -1)
    mm = mask.affine[:3, :3] @ index + mask.affine[:3, 3:]
    inside = _nearest(brain, mm) > 0.1
    in_mask = mask.values.ravel() > 0
    return float(2 * np.sum(inside & in_mask) / (np.sum(inside) + np.sum(in_mask)))


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
    import nibabel as nb  # slow to import, as nilearn.plotting is
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from nilearn.plotting import plot_glass_brain
    from PIL import Image

    # a canvas of our own: the figure is unknown to pyplot and is freed with its last reference
    canvas = FigureCanvasAgg(Figure(figsize=(10.4, 2.6), dpi=150))
    display = plot_glass_brain(
        nb.Nifti1Image(z.values.astype(np.float32), z.affine),
        threshold=threshold,
        display_mode="lyrz",
        plot_abs=False,
        figure=canvas.figure,
        colorbar=False,
        annotate=False,
        vmin=-largest,
        vmax=largest,
        symmetric_cbar=True,
        cmap=_diverging(threshold / largest),
        resampling_interpolation="nearest",
    )
    canvas.figure.patch.set_alpha(0)
    for axes in display.axes.values():
        for patch in axes.ax.patches:
            # nilearn draws in black and light grey, made for white paper
            faint = float(np.mean(patch.get_edgecolor()[:3])) > 0.5
            patch.set_edgecolor(LINES)
            patch.set_alpha(0.4 if faint else 0.9)
    canvas.draw()  # type: ignore[no-untyped-call]
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba()))  # type: ignore[no-untyped-call]
    panels = []
    for view, name in (
        ("l", "from the left"),
        ("y", "from the back"),
        ("r", "from the right"),
        ("z", "from above"),
    ):
        box = display.axes[view].ax.get_position()
        left, right = (round(x * picture.width) for x in (box.x0, box.x1))
        panels.append(_webp(picture.crop((left, 0, right, picture.height)), name))
    return panels


class Slicer:
    """
    Cut slices of several maps at the same places, all of the same size and scale.

    Voxels are drawn as they are, without interpolation: a proportion between two clusters would
    be a claim that nobody made.

    Parameters
    ----------
    mask : Volume
        Voxels analysed; without a brain their silhouette is the background.
    brain : Volume, optional
        Anatomical background in the space of the mask.
    resolution : float
        Size of a pixel in mm.
    """

    def __init__(self, mask: Volume, brain: Volume | None, resolution: float = 0.75) -> None:
        self.mask = mask
        self.brain = brain
        self.resolution = resolution
        box = mask.corners(mask.values > 0)
        if brain is not None:
            around = brain.corners(brain.values > 0)
            box = np.stack([np.minimum(box[0], around[0]), np.maximum(box[1], around[1])])
        self.box = box + np.array([[-4.0], [4.0]])

    def z(self, z: Volume, at: float, *, threshold: float, largest: float) -> Panel:
        """Draw the axial slice at a height in mm, voxels beyond a threshold coloured by sign."""
        return self._panel([_paint_z(self._cut(z, 2, at), threshold, largest)], 2, at)

    def tdp(self, tdp: Volume, labels: Volume, at: float) -> Panel:
        """Draw the axial slice at a height in mm, clusters filled by TDP, unfilled where it is 0."""
        return self._panel([_paint_tdp(self._cut(tdp, 2, at), self._cut(labels, 2, at))], 2, at)

    def mask_outline(self, lost: Volume | None = None) -> list[Panel]:
        """Draw the mask on a sagittal, a coronal and an axial slice through its middle."""
        middle = self.mask.corners(self.mask.values > 0).mean(axis=0)
        panels = []
        for axis, at in enumerate(middle):
            inside = self._cut(self.mask, axis, float(at)) > 0
            layer = np.zeros((*inside.shape, 4))
            layer[inside] = _MASK
            layer[_rim(inside)] = (*_MASK[:3], 1.0)
            if lost is not None:
                layer[self._cut(lost, axis, float(at)) > 0] = (0.85, 0.55, 0.0, 0.8)
            panels.append(self._panel([layer], axis, float(at)))
        return panels

    def labels_at(self, labels: Volume, at: float) -> list[int]:
        """Return which clusters an axial slice shows, ascending."""
        return [int(label) for label in np.unique(self._cut(labels, 2, at)) if label > 0]

    def _cut(self, volume: Volume, axis: int, at: float, *, smooth: bool = False) -> NDArray[Any]:
        """Sample a slice, (n_rows, n_columns): up is up or front, right is right or front."""
        across, up = [other for other in range(3) if other != axis]
        columns = np.arange(self.box[0, across], self.box[1, across], self.resolution)
        rows = np.arange(self.box[1, up], self.box[0, up], -self.resolution)
        mm = np.empty((3, rows.size, columns.size))
        mm[axis], mm[across], mm[up] = at, columns[None, :], rows[:, None]
        look_up = _linear if smooth else _nearest
        return look_up(volume, mm.reshape(3, -1)).reshape(rows.size, columns.size)

    def _panel(self, layers: Sequence[NDArray[np.floating]], axis: int, at: float) -> Panel:
        from PIL import Image

        background = self._background(axis, at)
        for layer in layers:
            alpha = layer[..., 3:]
            background[..., :3] = alpha * layer[..., :3] + (1 - alpha) * background[..., :3]
            background[..., 3:] = np.maximum(alpha, background[..., 3:])
        picture = Image.fromarray(np.round(255 * background).astype(np.uint8))
        return _webp(picture, f"{'xyz'[axis]} = {at:.0f} mm")

    def _background(self, axis: int, at: float) -> NDArray[np.floating]:
        if self.brain is None:
            inside = self._cut(self.mask, axis, at) > 0
            return np.where(inside[..., None], _SILHOUETTE, 0.0)
        grey = self._cut(self.brain, axis, at, smooth=True)
        shade = 0.14 + 0.8 * np.clip((grey - 0.15) / 0.85, 0, 1) ** 1.4
        # values fade out at the rim of the brain: a hard edge would leave a dotted line
        return np.dstack([shade, shade, shade, np.clip(grey / 0.25, 0, 1)])


def smaller(panel: Panel, factor: float) -> Panel:
    """Scale a picture down for an overview."""
    from PIL import Image

    size = round(panel.width * factor), round(panel.height * factor)
    picture = Image.open(io.BytesIO(panel.data)).resize(size, Image.Resampling.LANCZOS)
    return _webp(picture, panel.name)


def z_gradient(threshold: float, largest: float) -> tuple[list[str], list[str]]:
    """Return colours from weak to strong as hex, for negative and for positive values."""
    from matplotlib.colors import to_hex

    cmap = _diverging(threshold / largest)
    steps = np.linspace(threshold, largest, 5) / largest
    return (
        [to_hex(cmap(0.5 - 0.499 * step)) for step in steps],
        [to_hex(cmap(0.5 + 0.499 * step)) for step in steps],
    )


def tdp_gradient() -> list[str]:
    """Return the colours of TDP from 0 to 1 as hex."""
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    return [to_hex(mpl.colormaps["viridis"](x)) for x in np.linspace(0, 1, 9)]


def design_matrix(
    values: NDArray[np.floating], names: Sequence[str], weights: Sequence[float]
) -> str:
    """
    Draw a design matrix and below it the contrast.

    Parameters
    ----------
    values : (n_maps, n_regressors) array
        Each column is scaled to its largest absolute value.
    names : sequence of str
        Regressors.
    weights : sequence of float
        Contrast, one weight per regressor.

    Returns
    -------
    svg : str
        An ``svg`` element whose text has the colour of the page.
    """
    n_maps, n_regressors = values.shape
    last = _shorten(names[-1])  # stands out to the right
    figure = _figure(0.9 + 0.07 * len(last) + 0.75 * n_regressors, min(3.4, 1.3 + 0.06 * n_maps))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_position(_inset(figure, left=0.8, right=0.1 + 0.07 * len(last), top=0.5, bottom=0.42))
    scale = np.max(np.abs(values), axis=0, keepdims=True)
    axes.imshow(
        values / np.where(scale > 0, scale, 1),
        cmap="Blues",
        vmin=-1.6,
        vmax=1.3,
        aspect="auto",
        interpolation="nearest",
    )
    axes.set_xticks(
        range(n_regressors), [_shorten(name) for name in names], rotation=20, ha="left"
    )
    axes.xaxis.tick_top()
    axes.set_ylabel("map")
    axes.set_yticks(sorted({0, n_maps - 1}), [str(i + 1) for i in sorted({0, n_maps - 1})])
    axes.set_xticks(np.arange(0.5, n_regressors - 1), minor=True)
    axes.grid(which="minor", axis="x", color="white", linewidth=2)
    axes.tick_params(length=0, which="both")
    for column, weight in enumerate(weights):
        axes.annotate(
            f"{weight:+g}".replace("-", "\N{MINUS SIGN}") if weight else "0",
            (column, 0),
            (0, -14),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            weight="bold",
        )
    axes.annotate(
        "contrast",
        (0, 0),
        (-6, -14),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
    )
    return _svg(figure, "design")


def histogram(z: NDArray[np.floating], marks: Sequence[float] = ()) -> str:
    """
    Draw the distribution of z values against the standard normal.

    Parameters
    ----------
    z : (n_features,) array
        Finite values.
    marks : sequence of float
        z values to be marked by a line.

    Returns
    -------
    svg : str
        An ``svg`` element whose text has the colour of the page.
    """
    from scipy.stats import norm

    edge = float(np.ceil(2 * max(4.0, np.max(np.abs(z), initial=0)))) / 2
    edges = np.linspace(-edge, edge, 81)
    figure = _figure(5.2, 2.5)
    axes = figure.add_axes(_inset(figure, left=0.1, right=0.1, top=0.1, bottom=0.45))
    density, _ = np.histogram(z, edges, density=True)
    axes.stairs(density, edges, fill=True, color="#6f9fc8")
    axes.plot(edges, norm.pdf(edges), color=_INK, linewidth=1.2)
    for mark in marks:
        axes.axvline(mark, color=LINES, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_xlim(-edge, edge)
    axes.set_ylim(bottom=0)
    axes.set_yticks([])
    axes.set_xlabel("z")
    for spine in ("left", "top", "right"):
        axes.spines[spine].set_visible(False)
    return _svg(figure, "histogram")


def _nearest(volume: Volume, mm: NDArray[np.floating]) -> NDArray[Any]:
    """Look up the voxel at each point, (3, n_points) in mm; 0 outside the field of view."""
    inverse = np.linalg.inv(volume.affine)
    index = np.rint(inverse[:3, :3] @ mm + inverse[:3, 3:]).astype(np.intp)
    shape = np.array(volume.values.shape)[:, None]
    inside = np.all((index >= 0) & (index < shape), axis=0)
    found = np.zeros(mm.shape[1], dtype=volume.values.dtype)
    found[inside] = volume.values[tuple(index[:, inside])]
    return found


def _linear(volume: Volume, mm: NDArray[np.floating]) -> NDArray[Any]:
    """Interpolate between voxels; for anatomy only."""
    from scipy.ndimage import map_coordinates

    inverse = np.linalg.inv(volume.affine)
    index = inverse[:3, :3] @ mm + inverse[:3, 3:]
    found: NDArray[Any] = map_coordinates(volume.values, index, order=1)
    return found


def _diverging(dead: float) -> Any:
    """Return a colour map over -1 to 1 that starts anew at the share ``dead`` on either side."""
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    half = 256
    strength = np.clip((np.arange(half) / (half - 1) - dead) / max(1 - dead, 1e-6), 0, 1)
    positive = LinearSegmentedColormap.from_list("positive", _POSITIVE)(strength)
    negative = LinearSegmentedColormap.from_list("negative", _NEGATIVE)(strength[::-1])
    return ListedColormap(np.concatenate([negative, positive]), name="signed")


def _paint_z(z: NDArray[np.floating], threshold: float, largest: float) -> NDArray[np.floating]:
    z = np.nan_to_num(z)
    colour: NDArray[np.floating] = _diverging(threshold / largest)(0.5 + 0.5 * z / largest)
    colour[..., 3] = np.abs(z) > threshold
    return colour


def _paint_tdp(tdp: NDArray[np.floating], labels: NDArray[Any]) -> NDArray[np.floating]:
    import matplotlib as mpl

    colour: NDArray[np.floating] = mpl.colormaps["viridis"](np.nan_to_num(tdp))
    rims = np.zeros(labels.shape, dtype=bool)
    for label in np.unique(labels[labels > 0]):
        rims |= _rim(labels == label)
    colour[..., 3] = (labels > 0) & ((tdp > 0) | rims)
    return colour


def _rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a region that touch its outside, two wide."""
    from scipy.ndimage import binary_erosion

    rim: NDArray[np.bool_] = inside & ~binary_erosion(inside, iterations=2)
    return rim


def _webp(picture: Any, name: str) -> Panel:
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=82, method=4)
    return Panel(name, buffer.getvalue(), picture.width, picture.height)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def _inset(
    figure: "Figure", *, left: float, right: float, top: float, bottom: float
) -> tuple[float, float, float, float]:
    """Turn margins in inches into the place of the axes."""
    width, height = figure.get_size_inches()
    return left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height


def _shorten(name: str, length: int = 16) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _texts(figure: "Figure") -> Iterator[Any]:
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if isinstance(text, Text):
            yield text


def _svg(figure: "Figure", name: str) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    for text in _texts(figure):
        text.set_color(_INK)
        text.set_parse_math(False)  # a regressor named "$" is a name, not a formula
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
        axes.tick_params(color=LINES)
        for spine in axes.spines.values():
            spine.set_edgecolor(LINES)
    buffer = io.StringIO()
    # the salt keeps the identifiers of two drawings on one page apart, and the bytes the same
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"#([\w-]+)", svg))
    return re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", svg)
