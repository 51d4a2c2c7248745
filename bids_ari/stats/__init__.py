"""The mathematics: arrays in, arrays out. Needs numpy, scipy and numba, nothing else."""

from bids_ari.stats.bounded_forest import BoundedForest, bound_forest
from bids_ari.stats.bounds import (
    Concentration,
    concentration_set,
    effective,
    min_true_discoveries,
    min_true_discoveries_by_label,
)
from bids_ari.stats.calibration import (
    Calibrated,
    calibrate,
    pivots_from,
    single_step,
    step_down,
)
from bids_ari.stats.closed_testing import ClosedTesting
from bids_ari.stats.clusters import (
    Clusters,
    Peak,
    concentration_threshold,
    find_peaks,
    label_clusters,
    supra_threshold,
)
from bids_ari.stats.combination import highest, supplier
from bids_ari.stats.contrasts import ContrastMaps, FMaps, contrast_maps, f_maps
from bids_ari.stats.estimates import (
    EstimatedContrast,
    EstimatedFContrast,
    Estimates,
    estimated_contrast,
    estimated_f_contrast,
)
from bids_ari.stats.exchange import Exchange, exchangeable
from bids_ari.stats.fisher import f_p_value, f_z_and_p_values
from bids_ari.stats.fixed_effects import fixed_effects
from bids_ari.stats.forest import Forest, grow_forest
from bids_ari.stats.glm import Rotated, fit, merge, rotate
from bids_ari.stats.hommel import LOCAL_TESTS, LocalTest, hommel_value, set_weights
from bids_ari.stats.joint_error import Share, joint_error, share_of, simes_error
from bids_ari.stats.learned import Learned, learn
from bids_ari.stats.methods import (
    AUTO,
    CLOSED_TESTING,
    METHOD_OF,
    METHODS,
    RESAMPLED,
    Evidence,
    NullPivots,
    calibrated,
    templates_of,
)
from bids_ari.stats.mixed_effects import mixed_effects
from bids_ari.stats.null_sample import NullSample, merge_samples
from bids_ari.stats.outliers import OutlierMeasures, outlier_measures
from bids_ari.stats.permutation_claims import PermutationClaims
from bids_ari.stats.regions import (
    ANY,
    Claims,
    claim_p_values,
    fewest_discoveries,
    min_true_discoveries_at,
    min_true_discoveries_by_region,
)
from bids_ari.stats.resampling import resample
from bids_ari.stats.residuals import Residuals, nuisance_residuals
from bids_ari.stats.student import (
    ALTERNATIVES,
    Alternative,
    p_value,
    z_and_p_values,
    z_and_sided_p_values,
    z_value,
)
from bids_ari.stats.template_curves import Aorc, HigherCriticism
from bids_ari.stats.templates import TEMPLATES, Beta, Simes, Template
from bids_ari.stats.ties import just_below
from bids_ari.stats.transformations import Transformations, draw_transformations
from bids_ari.stats.variance_spread import variance_spread

__all__ = [
    "ALTERNATIVES",
    "ANY",
    "AUTO",
    "CLOSED_TESTING",
    "LOCAL_TESTS",
    "METHODS",
    "METHOD_OF",
    "RESAMPLED",
    "TEMPLATES",
    "Alternative",
    "Aorc",
    "Beta",
    "BoundedForest",
    "Calibrated",
    "Claims",
    "ClosedTesting",
    "Clusters",
    "Concentration",
    "ContrastMaps",
    "EstimatedContrast",
    "EstimatedFContrast",
    "Estimates",
    "Evidence",
    "Exchange",
    "FMaps",
    "Forest",
    "HigherCriticism",
    "Learned",
    "LocalTest",
    "NullPivots",
    "NullSample",
    "OutlierMeasures",
    "Peak",
    "PermutationClaims",
    "Residuals",
    "Rotated",
    "Share",
    "Simes",
    "Template",
    "Transformations",
    "bound_forest",
    "calibrate",
    "calibrated",
    "claim_p_values",
    "concentration_set",
    "concentration_threshold",
    "contrast_maps",
    "draw_transformations",
    "effective",
    "estimated_contrast",
    "estimated_f_contrast",
    "exchangeable",
    "f_maps",
    "f_p_value",
    "f_z_and_p_values",
    "fewest_discoveries",
    "find_peaks",
    "fit",
    "fixed_effects",
    "grow_forest",
    "highest",
    "hommel_value",
    "joint_error",
    "just_below",
    "label_clusters",
    "learn",
    "merge",
    "merge_samples",
    "min_true_discoveries",
    "min_true_discoveries_at",
    "min_true_discoveries_by_label",
    "min_true_discoveries_by_region",
    "mixed_effects",
    "nuisance_residuals",
    "outlier_measures",
    "p_value",
    "pivots_from",
    "resample",
    "rotate",
    "set_weights",
    "share_of",
    "simes_error",
    "single_step",
    "step_down",
    "supplier",
    "supra_threshold",
    "templates_of",
    "variance_spread",
    "z_and_p_values",
    "z_and_sided_p_values",
    "z_value",
]
