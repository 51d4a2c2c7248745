"""Segmentations by their names: what tells them apart, and which table of names applies."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bids_ari.errors import InputError

Entities = Mapping[str, str]

_LEVELS_ABOVE = 2
"""Folders above that of an image in which a table may be."""


def entities_of(path: Path) -> dict[str, str]:
    """
    Read the entities of any file that is named as BIDS has it.

    Parameters
    ----------
    path : path
        File.

    Returns
    -------
    dict of str to str
        By the key of file names; empty for other names.

    Examples
    --------
    >>> entities_of(Path("tpl-MNI_res-02_atlas-HOCPA_dseg.nii.gz"))
    {'tpl': 'MNI', 'res': '02', 'atlas': 'HOCPA'}
    """
    *tokens, _ = path.name.partition(".")[0].split("_")
    pairs = (token.partition("-") for token in tokens)
    return {key: value for key, dash, value in pairs if dash and value}


def _words(path: Path) -> tuple[str, ...]:
    """Parts of a name that are no entities."""
    return tuple(one for one in path.name.partition(".")[0].split("_") if "-" not in one)


def called(entities: Entities) -> str:
    """Tell what a segmentation goes by: its atlas, else what kind it is; empty if neither."""
    return next((entities[key] for key in ("atlas", "seg", "desc") if key in entities), "")


def title(entities: Entities) -> str:
    """
    Name a segmentation, empty if it is none that has a name.

    Parameters
    ----------
    entities : mapping of str to str
        From :func:`entities_of`.

    Returns
    -------
    str

    Examples
    --------
    >>> title({"res": "2", "atlas": "DiFuMo", "desc": "64dimensions"})
    'DiFuMo 64dimensions'
    """
    keys = ("atlas", "seg", "scale", "desc")
    return " ".join(entities[key] for key in keys if key in entities)


def table_beside(image: Path) -> Path | None:
    """
    Find the table with the names of the regions of an image.

    Parameters
    ----------
    image : path
        Label image.

    Returns
    -------
    path or None
        One of the same name; else the ``_dseg.tsv`` that applies by inheritance: its entities are
        among those of the image, in the same folder or up to two above. Nearer folders come first,
        then more entities.

    Raises
    ------
    InputError
        If several apply equally.
    """
    stem = image.name.removesuffix(".gz").removesuffix(".nii")
    for extension in (".tsv", ".csv", ".txt"):
        same_name = image.with_name(f"{stem}{extension}")
        if same_name.is_file():
            return same_name
    if stem.rpartition("_")[2] == "dseg":
        for folder in list(image.absolute().parents)[: _LEVELS_ABOVE + 1]:
            tables = sorted([*folder.glob("*_dseg.tsv"), *folder.glob("dseg.tsv")])
            table = table_that_applies(image, tables)
            if table:
                return table
    return None


def table_that_applies(image: Path, tables: Iterable[Path]) -> Path | None:
    """
    Choose the table with the most entities of those that has none the image has not.

    Parameters
    ----------
    image : path
        Label image.
    tables : iterable of path
        To choose from.

    Returns
    -------
    path or None

    Raises
    ------
    InputError
        If several apply equally.
    """
    entities, words = entities_of(image).items(), _words(image)
    applying = [
        path
        for path in tables
        if entities_of(path).items() <= entities
        # inheritance is by entities: names with other words are of other things
        and _words(path) == words
    ]
    most = max((len(entities_of(path)) for path in applying), default=0)
    best = [path for path in applying if len(entities_of(path)) == most]
    if len(best) > 1:
        msg = (
            f"{image} has {len(best)} tables of names, {best[0].name} and {best[1].name}: say which "
            f"with names="
        )
        raise InputError(msg)
    return best[0] if best else None
