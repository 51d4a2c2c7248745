"""What an output dataset says about each analysis, as records."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Peak:
    """A local maximum: its z value, where it is in mm, and in which regions of an atlas."""

    stat: float
    position: tuple[float, float, float]
    regions: str = ""


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
    p_any: Decimal | None = None
    """Adjusted p-value of the claim that any voxel is active; None in older outputs."""
    p_half: Decimal | None = None
    """The same that half of the voxels or more are active."""
    born: float | None = None
    """Smallest ``|z|`` in the cluster: at a threshold just below, it is this set of voxels."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a cluster and a region have in common."""

    cluster: int
    atlas: str
    region: str
    voxels: int
    share_of_cluster: float
    share_of_region: float
    discoveries: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One set of clusters, and how they were chosen."""

    kind: Literal["height", "tdp"]
    """``height``: all clusters beyond a z value; ``tdp``: the largest that reach a TDP."""
    value: float
    """The z value, or the TDP."""
    label: str
    """Value of ``desc`` in the names of its files."""
    by_data: bool
    """Whether the data chose the z value, and not the user."""
    tdp: Path
    labels: Path
    clusters: tuple[Cluster, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def found(self) -> tuple[Cluster, ...]:
        """Clusters with at least one discovery."""
        return tuple(cluster for cluster in self.clusters if cluster.discoveries > 0)


@dataclass(frozen=True, slots=True)
class Part:
    """Some voxels, and the lower bound on how many of them are active."""

    voxels: int
    discoveries: int


@dataclass(frozen=True, slots=True)
class Region:
    """A region of an atlas or of interest, as far as it was analysed."""

    atlas: str
    index: str
    name: str
    whole: Part
    positive: Part
    """Its voxels with z above 0."""
    negative: Part
    coverage: float | None
    """Share of its voxels that were analysed; None where it has none."""
    p_any: Decimal | None
    p_half: Decimal | None


@dataclass(frozen=True, slots=True)
class Assumption:
    """The whole mask under one alternative and one local test."""

    alternative: str
    local_test: str
    hommel_value: int
    discoveries: int
    used: bool


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
    heights: tuple[Cut, ...]
    """Clusters beyond z values, from the lowest to the highest; there is one at least."""
    tdp_cuts: tuple[Cut, ...]
    """The largest clusters that reach a TDP, from the lowest to the highest."""
    gradient: Path | None
    """Map of the largest TDP of any cluster that holds a voxel; None in older outputs."""
    sensitivity: tuple[Assumption, ...]
    regions: tuple[Region, ...]
    resampled: tuple[str, ...]
    """Atlases and regions of interest that were not on the grid of the maps."""
    participants: tuple[Participant, ...]
    """Everyone in the inclusion table."""
    design: tuple[dict[str, str], ...] = field(hash=False)
    """Rows of the design matrix."""
    leftover: tuple[Cut, ...]
    """Clusters that an earlier run has left, which the last one was not asked for."""
    regions_left: bool
    """Whether there are bounds of regions that an earlier run has left; these are not read."""
    disagree: tuple[str, ...]
    """What the sidecars of the clusters contradict one another in; empty after a clean run."""
    files: tuple[Path, ...]
    """Everything that was written for this analysis."""

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """All sets of clusters, those by height first."""
        return (*self.heights, *self.tdp_cuts)

    @property
    def rois(self) -> frozenset[str]:
        """Names, as in ``regions``, of what the run was given as regions of interest."""
        asked = self.run.get("Options", {}).get("roi") or ()
        return frozenset(PurePath(name).name for name in asked)

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
    def local_test(self) -> str:
        """Test inside closed testing: ``simes`` or ``hommel``."""
        if "LocalTest" in self.inference:
            return str(self.inference["LocalTest"])
        return "hommel" if self.method == "hommel" else "simes"

    @property
    def method(self) -> str:
        """How the critical values were obtained: ``ari`` or ``hommel``."""
        return str(self.inference.get("Method", "ari"))

    @property
    def n_maps(self) -> int:
        """Maps that entered the group model."""
        return int(self.model["Model"]["NumberOfMaps"])
