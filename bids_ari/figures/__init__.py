"""
Arrays to pictures.

On pages, brain pictures are WebP with a transparent surround, so that they stand on a light or a dark
page, line drawings are SVG in ``currentColor``, and labels and colour legends are text of the page.
For papers, the same pixels stand on white as PNG and SVG, with labels and legends.
"""

from bids_ari.figures.brains import Slicer, glass_brain
from bids_ari.figures.charts import comparison, histogram
from bids_ari.figures.colors import tdp_gradient, z_gradient
from bids_ari.figures.designs import design_matrix
from bids_ari.figures.drawing import Drawing
from bids_ari.figures.envelopes import Curves, envelope
from bids_ari.figures.panels import Panel, smaller
from bids_ari.figures.sheets import Legend, sheet
from bids_ari.figures.volumes import Volume, on_millimetres, overlap_with_template, template

__all__ = [
    "Curves",
    "Drawing",
    "Legend",
    "Panel",
    "Slicer",
    "Volume",
    "comparison",
    "design_matrix",
    "envelope",
    "glass_brain",
    "histogram",
    "on_millimetres",
    "overlap_with_template",
    "sheet",
    "smaller",
    "tdp_gradient",
    "template",
    "z_gradient",
]
