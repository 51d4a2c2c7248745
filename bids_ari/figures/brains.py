"""Maps on brains, cut into slices."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_ari.figures.colors import paint_tdp, paint_z, rim
from bids_ari.figures.panels import Panel, webp
from bids_ari.figures.volumes import Volume, linear, nearest

_MASK = (0.16, 0.47, 0.71, 0.45)
_SILHOUETTE = (0.5, 0.5, 0.5, 0.35)


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
        self._backgrounds: dict[tuple[int, float], NDArray[np.floating]] = {}

    def z(self, z: Volume, at: float, *, threshold: float, largest: float) -> Panel:
        """Draw the axial slice at a height in mm, voxels beyond a threshold coloured by sign."""
        return self._panel([paint_z(self._cut(z, 2, at), threshold, largest)], 2, at)

    def tdp(self, tdp: Volume, labels: Volume, at: float) -> Panel:
        """Draw the axial slice at a height in mm, clusters filled by TDP, unfilled where it is 0."""
        return self._panel([paint_tdp(self._cut(tdp, 2, at), self._cut(labels, 2, at))], 2, at)

    def mask_outline(self) -> list[Panel]:
        """Draw the mask on a sagittal, a coronal and an axial slice through its middle."""
        middle = self.mask.corners(self.mask.values > 0).mean(axis=0)
        panels = []
        for axis, at in enumerate(middle):
            inside = self._cut(self.mask, axis, float(at)) > 0
            layer = np.zeros((*inside.shape, 4))
            layer[inside] = _MASK
            layer[rim(inside)] = (*_MASK[:3], 1.0)
            panels.append(self._panel([layer], axis, float(at)))
        return panels

    def labels_at(self, labels: Volume, at: float) -> list[int]:
        """Return which clusters an axial slice shows, ascending."""
        return [int(label) for label in np.unique(self._cut(labels, 2, at)) if label > 0]

    def largest_at(self, volume: Volume, at: float) -> float:
        """Return the largest value that an axial slice shows, 0 if there is none above."""
        return float(np.nanmax(self._cut(volume, 2, at), initial=0))

    def _cut(self, volume: Volume, axis: int, at: float, *, smooth: bool = False) -> NDArray[Any]:
        """Sample a slice, (n_rows, n_columns): up is up or front, right is right or front."""
        across, up = [other for other in range(3) if other != axis]
        columns = np.arange(self.box[0, across], self.box[1, across], self.resolution)
        rows = np.arange(self.box[1, up], self.box[0, up], -self.resolution)
        mm = np.empty((3, rows.size, columns.size))
        mm[axis], mm[across], mm[up] = at, columns[None, :], rows[:, None]
        look_up = linear if smooth else nearest
        return look_up(volume, mm.reshape(3, -1)).reshape(rows.size, columns.size)

    def _panel(self, layers: Sequence[NDArray[np.floating]], axis: int, at: float) -> Panel:
        from PIL import Image

        if (axis, at) not in self._backgrounds:  # several maps are cut at the same places
            self._backgrounds[axis, at] = self._background(axis, at)
        background = self._backgrounds[axis, at].copy()
        for layer in layers:
            alpha = layer[..., 3:]
            background[..., :3] = alpha * layer[..., :3] + (1 - alpha) * background[..., :3]
            background[..., 3:] = np.maximum(alpha, background[..., 3:])
        picture = Image.fromarray(np.round(255 * background).astype(np.uint8))
        return webp(picture, f"{'xyz'[axis]} = {at:.0f} mm")

    def _background(self, axis: int, at: float) -> NDArray[np.floating]:
        if self.brain is None:
            inside = self._cut(self.mask, axis, at) > 0
            return np.where(inside[..., None], _SILHOUETTE, 0.0)
        grey = self._cut(self.brain, axis, at, smooth=True)
        shade = 0.14 + 0.8 * np.clip((grey - 0.15) / 0.85, 0, 1) ** 1.4
        # values fade out at the rim of the brain: a hard edge would leave a dotted line
        return np.dstack([shade, shade, shade, np.clip(grey / 0.25, 0, 1)])
