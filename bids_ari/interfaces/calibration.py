"""Thresholds that are calibrated on permutations, as a node."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, SimpleInterface, TraitedSpec, traits
from numpy.typing import NDArray

from bids_ari.files import write_text
from bids_ari.images import load_domain
from bids_ari.interfaces.permutations import (
    MapsInputSpec,
    load_plan,
    load_sample,
    permutable,
)
from bids_ari.stats import (
    METHODS,
    Calibrated,
    Evidence,
    Learned,
    NullPivots,
    NullSample,
    PermutationClaims,
    Simes,
    Template,
    calibrated,
    highest,
    learn,
    merge_samples,
    pivots_from,
    resample,
    simes_error,
    templates_of,
)
from bids_ari.tables import PERMUTATION_COLUMNS, format_tsv

_QUANTILES = (0.05, 0.5, 0.95)
Pivots = dict[str, NDArray[np.float64]]


class _CalibrateInputSpec(MapsInputSpec):
    samples = InputMultiObject(
        File(exists=True), mandatory=True, desc="from PermuteMaps, in the order of permutations"
    )
    p_map = File(exists=True, mandatory=True, desc="p-values, in double precision")
    alpha = traits.Range(
        0.0, 1.0, 0.05, usedefault=True, exclude_low=True, exclude_high=True,
        desc="familywise error rate",
    )  # fmt: skip
    step_down = traits.Bool(
        False, usedefault=True, desc="calibrate again without voxels that are active for sure"
    )


class _CalibrateOutputSpec(TraitedSpec):
    calibration = File(
        exists=True, desc="critical vector, and what the confidence of claims needs"
    )
    permutation_table = File(
        exists=True, desc="sorted p-values, as observed and under permutations"
    )
    results = traits.Dict(desc="for sidecars")


class CalibrateThresholds(SimpleInterface):
    """Calibrate thresholds of p-values on permutations of the maps."""

    input_spec = _CalibrateInputSpec
    output_spec = _CalibrateOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        method, alpha = self.inputs.method, self.inputs.alpha
        p_values = load_domain(Path(self.inputs.mask)).values(Path(self.inputs.p_map))
        plan = load_plan(Path(self.inputs.transformations))
        sample = merge_samples([load_sample(Path(one)) for one in self.inputs.samples])
        n_calibrating = plan.n_calibrating
        learned = learn(sample.smallest[n_calibrating:]) if plan.n_learning else None
        templates = templates_of(method, shift=self.inputs.shift, learned=learned)
        pivots: Pivots = {name: one[:n_calibrating] for name, one in sample.pivots.items()}
        if learned is not None:
            pivots[learned.name] = pivots_from(
                sample.smallest[:n_calibrating], learned, p_values.size
            )
        parts, stepped = self._calibrate(p_values, templates, pivots, Path(runtime.cwd))
        critical_vector = highest([one.critical_vector for one in parts])
        out_file = Path(runtime.cwd) / "calibration.npz"
        np.savez(
            out_file,
            critical_vector=critical_vector,
            quantiles=np.empty((0, 0)) if learned is None else learned.quantiles,
            pivots=np.stack([pivots[one.name] for one in templates]),
            stepped_pivots=np.stack([stepped[one.name] for one in templates])
            if stepped
            else np.empty((0, 0)),
            settings=json.dumps({"method": method, "shift": self.inputs.shift, "alpha": alpha}),
        )
        rows = _envelope(
            sample, n_calibrating, critical_vector, METHODS["ari"](Evidence(p_values), alpha)
        )
        table = format_tsv([name for name, _ in PERMUTATION_COLUMNS], rows)
        error = simes_error(pivots[Simes().name], alpha)
        self._results["calibration"] = str(out_file)
        self._results["permutation_table"] = str(
            write_text(table, Path(runtime.cwd) / "permutations.tsv")
        )
        self._results["results"] = {
            "Templates": [
                {
                    "Name": one.template.name,
                    "Alpha": alpha / len(parts),
                    "Level": one.level,
                    "Steps": one.n_steps,
                }
                for one in parts
            ],
            "StepDown": self.inputs.step_down,
            "SimesError": error.share,
            "SimesErrorInterval": [error.low, error.high],
        }
        return runtime

    def _calibrate(
        self,
        p_values: NDArray[np.float64],
        templates: tuple[Template, ...],
        pivots: Pivots,
        cwd: Path,
    ) -> tuple[tuple[Calibrated, ...], Pivots]:
        """Calibrate all templates; when stepping down, the pivots of the last step are given too."""
        evidence = Evidence(p_values, NullPivots(templates, pivots))
        if not self.inputs.step_down:
            return calibrated(self.inputs.method, evidence, self.inputs.alpha), {}
        plan = load_plan(Path(self.inputs.transformations))
        used = plan.transformations.part(0, plan.n_calibrating)
        stepped = dict(pivots)  # where the first step is the last one
        with permutable(self.inputs, cwd) as (residuals, exchange):

            def pivots_of(template: Template, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
                sample = resample(
                    residuals, exchange, used, (template,), features=mask, n_smallest=0, n_ranks=0
                )
                stepped[template.name] = sample.pivots[template.name]
                return stepped[template.name]

            evidence = Evidence(p_values, NullPivots(templates, pivots, pivots_of))
            return calibrated(self.inputs.method, evidence, self.inputs.alpha), stepped


@dataclass(frozen=True, eq=False)
class Calibration:
    """What :class:`CalibrateThresholds` wrote."""

    critical_vector: NDArray[np.float64]
    templates: tuple[Template, ...]
    pivots: NDArray[np.float64]
    """(n_templates, n_permutations)"""
    stepped_pivots: NDArray[np.float64]
    alpha: float

    def claims(self, p_values: NDArray[np.float64]) -> PermutationClaims:
        """Tell how sure claims on these p-values are, which are those of all features."""
        return PermutationClaims(
            p_values, self.templates, tuple(self.pivots), self.alpha, tuple(self.stepped_pivots)
        )


def load_calibration(path: Path) -> Calibration:
    """
    Read what :class:`CalibrateThresholds` wrote.

    Parameters
    ----------
    path : path
        Its output.

    Returns
    -------
    Calibration
    """
    with np.load(path) as saved:
        settings = json.loads(str(saved["settings"]))
        quantiles = saved["quantiles"]
        templates = templates_of(
            settings["method"],
            shift=settings["shift"],
            learned=Learned(quantiles) if quantiles.size else None,
        )
        return Calibration(
            saved["critical_vector"],
            templates,
            saved["pivots"],
            saved["stepped_pivots"],
            settings["alpha"],
        )


def _envelope(
    sample: NullSample,
    n_calibrating: int,
    critical_vector: NDArray[np.float64],
    ari: NDArray[np.float64],
) -> list[Sequence[float | None]]:
    """Compare p-values in order with those under permutations, and with thresholds."""
    low, median, high = np.quantile(sample.curve[:n_calibrating], _QUANTILES, axis=0)
    rows: list[Sequence[float | None]] = []
    for at, rank in enumerate(sample.ranks.tolist()):
        threshold = critical_vector[rank - 1] if rank <= critical_vector.size else None
        rows.append(
            (
                rank,
                float(sample.curve[0, at]),
                float(low[at]),
                float(median[at]),
                float(high[at]),
                None if threshold is None or threshold < 0 else min(float(threshold), 1.0),
                min(float(ari[rank - 1]), 1.0),
            )
        )
    return rows
