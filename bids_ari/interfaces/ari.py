"""All-Resolutions Inference for the whole mask, as nodes."""

from pathlib import Path
from typing import Any

import numpy as np
from nipype.interfaces.base import (
    BaseInterfaceInputSpec,
    File,
    SimpleInterface,
    TraitedSpec,
    traits,
)

from bids_ari.files import write_text
from bids_ari.images import load_domain
from bids_ari.stats import (
    ALTERNATIVES,
    CLOSED_TESTING,
    METHODS,
    Evidence,
    concentration_set,
    concentration_threshold,
    hommel_value,
    min_true_discoveries,
    supra_threshold,
)
from bids_ari.tables import SENSITIVITY_COLUMNS, format_tsv


class _AllResolutionsInferenceInputSpec(BaseInterfaceInputSpec):
    z_map = File(exists=True, mandatory=True, desc="z values, that clusters are formed in")
    p_map = File(exists=True, mandatory=True, desc="p-values, in double precision")
    mask = File(exists=True, mandatory=True, desc="the voxels that are tested")
    method = traits.Enum(*CLOSED_TESTING, usedefault=True, desc="inference method")
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="which signs to look at")
    alpha = traits.Range(
        0.0, 1.0, 0.05, usedefault=True, exclude_low=True, exclude_high=True,
        desc="familywise error rate",
    )  # fmt: skip


class _AllResolutionsInferenceOutputSpec(TraitedSpec):
    critical_vector = File(exists=True, desc="thresholds that all bounds derive from")
    results = traits.Dict(desc="for sidecars: the bound for the whole mask, and how it was made")


class AllResolutionsInference(SimpleInterface):
    """Turn the p-values of the whole mask into a critical vector."""

    input_spec = _AllResolutionsInferenceInputSpec
    output_spec = _AllResolutionsInferenceOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        z_values = domain.values(Path(self.inputs.z_map))
        p_values = domain.values(Path(self.inputs.p_map))
        method, alpha = self.inputs.method, self.inputs.alpha
        critical_vector = METHODS[method](Evidence(p_values), alpha)
        out_file = Path(runtime.cwd) / "critical_vector.npy"
        np.save(out_file, critical_vector)
        n_discoveries = min_true_discoveries(p_values, critical_vector)
        concentration = concentration_set(p_values, critical_vector)
        beyond = supra_threshold(z_values, 0, self.inputs.alternative)
        # far on the other side of a one-sided test, p-values round to 1
        _, n_with_p = np.unique(p_values[p_values < 1], return_counts=True)
        self._results["critical_vector"] = str(out_file)
        self._results["results"] = {
            "Method": method,
            "LocalTest": CLOSED_TESTING[method],
            "Alpha": alpha,
            "Confidence": round(1 - alpha, 12),
            "HommelValue": hommel_value(p_values, alpha, CLOSED_TESTING[method]),
            "NumberOfFeatures": domain.n_features,
            "Discoveries": n_discoveries,
            "TDP": n_discoveries / domain.n_features,
            "ConcentrationSize": concentration.size,
            "ConcentrationPValue": concentration.p_value,
            # in the precision of the z map: whoever applies it to that gets the same voxels
            "ConcentrationThreshold": concentration_threshold(
                z_values.astype(np.float32), beyond, p_values, critical_vector
            ),
            "TiedFeatures": int(n_with_p[n_with_p > 1].sum()),
        }
        return runtime


class _SensitivityInputSpec(BaseInterfaceInputSpec):
    sided_p_values = File(
        exists=True, mandatory=True, desc="(n_features,) p-values under every alternative"
    )
    whole_mask = traits.Dict(mandatory=True, desc="results of AllResolutionsInference")
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="the one that is used")


class _SensitivityOutputSpec(TraitedSpec):
    sensitivity_table = File(exists=True, desc="bounds of the whole mask under other assumptions")


class Sensitivity(SimpleInterface):
    """Bound the whole mask under every alternative and both local tests, for comparison."""

    input_spec = _SensitivityInputSpec
    output_spec = _SensitivityOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        used = (self.inputs.alternative, self.inputs.whole_mask["LocalTest"])
        alpha = self.inputs.whole_mask["Alpha"]
        rows = []
        with np.load(self.inputs.sided_p_values) as sided:
            for alternative in sided:
                p_values = sided[alternative]
                for method, local_test in CLOSED_TESTING.items():
                    critical_vector = METHODS[method](Evidence(p_values), alpha)
                    n_discoveries = min_true_discoveries(p_values, critical_vector)
                    rows.append(
                        (
                            alternative,
                            local_test,
                            hommel_value(p_values, alpha, local_test),
                            n_discoveries,
                            n_discoveries / p_values.size,
                            "yes" if (alternative, local_test) == used else "no",
                        )
                    )
        table = format_tsv([name for name, _ in SENSITIVITY_COLUMNS], rows)
        out_file = write_text(table, Path(runtime.cwd) / "sensitivity.tsv")
        self._results["sensitivity_table"] = str(out_file)
        return runtime
