"""Tables of results: their columns, and how they are written."""

from collections.abc import Iterable, Sequence

CLUSTER_COLUMNS = (
    ("cluster", "label in the label map, 1 for the largest"),
    ("sign", "positive or negative: the sign of the z values"),
    ("voxels", "number of voxels"),
    ("volume_mm3", "volume in mm3"),
    ("discoveries", "lower bound on the number of truly active voxels"),
    ("tdp", "lower bound on the proportion of truly active voxels"),
    ("peak_stat", "z value of the peak"),
    ("x", "position of the peak in mm, left to right"),
    ("y", "position of the peak in mm, posterior to anterior"),
    ("z", "position of the peak in mm, inferior to superior"),
)
PEAK_COLUMNS = (
    ("cluster", "label in the label map"),
    ("peak", "1 for the highest peak of the cluster"),
    ("stat", "z value"),
    *CLUSTER_COLUMNS[-3:],
)
LABEL_COLUMNS = (
    ("index", "value in the label map"),
    ("name", "sign and number of the cluster"),
)
"""Names and descriptions, in order."""


def format_tsv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """
    Write a table as BIDS wants it.

    Parameters
    ----------
    columns : sequence of str
        Names.
    rows : iterable of sequence
        Values; None and empty text become ``n/a``, numbers keep six digits after the point.

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
            return f"{value:.6f}".rstrip("0").rstrip(".")
        return " ".join(str(value).split())

    lines = ["\t".join(columns), *("\t".join(cell(value) for value in row) for row in rows)]
    return "\n".join(lines) + "\n"
