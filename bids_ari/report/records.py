"""Lines of the tables of an output dataset, as records."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Beside:
    """The bound by All-Resolutions Inference, beside one from permutations."""

    discoveries: int
    voxels: int


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
    beside: Beside | None = None


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
    beside: Beside | None = None


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
class Background:
    """What a run was asked to have drawn behind its maps."""

    name: str
    """Of the template, or of the file."""
    space: str
    """That it is in; empty where that is not known."""
    source: str
    """The file that it is from."""
    image: Path
    """The same in the output dataset."""


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
    positive: Part | None
    """Its voxels with z above 0; None where there is no sign."""
    negative: Part | None
    coverage: float | None
    """Share of its voxels that were analysed; None where it has none."""
    p_any: Decimal | None
    p_half: Decimal | None
    beside: Beside | None = None


@dataclass(frozen=True, slots=True)
class Assumption:
    """The whole mask under one alternative and one local test, or by permutations."""

    alternative: str
    local_test: str
    hommel_value: int | None
    """None by permutations."""
    discoveries: int
    used: bool


@dataclass(frozen=True, slots=True)
class Participant:
    """A line of the inclusion table; ``missing_voxels`` is None where nothing was counted."""

    label: str
    included: bool
    reason: str
    """Why not, or what is odd about a participant who takes part."""
    missing_voxels: int | None
    contrasts: tuple[str, ...] = ()
    """First-level contrasts of the maps, where the table tells them."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What tells a map that is unlike the others; nan where it cannot be told."""

    row: str
    """Whose map, and which."""
    mean: float
    spread: float
    correlation: float
    share_far: float
