"""Clusters, at a threshold or by their TDP, as nodes: all of them are in one forest."""

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
from numpy.typing import NDArray
from scipy import sparse

from bids_ari.files import write_text
from bids_ari.images import CONNECTIVITIES, Regions, load_domain
from bids_ari.interfaces.claims import beside, claims_on, columns_beside
from bids_ari.interfaces.regions import regions_of
from bids_ari.stats import (
    ALTERNATIVES,
    ANY,
    BoundedForest,
    Clusters,
    Forest,
    bound_forest,
    claim_p_values,
    find_peaks,
    grow_forest,
    min_true_discoveries_by_region,
    supra_threshold,
)
from bids_ari.tables import (
    CLUSTER_COLUMNS,
    LABEL_COLUMNS,
    OVERLAP_COLUMNS,
    PEAK_COLUMNS,
    format_tsv,
)

CUTS = ("height", "concentration", "tdp")
"""How clusters are taken from the forest: above a threshold, above the one that the data choose,
as large as a TDP allows."""


class _GrowForestInputSpec(BaseInterfaceInputSpec):
    z_map = File(exists=True, mandatory=True, desc="z values: clusters are formed in these")
    p_map = File(exists=True, mandatory=True, desc="p-values, in double precision")
    mask = File(exists=True, mandatory=True, desc="the voxels that are tested")
    critical_vector = File(exists=True, mandatory=True, desc="from AllResolutionsInference")
    connectivity = traits.Enum(
        18, CONNECTIVITIES, usedefault=True, desc="neighbours of a voxel: faces, edges, corners"
    )
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="which signs to look at")


class _GrowForestOutputSpec(TraitedSpec):
    forest = File(exists=True, desc="all clusters at all thresholds, with their bounds")
    gradient_map = File(exists=True, desc="largest TDP of any cluster that holds the voxel")


class GrowForest(SimpleInterface):
    """Find all supra-threshold clusters of a map, and bound their true discoveries."""

    input_spec = _GrowForestInputSpec
    output_spec = _GrowForestOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        domain = load_domain(Path(self.inputs.mask))
        z_values = domain.values(Path(self.inputs.z_map))
        beyond = supra_threshold(z_values, 0, self.inputs.alternative)
        adjacency = domain.adjacency(np.flatnonzero(beyond), self.inputs.connectivity)
        bounded = bound_forest(
            grow_forest(z_values, beyond, adjacency),
            domain.values(Path(self.inputs.p_map)),
            np.load(self.inputs.critical_vector),
        )
        cwd = Path(runtime.cwd)
        out_file = cwd / "forest.npz"
        np.savez(out_file, n_discoveries=bounded.n_discoveries, **vars(bounded.forest))
        self._results["forest"] = str(out_file)
        gradient = domain.write(bounded.tdp_map(), cwd / "gradient", intent="estimate")
        self._results["gradient_map"] = str(gradient)
        return runtime


class _ClusterInferenceInputSpec(BaseInterfaceInputSpec):
    cut = traits.Tuple(
        traits.Enum(*CUTS), traits.Range(0.0, None), mandatory=True,
        desc="which clusters: ('height', z) where |z| is greater; ('concentration', 0.0) at the "
        "threshold that the data choose; ('tdp', g) the largest with a TDP of at least g",
    )  # fmt: skip
    forest = File(exists=True, mandatory=True, desc="from GrowForest")
    z_map = File(exists=True, mandatory=True, desc="z values")
    p_map = File(exists=True, mandatory=True, desc="p-values, in double precision")
    mask = File(exists=True, mandatory=True, desc="the voxels that are tested")
    critical_vector = File(exists=True, mandatory=True, desc="from AllResolutionsInference")
    whole_mask = traits.Dict(mandatory=True, desc="results of AllResolutionsInference")
    calibration = File(exists=True, desc="from CalibrateThresholds, for methods with permutations")
    connectivity = traits.Enum(
        18, CONNECTIVITIES, usedefault=True, desc="as that of the forest, for peaks"
    )
    min_distance = traits.Range(
        0.0, None, 8.0, usedefault=True, desc="least distance of two peaks of a cluster, in mm"
    )
    signed = traits.Bool(
        True, usedefault=True, desc="whether the statistic has a sign, as F has not"
    )
    regions = File(exists=True, desc="from LoadRegions; undefined without any")


class _ClusterInferenceOutputSpec(TraitedSpec):
    tdp_map = File(exists=True, desc="TDP bound of the cluster each voxel is in")
    label_map = File(exists=True, desc="clusters, 1 for the largest")
    label_table = File(exists=True, desc="names of the labels")
    cluster_table = File(exists=True, desc="size, bound and peak of each cluster")
    peak_table = File(exists=True, desc="local maxima in the clusters")
    overlap_table = File(exists=True, desc="what clusters and regions have in common")
    results = traits.Dict(desc="for sidecars")


class ClusterInference(SimpleInterface):
    """Bound the true discovery proportion of some clusters of a forest, and describe them."""

    input_spec = _ClusterInferenceInputSpec
    output_spec = _ClusterInferenceOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        cwd = Path(runtime.cwd)
        domain = load_domain(Path(self.inputs.mask))
        z_values = domain.values(Path(self.inputs.z_map))
        p_values = domain.values(Path(self.inputs.p_map))
        bounded = _load_forest(Path(self.inputs.forest))
        nodes, results = self._nodes(bounded)
        clusters = bounded.forest.clusters(nodes)
        n_discoveries, tdp = bounded.n_discoveries[nodes], bounded.tdp[nodes]
        inside = np.flatnonzero(clusters.labels)
        adjacency = domain.adjacency(inside, self.inputs.connectivity)
        peaks = find_peaks(
            z_values, clusters.labels, adjacency, domain.coordinates(inside),
            distance=self.inputs.min_distance,
        )  # fmt: skip
        places = domain.coordinates(np.array([peak.feature for peak in peaks], dtype=np.int64))
        regions = regions_of(self.inputs.regions, domain.n_features)

        # bounds are compared with thresholds: in single precision, 7 of 10 are less than 0.7
        tdp_of_label = np.append(0.0, tdp)  # label 0 is background
        tdp_map = domain.write(tdp_of_label[clusters.labels], cwd / "tdp", intent="estimate")
        label_map = domain.write(clusters.labels, cwd / "label", intent="label")
        self._results["tdp_map"], self._results["label_map"] = str(tdp_map), str(label_map)

        whole_mask = self.inputs.whole_mask
        members = sparse.csr_array(
            (np.ones(inside.size, bool), (clusters.labels[inside] - 1, inside)),
            shape=(nodes.size, domain.n_features),
        )
        closed = claims_on(p_values, whole_mask, self.inputs.calibration)
        claims = [claim_p_values(one, members, closed) for one in (ANY, 0.5)]
        without_permutations = beside(p_values, members, whole_mask)
        peak_rows = [
            (
                peak.cluster,
                peak.peak,
                float(z_values[peak.feature]),
                *map(float, place),
                _regions_around(peak.feature, clusters.labels, inside, adjacency, regions),
            )
            for peak, place in zip(peaks, places, strict=True)
        ]
        first_peaks = [row for row in peak_rows if row[1] == 1]
        signs = {1: "positive", -1: "negative"} if self.inputs.signed else {1: None}
        cluster_rows = [
            (
                row[0],
                signs[int(clusters.sign[k])],
                int(clusters.size[k]),
                float(clusters.size[k] * domain.feature_size),
                int(n_discoveries[k]),
                float(tdp[k]),
                *(float(claim[k]) for claim in claims),
                float(bounded.forest.height[nodes[k]]),
                *row[2:],
                *without_permutations[k],
            )
            for k, row in enumerate(first_peaks)
        ]
        overlaps = _overlaps(
            clusters, regions, p_values, np.load(self.inputs.critical_vector), whole_mask
        )
        tables: dict[str, tuple[Any, list[Any]]] = {
            "cluster_table": (columns_beside(CLUSTER_COLUMNS, whole_mask), cluster_rows),
            "peak_table": ([name for name, _ in PEAK_COLUMNS], peak_rows),
            "label_table": (
                [name for name, _ in LABEL_COLUMNS],
                [(row[0], f"{row[1] or ''} cluster {row[0]}".strip()) for row in cluster_rows],
            ),
            "overlap_table": (columns_beside(OVERLAP_COLUMNS, whole_mask), overlaps),
        }
        for name, (columns, rows) in tables.items():
            table = format_tsv(columns, rows)
            self._results[name] = str(write_text(table, cwd / f"{name}.tsv"))
        self._results["results"] = {
            **whole_mask,
            **results,
            "Connectivity": self.inputs.connectivity,
            "MinimumPeakDistanceMm": self.inputs.min_distance,
            "NumberOfClusters": int(clusters.size.size),
        }
        return runtime

    def _nodes(self, bounded: BoundedForest) -> tuple[NDArray[np.intp], dict[str, Any]]:
        """Find the clusters that are asked for, and what sidecars say of the choice."""
        kind, value = self.inputs.cut
        if kind == "tdp":
            return bounded.with_tdp(value), {"TDPThreshold": value}
        if kind == "concentration":
            value = self.inputs.whole_mask["ConcentrationThreshold"]
        nodes = bounded.forest.above_height(value)
        return nodes, {
            "ClusterThreshold": value,
            "ClusterThresholdChosenBy": "data" if kind == "concentration" else "user",
        }


def _load_forest(path: Path) -> BoundedForest:
    with np.load(path) as saved:
        arrays = {name: saved[name] for name in saved}
    n_discoveries = arrays.pop("n_discoveries")
    return BoundedForest(Forest(int(arrays.pop("n_features")), **arrays), n_discoveries)


def _regions_around(
    feature: int,
    labels: NDArray[np.int32],
    inside: NDArray[np.intp],
    adjacency: sparse.csr_array,
    regions: Regions,
) -> str:
    """Name the regions that a peak and its neighbours are in, the most frequent first."""
    row = int(np.searchsorted(inside, feature))
    neighbours = adjacency.indices[adjacency.indptr[row] : adjacency.indptr[row + 1]]
    around = inside[np.append(neighbours, row)]
    around = around[labels[around] == labels[feature]]  # clusters of opposite signs touch
    n_inside = np.asarray(regions.members[:, around].sum(axis=1))
    return "; ".join(
        f"{regions.title(k)} {100 * n_inside[k] / around.size:.0f} %"
        for k in np.lexsort((np.arange(n_inside.size), -n_inside))
        if n_inside[k]
    )


def _overlaps(
    clusters: Clusters,
    regions: Regions,
    p_values: NDArray[np.float64],
    critical_vector: NDArray[np.float64],
    whole_mask: dict[str, Any],
) -> list[tuple[Any, ...]]:
    """Bound what each cluster has in common with each region."""
    region, feature = regions.members.nonzero()
    label = clusters.labels[feature]
    region, feature, label = (one[label > 0] for one in (region, feature, label))
    pairs, position = np.unique(np.stack([label, region]), axis=1, return_inverse=True)
    members = sparse.csr_array(
        (np.ones(feature.size, bool), (position.ravel(), feature)),
        shape=(pairs.shape[1], p_values.size),
    )
    size, n_discoveries = min_true_discoveries_by_region(p_values, members, critical_vector)
    n_in_region = np.asarray(regions.members.sum(axis=1))
    without_permutations = beside(p_values, members, whole_mask)
    return [
        (
            int(number),
            regions.atlas[k],
            regions.index[k],
            regions.name[k],
            int(n_both),
            float(n_both / clusters.size[number - 1]),
            float(n_both / n_in_region[k]),
            int(found),
            float(found / n_both),
            *more,
        )
        for number, k, n_both, found, more in zip(
            *pairs, size, n_discoveries, without_permutations, strict=True
        )
    ]
