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
from bids_ari.images import Domain, load_block, load_coverage, load_domain
from bids_ari.stats import ALTERNATIVES, Rotated, contrast_maps, fit, z_and_sided_p_values


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
    contrasts = traits.List(
        traits.List(traits.Float), mandatory=True, desc="weights of its columns, for each contrast"
    )
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="what the test looks for")


class _SecondLevelModelOutputSpec(TraitedSpec):
    """Lists have an item for each contrast."""

    effect_map = traits.List(File(exists=True), desc="contrast estimate")
    variance_map = traits.List(File(exists=True), desc="sampling variance of the effect")
    t_map = traits.List(File(exists=True), desc="Student t")
    z_map = traits.List(
        File(exists=True), desc="standard normal value of the same tail probability"
    )
    p_map = traits.List(File(exists=True), desc="p-value under the alternative, double precision")
    sided_p_values = traits.List(
        File(exists=True), desc="(n_features,) p-values under every alternative"
    )
    results = traits.List(traits.Dict, desc="for the sidecars of the t maps")


class SecondLevelModel(SimpleInterface):
    """Fit ordinary least squares at each voxel, block by block, and test contrasts."""

    input_spec = _SecondLevelModelInputSpec
    output_spec = _SecondLevelModelOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        fitted = fit(self._blocks(domain.features))
        for number, weights in enumerate(self.inputs.contrasts):
            folder = Path(runtime.cwd) / f"contrast{number}"
            folder.mkdir(exist_ok=True)
            for name, output in self._test(fitted, np.asarray(weights), domain, folder).items():
                self._results.setdefault(name, []).append(output)
        return runtime

    def _test(
        self, fitted: Rotated, weights: NDArray[np.float64], domain: Domain, folder: Path
    ) -> dict[str, Any]:
        """Write the maps of one contrast."""
        maps = contrast_maps(fitted, weights)
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
        results: dict[str, Any] = {
            f"{name}_map": str(domain.write(values, folder / name, **kinds.get(name, {})))
            for name, values in outputs.items()
        }
        sided = folder / "sided_p_values.npz"
        np.savez(sided, allow_pickle=False, **{str(one): p for one, p in p_values.items()})
        return {
            **results,
            "sided_p_values": str(sided),
            "results": {"FeaturesWithoutVariance": maps.n_without_variance},
        }

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
