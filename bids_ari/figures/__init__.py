"""
Arrays to pictures.

Brain pictures are WebP with a transparent surround, so that they stand on a light or a dark page;
line drawings are SVG in ``currentColor``. Labels and colour legends are text of the page.
"""

from bids_ari.figures.brains import Slicer
from bids_ari.figures.charts import comparison, histogram
from bids_ari.figures.colors import tdp_gradient, z_gradient
from bids_ari.figures.designs import design_matrix
from bids_ari.figures.glass import glass_brain
from bids_ari.figures.panels import Panel, smaller
from bids_ari.figures.volumes import Volume, overlap_with_template, template

__all__ = [
    "Panel",
    "Slicer",
    "Volume",
    "comparison",
    "design_matrix",
    "glass_brain",
    "histogram",
    "overlap_with_template",
    "smaller",
    "tdp_gradient",
    "template",
    "z_gradient",
]
