"""What the rest of the package gets to know about the input: plain, frozen records."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StatMap:
    """A first-level map of one subject."""

    path: Path
    subject: str
    """Label, without ``sub-``."""
    entities: dict[str, str] = field(hash=False)
    """What the name says, by long name (``acquisition``, not ``acq``), without the subject."""
    uri: str
    """BIDS URI: ``bids:<dataset name>:<relative path>``."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Whether a subject takes part in an analysis: one line of the inclusion table."""

    subject: str
    included: bool
    reason: str
    """Why a subject is out, or what is odd about one that is in; empty if nothing is."""
    source: str
    """BIDS URI of the map, empty for a subject that is out."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One group analysis: the maps that go in, and the entities they share."""

    entities: dict[str, str] = field(hash=False)
    """By long name, in the order of ``data/entities.json``."""
    maps: tuple[StatMap, ...]
    """One per subject, sorted by subject."""
    inclusion: tuple[Inclusion, ...]
    """One line per subject who might have taken part, sorted by subject."""
