"""What the user asked for: parsed once, never changed, passed explicitly."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

LEAST_MEMORY_GB = 0.1
"""For all processes together: Nipype waits for ever where there is nearly none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Options of one run. Field names are those of the command line."""

    bids_dir: Path
    output_dir: Path
    analysis_level: str = "group"
    # which maps
    derivatives: tuple[tuple[str, Path], ...] = ()
    participant_label: tuple[str, ...] = ()
    session_label: tuple[str, ...] = ()
    task_id: tuple[str, ...] = ()
    space: tuple[str, ...] = ()
    contrast: tuple[str, ...] = ()
    input_stat: str = "effect"
    bids_filter_file: Path | None = None
    bids_database_dir: Path | None = None
    combine: tuple[str, ...] = ()
    difference: tuple[str, str, str] | None = None
    # the group model
    participants: Path | None = None
    covariates: tuple[str, ...] = ()
    group_by: str = ""
    formula: str = ""
    group_contrast: tuple[str, ...] = ()
    no_centering: bool = False
    missing: str = "error"
    model: Path | None = None
    estimator: str = "ols"
    # what to compute
    smoothing_fwhm: float = 0.0
    mask: Path | None = None
    mask_coverage: float = 1.0
    missing_voxels: str = "zero"
    alternative: str = "two-sided"
    alpha: float = 0.05
    inference: str = "ari"
    local_test: str = "simes"
    shift: int = 0
    n_permutations: int = 1000
    random_seed: int = 0
    step_down: bool = False
    permutation_blocks: str = ""
    cluster_threshold: tuple[float | Literal["auto"], ...] = (3.1,)
    tdp_threshold: tuple[float, ...] = (0.7,)
    connectivity: int = 18
    min_distance: float = 8.0
    atlas: tuple[str, ...] = ()
    roi: tuple[Path, ...] = ()
    template: str = ""
    # how to run
    work_dir: Path = Path("work")
    clean_workdir: bool = False
    nprocs: int | None = None
    """As many as are worth it, if none is given."""
    omp_nthreads: int = 1
    mem_gb: float | None = None
    use_plugin: Path | None = None
    stop_on_first_crash: bool = False
    resource_monitor: bool = False
    write_graph: bool = False
    dry_run: bool = False
    reports_only: bool = False
    boilerplate_only: bool = False
    report_3d: bool = False
    notrack: bool = False
    verbose: int = 0
    debug: bool = False

    @property
    def method(self) -> str:
        """How bounds are made: a key of :data:`bids_ari.stats.METHODS`."""
        return "hommel" if self.local_test == "hommel" else self.inference

    def as_json(self) -> dict[str, Any]:
        """
        Turn into what :func:`json.dumps` takes.

        Returns
        -------
        dict
            Paths as strings, tuples as lists.
        """
        return {name: _plain(value) for name, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value
