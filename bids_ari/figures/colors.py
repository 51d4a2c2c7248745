"""The colours of z and TDP, the same in every picture and legend."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LINES = "#7d7d7d"  # readable on white and on black
_NEGATIVE = ("#7db8e8", "#1f5fae")  # weak, strong
_POSITIVE = ("#f5a582", "#c01f2e")


def z_gradient(threshold: float, largest: float) -> tuple[list[str], list[str]]:
    """Return colours from weak to strong as hex, for negative and for positive values."""
    from matplotlib.colors import to_hex

    cmap = diverging(threshold / largest)
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


def paint_z(z: NDArray[np.floating], threshold: float, largest: float) -> NDArray[np.floating]:
    """Colour values beyond a threshold by sign and size, (n_rows, n_columns, 4); else clear."""
    z = np.nan_to_num(z)
    colour: NDArray[np.floating] = diverging(threshold / largest)(0.5 + 0.5 * z / largest)
    colour[..., 3] = np.abs(z) > threshold
    return colour


def paint_tdp(tdp: NDArray[np.floating], labels: NDArray[Any]) -> NDArray[np.floating]:
    """Fill clusters by their TDP, and draw only the rim of those where it is 0."""
    import matplotlib as mpl

    colour: NDArray[np.floating] = mpl.colormaps["viridis"](np.nan_to_num(tdp))
    rims = np.zeros(labels.shape, dtype=bool)
    for label in np.unique(labels[labels > 0]):
        rims |= rim(labels == label)
    colour[..., 3] = (labels > 0) & ((tdp > 0) | rims)
    return colour


def rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of a region that touch its outside, two wide."""
    from scipy.ndimage import binary_erosion

    rim: NDArray[np.bool_] = inside & ~binary_erosion(inside, iterations=2)
    return rim


def diverging(dead: float) -> Any:
    """Return a colour map over -1 to 1 that starts anew at the share ``dead`` on either side."""
    from matplotlib.colors import LinearSegmentedColormap, ListedColormap

    half = 256
    strength = np.clip((np.arange(half) / (half - 1) - dead) / max(1 - dead, 1e-6), 0, 1)
    positive = LinearSegmentedColormap.from_list("positive", _POSITIVE)(strength)
    negative = LinearSegmentedColormap.from_list("negative", _NEGATIVE)(strength[::-1])
    return ListedColormap(np.concatenate([negative, positive]), name="signed")
