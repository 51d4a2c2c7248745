"""Tables of results: their columns, and how they are written."""

from collections.abc import Iterable, Sequence
from math import isnan

_BOUND = (
    ("discoveries", "lower bound on the number of truly active voxels"),
    ("tdp", "lower bound on the proportion of truly active voxels"),
)
_CLAIMS = (
    (
        "p_any",
        "p-value, adjusted for all claims of this analysis, that any voxel of the set is active",
    ),
    ("p_half", "the same that half of its voxels or more are active"),
)
_POSITION = (
    ("x", "position in mm, left to right"),
    ("y", "position in mm, posterior to anterior"),
    ("z", "position in mm, inferior to superior"),
)
_REGIONS = (
    "regions",
    "regions that the peak and its neighbours in the cluster are in, with the share of these voxels",
)
CLUSTER_COLUMNS = (
    ("cluster", "label in the label map, 1 for the largest"),
    ("sign", "positive or negative: the sign of the z values; n/a for F, which has none"),
    ("voxels", "number of voxels"),
    ("volume_mm3", "volume in mm3"),
    *_BOUND,
    *_CLAIMS,
    (
        "threshold",
        "smallest |z| in the cluster: it is born, with these very voxels, just below that threshold",
    ),
    ("peak_stat", "z value of the peak"),
    *((name, f"of the peak: {text}") for name, text in _POSITION),
    _REGIONS,
)
PEAK_COLUMNS = (
    ("cluster", "label in the label map"),
    ("peak", "1 for the highest peak of the cluster"),
    ("stat", "z value"),
    *_POSITION,
    _REGIONS,
)
LABEL_COLUMNS = (
    ("index", "value in the label map"),
    ("name", "sign and number of the cluster"),
)
REGION_COLUMNS = (
    ("atlas", "atlas, or file of the region of interest"),
    ("index", "value in the atlas image"),
    ("region", "name of the region"),
    ("voxels", "number of its voxels that were analysed"),
    ("coverage", "share of its voxels that were analysed"),
    *_BOUND,
    *_CLAIMS,
    ("positive_voxels", "number of its voxels with z above 0"),
    ("positive_discoveries", "lower bound on the number of truly active voxels among these"),
    ("positive_tdp", "lower bound on the proportion of truly active voxels among these"),
    ("negative_voxels", "number of its voxels with z below 0"),
    ("negative_discoveries", "lower bound on the number of truly active voxels among these"),
    ("negative_tdp", "lower bound on the proportion of truly active voxels among these"),
)
OVERLAP_COLUMNS = (
    ("cluster", "label in the label map of the clusters"),
    ("atlas", "atlas, or file of the region of interest"),
    ("index", "value in the atlas image"),
    ("region", "name of the region"),
    ("voxels", "number of voxels that are in both"),
    ("share_of_cluster", "these voxels as a share of the cluster"),
    ("share_of_region", "these voxels as a share of the analysed voxels of the region"),
    *_BOUND,
)
OUTLIER_COLUMNS = (
    ("row", "row of the design: whose map it is, and which"),
    ("mean", "mean of the map over the mask, in the units of the inputs"),
    ("spread", "standard deviation of the map over the mask"),
    ("correlation", "correlation over the mask with the mean of all other maps"),
    (
        "share_far",
        "share of voxels further from a model of the other maps than 0.27 % are by chance",
    ),
)
SENSITIVITY_COLUMNS = (
    ("alternative", "what the test at each voxel looks for"),
    (
        "local_test",
        (
            "simes, which assumes positive dependence, or hommel, which assumes nothing; or "
            "permutations"
        ),
    ),
    (
        "hommel_value",
        "size of the largest set of voxels that the local test does not reject; n/a for permutations",
    ),
    *_BOUND,
    ("used", "yes for the choice that all other results of the analysis are of"),
)
CRITICAL_COLUMNS = (
    ("rank", "k, beginning with 1"),
    (
        "p_threshold",
        "fewer than k inactive voxels have a p-value at or below this, for all k at once",
    ),
)
PERMUTATION_COLUMNS = (
    ("rank", "k: which of all p-values of the mask in order, the smallest being 1"),
    ("observed", "the k-th smallest p-value of the maps as they are"),
    ("permuted_low", "of the k-th smallest p-values under the permutations, the 5 % quantile"),
    ("permuted_median", "their median"),
    ("permuted_high", "their 95 % quantile"),
    ("p_threshold", "the threshold of p-values that bounds derive from; n/a where there is none"),
    ("ari_threshold", "the same by All-Resolutions Inference, without permutations"),
)
"""Names and descriptions, in order."""
ARI_COLUMNS = (
    ("ari_discoveries", "the lower bound by All-Resolutions Inference, without permutations"),
    ("ari_tdp", "this bound as a proportion"),
)
"""What tables of bounds from permutations have beside these."""


def format_tsv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """
    Write a table as BIDS wants it.

    Parameters
    ----------
    columns : sequence of str
        Names.
    rows : iterable of sequence
        Values; None, NaN and empty text become ``n/a``; numbers are written as they are, as a
        bound that is rounded up, or a p-value that is rounded down, claims too much.

    Returns
    -------
    str

    Examples
    --------
    >>> print(format_tsv(["cluster", "tdp"], [(1, 0.5), (2, None)]), end="")
    cluster	tdp
    1	0.5
    2	n/a
    """

    def cell(value: object) -> str:
        if value is None or value == "":
            return "n/a"
        if isinstance(value, float):
            if isnan(value):
                return "n/a"
            return repr(float(value)).removesuffix(".0")
        return " ".join(str(value).split())

    lines = ["\t".join(columns), *("\t".join(cell(value) for value in row) for row in rows)]
    return "\n".join(lines) + "\n"
