"""Which maps of a group model could be exchanged with each other, if nothing were active."""

from bids_ari.design import MapTable
from bids_ari.design.table import why_missing
from bids_ari.errors import InputError
from bids_ari.inputs.filters import listed
from bids_ari.inputs.records import Analysis


def blocks_of(analysis: Analysis, table: MapTable, column: str) -> tuple[str, ...]:
    """
    Tell which rows may be permuted among each other.

    Parameters
    ----------
    analysis : Analysis
        The rows of a group model.
    table : MapTable
        What is known of each.
    column : str
        Of the table: rows with the same value may; or nothing.

    Returns
    -------
    tuple of str
        A label for each row. Without a column, the participant where some have several rows; else
        nothing, as all rows may.

    Raises
    ------
    InputError
        If the table has no such column, or lacks a value.
    """
    if not column:
        subjects = tuple(row.subject for row in analysis.rows)
        return subjects if len(set(subjects)) < len(subjects) else ()
    cells = table.cells(column)
    without = [
        f"sub-{subject}"
        for subject, cell in zip(table.subjects, cells, strict=True)
        if why_missing(cell)
    ]
    if without:
        msg = (
            f"{table.source} has no {column} for {listed([*dict.fromkeys(without)])}, whose maps "
            f"would be permuted; complete it, or choose another column with --permutation-blocks"
        )
        raise InputError(msg)
    return tuple(str(cell) for cell in cells)
