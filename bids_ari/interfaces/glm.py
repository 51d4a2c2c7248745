"""The second-level model as a node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from nipype.interfaces.base import (
    BaseInterfaceInputSpec,
    File,
    InputMultiObject,
    SimpleInterface,
    TraitedSpec,
    traits,
)
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.images import load_block, load_coverage, load_domain
from bids_ari.stats import ALTERNATIVES, contrast_maps, fit, z_and_sided_p_values


class _SecondLevelModelInputSpec(BaseInterfaceInputSpec):
    values_files = InputMultiObject(
        File(exists=True), mandatory=True, desc="blocks of maps, in the order of the design"
    )
    coverage_files = InputMultiObject(
        File(exists=True), mandatory=True, desc="which voxels each block holds"
    )
    mask = File(exists=True, mandatory=True, desc="voxels to model")
    design = traits.List(
        traits.List(traits.Float), mandatory=True, desc="rows of the design, one for each map"
    )
    contrast = traits.List(traits.Float, mandatory=True, desc="weights of its columns")
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="what the test looks for")


class _SecondLevelModelOutputSpec(TraitedSpec):
    effect_map = File(exists=True, desc="contrast estimate")
    variance_map = File(exists=True, desc="sampling variance of the effect")
    t_map = File(exists=True, desc="Student t")
    z_map = File(exists=True, desc="standard normal value of the same tail probability")
    p_map = File(exists=True, desc="p-value under the alternative, double precision")
    sided_p_values = File(exists=True, desc="(n_features,) p-values under every alternative")
    results = traits.Dict(desc="for the sidecar of the t map")


class SecondLevelModel(SimpleInterface):
    """Fit ordinary least squares at each voxel, block by block, and test one contrast."""

    input_spec = _SecondLevelModelInputSpec
    output_spec = _SecondLevelModelOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        maps = contrast_maps(fit(self._blocks(domain.features)), np.asarray(self.inputs.contrast))
        z_values, p_values = z_and_sided_p_values(maps.t, maps.dof)
        with np.errstate(over="ignore"):
            single = {
                "effect": maps.effect.astype(np.float32),
                "variance": maps.variance.astype(np.float32),
                "t": maps.t.astype(np.float32),
                "z": z_values.astype(np.float32),
            }
        outputs: dict[str, NDArray[np.floating]] = {
            **single,
            # single precision would make very small p-values 0, and others ties
            "p": p_values[self.inputs.alternative],
        }
        kinds: dict[str, dict[str, Any]] = {
            "effect": {"intent": "estimate"},
            "t": {"intent": "t test", "parameters": (float(maps.dof),)},
            "z": {"intent": "z score"},
            "p": {"intent": "p value", "elsewhere": 1},  # 0 would be the smallest of all
        }
        for name, values in outputs.items():
            out_file = domain.write(values, Path(runtime.cwd) / name, **kinds.get(name, {}))
            self._results[f"{name}_map"] = str(out_file)
        sided = Path(runtime.cwd) / "sided_p_values.npz"
        np.savez(sided, allow_pickle=False, **{str(one): p for one, p in p_values.items()})
        self._results["sided_p_values"] = str(sided)
        self._results["results"] = {"FeaturesWithoutVariance": maps.n_without_variance}
        return runtime

    def _blocks(
        self, features: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        design = np.asarray(self.inputs.design, dtype=np.float64)
        n_maps = [len(load_coverage(Path(path)).n_values) for path in self.inputs.coverage_files]
        if design.ndim != 2 or len(design) != sum(n_maps):
            msg = f"the design has {len(design)} rows, expected one for each of {sum(n_maps)} maps"
            raise InputError(msg)
        start = 0
        for values_file, coverage_file in zip(
            self.inputs.values_files, self.inputs.coverage_files, strict=True
        ):
            kept = load_coverage(Path(coverage_file)).kept
            values = load_block(Path(values_file), kept, features)
            yield values, design[start : start + len(values)]
            start += len(values)
