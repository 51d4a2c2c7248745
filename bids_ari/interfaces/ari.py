"""All-Resolutions Inference as nodes: for the whole mask, and for clusters at a threshold."""

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
from bids_ari.images import CONNECTIVITIES, load_domain
from bids_ari.stats import (
    ALTERNATIVES,
    METHODS,
    Evidence,
    LocalTest,
    find_peaks,
    hommel_value,
    label_clusters,
    min_true_discoveries,
    min_true_discoveries_by_label,
    supra_threshold,
)
from bids_ari.tables import CLUSTER_COLUMNS, LABEL_COLUMNS, PEAK_COLUMNS, format_tsv


class _AllResolutionsInferenceInputSpec(BaseInterfaceInputSpec):
    p_map = File(exists=True, mandatory=True, desc="p-values, in double precision")
    mask = File(exists=True, mandatory=True, desc="the voxels that are tested")
    method = traits.Enum(*METHODS, usedefault=True, desc="inference method")
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
        p_values = domain.values(Path(self.inputs.p_map))
        critical_vector = METHODS[self.inputs.method](Evidence(p_values), self.inputs.alpha)
        out_file = Path(runtime.cwd) / "critical_vector.npy"
        np.save(out_file, critical_vector)
        n_discoveries = min_true_discoveries(p_values, critical_vector)
        local_test: LocalTest = "hommel" if self.inputs.method == "hommel" else "simes"
        self._results["critical_vector"] = str(out_file)
        self._results["results"] = {
            "Method": self.inputs.method,
            "Alpha": self.inputs.alpha,
            "Confidence": round(1 - self.inputs.alpha, 12),
            "HommelValue": hommel_value(p_values, self.inputs.alpha, local_test),
            "NumberOfFeatures": domain.n_features,
            "Discoveries": n_discoveries,
            "TDP": n_discoveries / domain.n_features,
        }
        return runtime


class _ClusterInferenceInputSpec(BaseInterfaceInputSpec):
    z_map = File(exists=True, mandatory=True, desc="z values: clusters are formed in these")
    p_map = File(exists=True, mandatory=True, desc="p-values, in double precision")
    mask = File(exists=True, mandatory=True, desc="the voxels that are tested")
    critical_vector = File(exists=True, mandatory=True, desc="from AllResolutionsInference")
    cluster_threshold = traits.Range(
        0.0, None, 3.1, usedefault=True, desc="clusters are where |z| is greater than this"
    )
    connectivity = traits.Enum(
        18, *CONNECTIVITIES, usedefault=True, desc="neighbours of a voxel: faces, edges, corners"
    )
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="which signs to look at")
    whole_mask = traits.Dict(desc="results for the whole mask, to repeat in sidecars")


class _ClusterInferenceOutputSpec(TraitedSpec):
    tdp_map = File(exists=True, desc="TDP bound of the cluster each voxel is in")
    label_map = File(exists=True, desc="clusters, 1 for the largest")
    label_table = File(exists=True, desc="names of the labels")
    cluster_table = File(exists=True, desc="size, bound and peak of each cluster")
    peak_table = File(exists=True, desc="local maxima in the clusters")
    results = traits.Dict(desc="for sidecars")


class ClusterInference(SimpleInterface):
    """Bound the true discovery proportion of the clusters at one threshold."""

    input_spec = _ClusterInferenceInputSpec
    output_spec = _ClusterInferenceOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        z_values = domain.values(Path(self.inputs.z_map))
        beyond = supra_threshold(z_values, self.inputs.cluster_threshold, self.inputs.alternative)
        inside = np.flatnonzero(beyond)
        adjacency = domain.adjacency(inside, self.inputs.connectivity)
        clusters = label_clusters(z_values, beyond, adjacency)
        _, _, n_discoveries = min_true_discoveries_by_label(
            domain.values(Path(self.inputs.p_map)),
            clusters.labels,
            np.load(self.inputs.critical_vector),
        )
        peaks = find_peaks(z_values, clusters.labels, adjacency, domain.coordinates(inside))
        tdp = n_discoveries / clusters.size

        cwd = Path(runtime.cwd)
        tdp_of_label = np.append(0.0, tdp).astype(np.float32)  # label 0 is background
        self._results["tdp_map"] = str(
            domain.write(tdp_of_label[clusters.labels], cwd / "tdp", intent="estimate")
        )
        self._results["label_map"] = str(
            domain.write(clusters.labels, cwd / "label", intent="label")
        )
        places = domain.coordinates(np.array([peak.feature for peak in peaks], dtype=np.int64))
        peak_rows = [
            (peak.cluster, peak.peak, float(z_values[peak.feature]), *map(float, place))
            for peak, place in zip(peaks, places, strict=True)
        ]
        first_peaks = [row for row in peak_rows if row[1] == 1]
        signs = {1: "positive", -1: "negative"}
        cluster_rows = [
            (
                row[0],
                signs[int(clusters.sign[k])],
                int(clusters.size[k]),
                float(clusters.size[k] * domain.feature_size),
                int(n_discoveries[k]),
                float(tdp[k]),
                *row[2:],
            )
            for k, row in enumerate(first_peaks)
        ]
        label_rows = [(row[0], f"{row[1]} cluster {row[0]}") for row in cluster_rows]
        for name, columns, rows in (
            ("cluster_table", CLUSTER_COLUMNS, cluster_rows),
            ("peak_table", PEAK_COLUMNS, peak_rows),
            ("label_table", LABEL_COLUMNS, label_rows),
        ):
            table = format_tsv([column for column, _ in columns], rows)
            self._results[name] = str(write_text(table, cwd / f"{name}.tsv"))
        self._results["results"] = {
            **self.inputs.whole_mask,
            "ClusterThreshold": self.inputs.cluster_threshold,
            "Connectivity": self.inputs.connectivity,
            "NumberOfClusters": int(clusters.size.size),
        }
        return runtime
