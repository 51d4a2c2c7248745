"""What an output dataset says about each analysis, as records."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Peak:
    """A local maximum: its z value and where it is in mm."""

    stat: float
    position: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster; ``discoveries`` is the lower bound on its number of active voxels."""

    number: int
    sign: str
    voxels: int
    volume: float
    discoveries: int
    peak: Peak
    more_peaks: tuple[Peak, ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """The clusters at one threshold: ``value`` is a z value, ``tdp`` and ``labels`` are maps."""

    value: float
    desc: str
    tdp: Path
    labels: Path
    tables: tuple[Path, ...]
    clusters: tuple[Cluster, ...]

    @property
    def found(self) -> tuple[Cluster, ...]:
        """Clusters with at least one discovery."""
        return tuple(cluster for cluster in self.clusters if cluster.discoveries > 0)


@dataclass(frozen=True, slots=True)
class Participant:
    """A line of the inclusion table; ``missing_voxels`` is None where nothing was counted."""

    label: str
    included: bool
    reason: str
    missing_voxels: int | None


@dataclass(frozen=True, slots=True)
class Result:
    """One analysis, as it stands in an output dataset."""

    root: Path
    """The output dataset."""
    stem: str
    """What the names of all its files begin with."""
    entities: dict[str, str] = field(hash=False)
    """The entities in the stem, e.g. ``{"task": "faces", "model": "oneSample"}``."""
    maps: dict[str, Path] = field(hash=False)
    """``effect``, ``variance``, ``t``, ``z``, ``p``: those there are."""
    mask: Path
    """Voxels analysed."""
    inference: dict[str, Any] = field(hash=False)
    """Sidecar with the Hommel value and the bound for the whole mask."""
    model: dict[str, Any] = field(hash=False)
    """What the sidecars of the maps say."""
    mask_sidecar: dict[str, Any] = field(hash=False)
    t_sidecar: dict[str, Any] = field(hash=False)
    run: dict[str, Any] = field(hash=False)
    """Record of the run: command line, options, versions."""
    thresholds: tuple[Threshold, ...]
    """From the lowest to the highest."""
    participants: tuple[Participant, ...]
    """Everyone in the inclusion table."""
    design: tuple[dict[str, str], ...] = field(hash=False)
    """Rows of the design matrix."""
    leftover: tuple[Threshold, ...]
    """Clusters that an earlier run has left, at thresholds that the last one was not asked for."""
    disagree: tuple[str, ...]
    """What the sidecars of the thresholds contradict one another in; empty after a clean run."""
    files: tuple[Path, ...]
    """Everything that was written for this analysis."""

    @property
    def contrast(self) -> str:
        """Name of the contrast."""
        named = self.model["Model"].get("Contrast") or self.entities.get("contrast")
        return str(named or self.stem)

    @property
    def n_features(self) -> int:
        """Voxels in the mask."""
        return int(self.inference["NumberOfFeatures"])

    @property
    def discoveries(self) -> int:
        """Lower bound on the number of active voxels in the mask."""
        return int(self.inference["Discoveries"])

    @property
    def confidence(self) -> float:
        """Probability with which all bounds hold together."""
        return float(self.inference.get("Confidence", 1 - float(self.inference["Alpha"])))

    @property
    def alternative(self) -> str:
        """Sidedness: ``two-sided``, ``greater`` or ``less``."""
        return str(self.inference.get("Alternative", self.model.get("Alternative", "two-sided")))

    @property
    def n_maps(self) -> int:
        """Maps that entered the group model."""
        return int(self.model["Model"]["NumberOfMaps"])
