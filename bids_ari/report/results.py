"""What an output dataset says about each analysis, as records."""

from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from bids_ari.report.calibration import Permutations
from bids_ari.report.records import Assumption, Background, Cut, Measures, Participant, Region


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
    """``effect``, ``variance``, ``t``, ``F``, ``z``, ``p``, ``tau2``: those there are."""
    mask: Path
    """Voxels analysed."""
    inference: dict[str, Any] = field(hash=False)
    """Sidecar with the bound for the whole mask and how it was made."""
    permutations: Permutations | None = field(hash=False)
    """What thresholds were calibrated on; None where bounds come from p-values alone."""
    model: dict[str, Any] = field(hash=False)
    """What the sidecars of the maps say."""
    mask_sidecar: dict[str, Any] = field(hash=False)
    stat_sidecar: dict[str, Any] = field(hash=False)
    """Of the map of t or F."""
    background: Background | None
    """What was asked to be drawn behind the maps; None for what is drawn unasked."""
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
    outliers: tuple[Measures, ...]
    """How each map compares with the others; empty in older outputs."""
    stats_model: Path | None
    """The model as a BIDS Stats Model; None in older outputs."""
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
    def space(self) -> str:
        """Space of the maps, or an image that shows what it is; empty where no file tells."""
        return self.entities.get("space") or str(self.model.get("SpatialReference") or "")

    @property
    def first_level(self) -> tuple[str, ...]:
        """Contrasts of the first-level maps; empty where no file tells them."""
        found = [name for one in self.participants for name in one.contrasts]
        if (
            not found
            and self.test == "t"
            and self.model["Model"].get("Expression") in {None, "mean"}
        ):
            found = [self.contrast]  # the mean has the name of what it is the mean of
        return tuple(dict.fromkeys(found))

    @property
    def test(self) -> str:
        """``t`` or ``F``."""
        return str(self.model["Model"].get("Test", "t"))

    @property
    def estimator(self) -> str:
        """``ols``, ``fixed`` or ``mixed``."""
        return str(self.model["Model"].get("Estimator", "ols"))

    @property
    def regressors(self) -> tuple[str, ...]:
        """Columns of the design matrix."""
        return tuple(str(name) for name in self.model["Model"].get("Regressors", ["intercept"]))

    @property
    def weights(self) -> tuple[tuple[float, ...], ...]:
        """Rows of the contrast; empty where the sidecar has none."""
        weights = self.model["Model"].get("Weights", [])
        rows = weights if weights and isinstance(weights[0], list) else [weights]
        return tuple(tuple(float(one) for one in row) for row in rows if row)

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
        """Sidedness: ``two-sided``, ``greater`` or ``less``; of F, ``greater``."""
        return str(self.inference.get("Alternative", self.model.get("Alternative", "two-sided")))

    @property
    def local_test(self) -> str:
        """Test inside closed testing: ``simes`` or ``hommel``; nothing with permutations."""
        if self.permutations:
            return ""
        if "LocalTest" in self.inference:
            return str(self.inference["LocalTest"])
        return "hommel" if self.method == "hommel" else "simes"

    @property
    def method(self) -> str:
        """How the critical values were obtained: a key of :data:`bids_ari.stats.METHODS`."""
        return str(self.inference.get("Method", "ari"))

    @property
    def n_maps(self) -> int:
        """Maps that entered the group model, which are the rows of its design."""
        return int(self.model["Model"]["NumberOfMaps"])
