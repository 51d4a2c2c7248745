"""The second-level model as nodes: group maps of its contrasts, and what stands out of it."""

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
    isdefined,
    traits,
)
from numpy.typing import NDArray

from bids_ari.errors import InputError
from bids_ari.files import write_text
from bids_ari.images import Domain, load_block, load_coverage, load_domain
from bids_ari.interfaces.estimators import ESTIMATORS, GroupMaps
from bids_ari.stats import ALTERNATIVES, outlier_measures
from bids_ari.tables import OUTLIER_COLUMNS, format_tsv

TESTS = ("t", "F")


class _BlocksInputSpec(BaseInterfaceInputSpec):
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


class _SecondLevelModelInputSpec(_BlocksInputSpec):
    variances_files = InputMultiObject(
        File(exists=True), desc="variances of each block; for estimators that use them"
    )
    contrasts = traits.List(
        traits.List(traits.List(traits.Float)), mandatory=True,
        desc="weights of the columns of the design: rows of each contrast",
    )  # fmt: skip
    tests = traits.List(traits.Enum(*TESTS), mandatory=True, desc="of each contrast")
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="what t tests look for")
    estimator = traits.Enum(*ESTIMATORS, usedefault=True, desc="how the model is fitted")


class _SecondLevelModelOutputSpec(TraitedSpec):
    """Lists have an item for each contrast."""

    effect_map = traits.List(File, desc="contrast estimate; nothing for F")
    variance_map = traits.List(File, desc="sampling variance of the effect; nothing for F")
    stat_map = traits.List(File(exists=True), desc="Student t, or F")
    z_map = traits.List(
        File(exists=True), desc="standard normal value of the same tail probability"
    )
    p_map = traits.List(File(exists=True), desc="p-value under the alternative, double precision")
    sided_p_values = traits.List(
        File(exists=True), desc="(n_features,) p-values under every alternative"
    )
    tau2_map = File(exists=True, desc="variance between maps; of mixed effects")
    results = traits.List(traits.Dict, desc="for the sidecars of the maps of statistics")


class SecondLevelModel(SimpleInterface):
    """Fit a group model at each voxel, block by block, and test contrasts."""

    input_spec = _SecondLevelModelInputSpec
    output_spec = _SecondLevelModelOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        design = _checked_design(self.inputs)
        fitted = ESTIMATORS[self.inputs.estimator](
            lambda name: _blocks(self.inputs, domain.features, name), design
        )
        if fitted.tau2 is not None:
            tau2 = domain.write(fitted.tau2.astype(np.float32), Path(runtime.cwd) / "tau2")
            self._results["tau2_map"] = str(tau2)
        for number, (weights, test) in enumerate(
            zip(self.inputs.contrasts, self.inputs.tests, strict=True)
        ):
            maps = fitted.test(np.asarray(weights), test)
            folder = Path(runtime.cwd) / f"contrast{number}"
            folder.mkdir(exist_ok=True)
            for name, output in self._write(maps, domain, folder).items():
                self._results.setdefault(name, []).append(output)
        return runtime

    def _write(self, maps: GroupMaps, domain: Domain, folder: Path) -> dict[str, Any]:
        """Write the maps of one contrast."""
        single = {"effect": maps.effect, "variance": maps.variance, "stat": maps.stat, "z": maps.z}
        kinds: dict[str, dict[str, Any]] = {
            "effect": {"intent": "estimate"},
            "stat": {"intent": maps.intent, "parameters": maps.dof},
            "z": {"intent": "z score"},
        }
        if not np.isfinite(maps.dof[-1]):  # t is z then; of F, NIfTI has no word for that
            kinds["stat"] = {"intent": "z score"} if maps.intent == "t test" else {}
        results: dict[str, Any] = {}
        for name, values in single.items():
            results[f"{name}_map"] = ""
            if values is not None:
                with np.errstate(over="ignore"):
                    rounded = values.astype(np.float32)
                out_file = domain.write(rounded, folder / name, **kinds.get(name, {}))
                results[f"{name}_map"] = str(out_file)
        p_values = maps.p_values.get(self.inputs.alternative)
        if p_values is None:  # F has one side
            (p_values,) = maps.p_values.values()
        # single precision would make very small p-values 0, and others ties; and outside of the
        # mask, 0 would be the smallest of all
        results["p_map"] = str(domain.write(p_values, folder / "p", intent="p value", elsewhere=1))
        sided = folder / "sided_p_values.npz"
        np.savez(sided, allow_pickle=False, **{str(one): p for one, p in maps.p_values.items()})
        return {**results, "sided_p_values": str(sided), "results": maps.results}


class _OutliersInputSpec(_BlocksInputSpec):
    row_labels = traits.List(
        traits.Str, mandatory=True, desc="how each row of the design is called"
    )
    after = traits.Any(desc="results of the model: what it refuses is said once")


class _OutliersOutputSpec(TraitedSpec):
    outlier_table = File(exists=True, desc="how each map compares with the others")


class Outliers(SimpleInterface):
    """Compare each map with the others; nothing is left out."""

    input_spec = _OutliersInputSpec
    output_spec = _OutliersOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        features = load_domain(Path(self.inputs.mask)).features
        design = _checked_design(self.inputs)

        def blocks() -> Iterator[tuple[NDArray[np.float32], NDArray[np.float64]]]:
            start = 0
            for values in _blocks(self.inputs, features, "values"):
                yield values, design[start : start + len(values)]
                start += len(values)

        measures = outlier_measures(blocks)
        columns = [one.tolist() for one in measures]
        rows = zip(self.inputs.row_labels, *columns, strict=True)
        table = format_tsv([name for name, _ in OUTLIER_COLUMNS], rows)
        out_file = write_text(table, Path(runtime.cwd) / "outliers.tsv")
        self._results["outlier_table"] = str(out_file)
        return runtime


def _checked_design(inputs: Any) -> NDArray[np.float64]:
    design = np.asarray(inputs.design, dtype=np.float64)
    n_maps = sum(len(load_coverage(Path(path)).n_values) for path in inputs.coverage_files)
    if design.ndim != 2 or len(design) != n_maps:
        msg = f"the design has {len(design)} rows, expected one for each of {n_maps} maps"
        raise InputError(msg)
    return design


def _blocks(inputs: Any, features: NDArray[np.int64], name: str) -> Iterator[NDArray[np.float32]]:
    """Read the values of each block, or their variances, at some voxels."""
    files = inputs.values_files if name == "values" else inputs.variances_files
    if not isdefined(files):
        msg = f"estimator {inputs.estimator} needs the variances of the maps"
        raise InputError(msg)
    for file, coverage_file in zip(files, inputs.coverage_files, strict=True):
        yield load_block(Path(file), load_coverage(Path(coverage_file)).kept, features)
