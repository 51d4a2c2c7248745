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
class Row:
    """One row of the design: the files that make one map of a subject, and how."""

    subject: str
    entities: dict[str, str] = field(hash=False)
    """What tells this row from other rows of the subject; empty if there are no others."""
    maps: tuple[StatMap, ...]
    """Most often one."""
    weights: tuple[float, ...]
    """Of each map: ``(1,)``, ``(1, -1)`` for a difference, ``(1/n, ...)`` for a mean."""
    variances: tuple[StatMap, ...]
    """Of each map, if they are used: maps of weights of one sign are then averaged by inverse
    variance. Empty if not."""
    rule: str
    """How the files become one map, in words; empty for one map."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Whether a subject takes part in an analysis: one line of the inclusion table."""

    subject: str
    included: bool
    reason: str
    """Why a subject is out, or how several maps became one and what is odd about a subject that
    is in; empty if nothing is."""
    source: str
    """BIDS URI of the map, or several with commas between; empty for a subject that is out."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One group analysis: the maps that go in, and the entities they share."""

    entities: dict[str, str] = field(hash=False)
    """By long name, in the order of ``data/entities.json``."""
    rows: tuple[Row, ...]
    """Of the design, sorted by subject, then by entities: one per subject, unless the entities
    of rows are in the design."""
    inclusion: tuple[Inclusion, ...]
    """One line per subject who might have taken part, sorted by subject."""

    @property
    def maps(self) -> tuple[StatMap, ...]:
        """Maps of all rows, in their order; without variance maps."""
        return tuple(one for row in self.rows for one in row.maps)

    @property
    def variances(self) -> tuple[StatMap, ...]:
        """Variance maps of all rows that use them, in their order."""
        return tuple(one for row in self.rows for one in row.variances)
