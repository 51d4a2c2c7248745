"""Atlases that a user names: by a file, or by the name that TemplateFlow has for them."""

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path

from bids_ari.errors import ExitCode, InputError, did_you_mean
from bids_ari.inputs.segmentations import entities_of, table_beside, title
from bids_ari.inputs.template_client import KEYS
from bids_ari.inputs.templates import fetch_atlas

LOGGER = logging.getLogger("bids_ari")
_EXTENSIONS = (".nii", ".nii.gz")
_FORM = "expected a label image, or NAME[:key=value,...] as TemplateFlow has it"


@dataclass(frozen=True, slots=True)
class Atlas:
    """An atlas on disk."""

    name: str
    image: Path
    names: Path | None
    """Table with the names of its regions."""


@dataclass(frozen=True, slots=True)
class AtlasSpec:
    """What a user said of an atlas."""

    name: str
    """As TemplateFlow has it; empty if a file was named."""
    image: Path | None = None
    names: Path | None = None
    entities: dict[str, str] = field(default_factory=dict, hash=False)
    """That TemplateFlow is asked for, by the key of file names."""

    @property
    def called(self) -> str:
        """How the atlas is called, as far as it is known before its image is found."""
        if self.image:
            return _called(self.image)
        asked = {key: value for key, value in self.entities.items() if value != "none"}
        return title({"atlas": self.name, **asked})


def parse_atlas(text: str) -> AtlasSpec:
    """
    Read what names an atlas on a command line.

    Parameters
    ----------
    text : str
        ``FILE``, ``FILE:names=TABLE`` or ``NAME[:key=value,...]``. What exists, contains a
        separator of folders, or ends in ``.nii`` or ``.nii.gz`` is a file. Keys are the entities of
        TemplateFlow (``template``, ``cohort``, ``resolution``, ``segmentation``, ``scale``,
        ``desc`` ...), also as in file names; the value ``none`` asks for images without one;
        ``names`` is a table to use instead of that of TemplateFlow.

    Returns
    -------
    AtlasSpec

    Raises
    ------
    InputError
        If it is none of these. Whether the atlas exists is left to :func:`find_atlas`.

    Examples
    --------
    >>> parse_atlas("Schaefer2018:desc=100Parcels7Networks,res=2").entities
    {'desc': '100Parcels7Networks', 'res': '2'}
    >>> parse_atlas("parcels.nii.gz:names=parcels.tsv").names.name
    'parcels.tsv'
    """
    image, is_table, table = text.rpartition(":names=") if ":names=" in text else (text, "", "")
    if _is_file(image):
        if is_table and not table:
            msg = f"atlas {text}: there is no file after names="
            raise InputError(msg, ExitCode.USAGE)
        if (
            not Path(image).is_file()
            and _looks_like_image(image.partition(":")[0])
            and ":" in image
        ):
            msg = f"atlas {text}: a file can be followed by :names=TABLE only"
            raise InputError(msg, ExitCode.USAGE)
        return AtlasSpec("", Path(image), Path(table) if table else None)
    name, colon, rest = text.partition(":")
    if not name.isalnum() or (colon and not rest):
        msg = f"atlas {text!r}: {_FORM}"
        raise InputError(msg, ExitCode.USAGE)
    pairs = _pairs(text, rest)
    names = pairs.pop("names", None)
    return AtlasSpec(name, None, Path(names) if names else None, pairs)


def find_atlas(spec: str, *, space: str, voxel_size: float) -> Atlas:
    """
    Find the files of an atlas; TemplateFlow downloads its own if they are not there yet.

    Parameters
    ----------
    spec : str
        See :func:`parse_atlas`.
    space : str
        Of the maps; empty if they do not tell.
    voxel_size : float
        Of the maps, in mm.

    Returns
    -------
    Atlas
        Called by its entities if it has a name as in BIDS, else by the stem of its file.

    Raises
    ------
    InputError
        If the text is not understood, a file does not exist, or TemplateFlow does not have the
        atlas, has several that match, or cannot download it.
    """
    asked = parse_atlas(spec)
    if asked.names:
        refuse_no_file(asked.names)
    if asked.image:
        refuse_no_file(asked.image)
        if not _looks_like_image(asked.image.name):
            msg = f"{asked.image} is no volume, expected a label image in .nii or .nii.gz"
            raise InputError(msg)
        image, names = asked.image, asked.names or table_beside(asked.image)
    else:
        image, table = fetch_atlas(
            asked.name,
            asked.entities,
            space=space,
            voxel_size=voxel_size,
            names=asked.names is None,
        )
        names = asked.names or table
    told = entities_of(image)
    other = told.get("tpl") or told.get("space")
    if space and other and other.partition("+")[0] != space.partition("+")[0]:
        LOGGER.warning("%s is in space %s, the maps are in %s", image, other, space)
    if names is not None:
        LOGGER.info("names of the regions of %s: %s", image.name, names)
    else:
        LOGGER.warning(
            "there is no table of names for %s: its regions are called by number; names= tells one",
            image,
        )
    # nodes run in folders of their own
    return Atlas(_called(image), image.absolute(), names and names.absolute())


def _called(image: Path) -> str:
    return title(entities_of(image)) or image.name.removesuffix(".gz").removesuffix(".nii")


def _is_file(text: str) -> bool:
    head = text.partition(":")[0]
    return (
        _looks_like_image(text)
        or _looks_like_image(head)
        or "/" in head
        or os.sep in head
        or Path(text).is_file()
    )


def _looks_like_image(name: str) -> bool:
    return name.lower().endswith(_EXTENSIONS)


def _pairs(text: str, rest: str) -> dict[str, str]:
    """Read ``key=value,...``."""
    short = {
        **KEYS,
        **{key: key for key in KEYS.values()},
        "description": "desc",
        "names": "names",
    }
    pairs: dict[str, str] = {}
    for pair in rest.split(",") if rest else ():
        key, _, value = (part.strip() for part in pair.partition("="))
        if key not in short:
            known = [*KEYS, "names"]
            msg = f"atlas {text}: there is no key {key!r}{did_you_mean(key, known)}; there are {', '.join(known)}"
            raise InputError(msg, ExitCode.USAGE)
        if not value:
            msg = f"atlas {text}: {key} has no value, expected key=value"
            raise InputError(msg, ExitCode.USAGE)
        if short[key] in pairs:
            msg = f"atlas {text}: {key} is there twice"
            raise InputError(msg, ExitCode.USAGE)
        pairs[short[key]] = value
    return pairs


def refuse_no_file(path: Path) -> None:
    """
    Refuse what is not there.

    Parameters
    ----------
    path : path
        To be read.

    Raises
    ------
    InputError
        If it is no file.
    """
    if path.is_file():
        return
    if path.is_symlink():
        msg = f"{path} is a link to content that is not there: fetch it first (datalad get)"
    elif path.is_dir():
        msg = f"{path} is a folder, expected a file"
    else:
        msg = f"{path} does not exist"
    raise InputError(msg, ExitCode.NO_INPUT)
