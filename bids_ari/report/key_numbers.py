"""Numbers that careful readers look for, and the whole mask under other assumptions."""

from collections.abc import Iterator
from typing import Any

from bids_ari.report import words
from bids_ari.report.cluster_tables import bound
from bids_ari.report.permutation_section import bounds_by
from bids_ari.report.results import Result

_LOCAL_TESTS = {"simes": "Simes", "hommel": "Hommel"}
_ERRORS = {"sign flips": "symmetric errors", "permutations": "exchangeable errors"}
_VALID = {"simes": "positive dependence", "hommel": "any dependence"}


def key_numbers(result: Result) -> list[dict[str, str]]:
    """List numbers with their names and what they mean."""
    return [
        {"name": name, "value": words.typeset(value), "meaning": words.typeset(meaning)}
        for name, value, meaning in _numbers(result)
    ]


def sensitivity(result: Result) -> list[dict[str, Any]]:
    """List the bounds of the whole mask under each alternative and each local test."""
    return [
        {
            **bound(one.discoveries, result.n_features),
            "alternative": "F" if result.test == "F" else one.alternative,
            "local_test": _LOCAL_TESTS.get(one.local_test, _other(one.local_test, result)),
            "valid": _VALID.get(one.local_test, _assumed(result)),
            "hommel_value": "n/a" if one.hommel_value is None else words.count(one.hommel_value),
            "used": one.used,
        }
        for one in result.sensitivity
    ]


def _other(local_test: str, result: Result) -> str:
    return result.permutations.kind if result.permutations else local_test


def _assumed(result: Result) -> str:
    return _ERRORS.get(result.permutations.kind, "") if result.permutations else ""


def _source(result: Result) -> Iterator[tuple[str, str, str]]:
    """Say what bounds come from."""
    n_all, of = result.n_features, result.permutations
    of_mask = f"of {words.count(n_all)}"
    if of:
        names = " and ".join(
            filter(None, [", ".join(one.name for one in of.templates[:-1]), of.templates[-1].name])
        )
        yield (
            "Inference",
            result.method if result.method == names else f"{result.method}: {names}",
            f"{bounds_by(result)}; the section on these says how",
        )
        yield (
            f"Without {of.kind}",
            f">= {words.count(of.ari_discoveries)} {of_mask}",
            (
                "active voxels by All-Resolutions Inference with Simes' local test, whose Hommel "
                f"value is {words.count(of.hommel_value)}"
            ),
        )
        return
    test = _LOCAL_TESTS.get(result.local_test, result.local_test)
    h = int(result.inference["HommelValue"])
    yield (
        "Hommel value",
        f"{words.count(h)} {of_mask}",
        "size of the largest set of voxels that the local test does not reject"
        + (
            f"; at least {words.count(n_all)} {words.MINUS} {words.count(h)} = "
            f"{words.count(n_all - h)} voxels are active"
            if n_all - h == result.discoveries > 0
            else ""
        ),
    )
    yield (
        "Local test",
        f"{test}, {_VALID.get(result.local_test, 'n/a')}",
        "how the tests of voxels may depend on each other for the bounds to be valid",
    )


def _numbers(result: Result) -> Iterator[tuple[str, str, str]]:
    n_all, inference = result.n_features, result.inference
    yield from _source(result)
    yield (
        "Alpha",
        f"{float(inference['Alpha']):g}",
        (
            f"familywise error rate: all bounds hold together with {words.percent(result.confidence)} "
            "confidence"
        ),
    )
    if "ConcentrationSize" in inference:
        yield from _concentration(result)
    if "TiedFeatures" in inference:
        tied = int(inference["TiedFeatures"])
        yield (
            "Tied voxels",
            f"{words.count(tied)} ({words.share(tied, n_all)})",
            "whose p-value another voxel has exactly",
        )
    if "FeaturesWithoutVariance" in result.stat_sidecar:
        yield (
            "Without variance",
            words.count(int(result.stat_sidecar["FeaturesWithoutVariance"])),
            f"voxels that are the same in all maps; their {result.test} value is set to 0",
        )
    if "UntestableFeatures" in result.stat_sidecar:
        yield (
            "Not testable",
            words.count(int(result.stat_sidecar["UntestableFeatures"])),
            (
                "voxels where too few maps have a value and a variance; "
                f"their {result.test} value is set to 0"
            ),
        )
    if "LostFeatures" in result.mask_sidecar:
        lost = int(result.mask_sidecar["LostFeatures"])
        yield (
            "Left out by the mask",
            words.count(lost),
            "voxels of the mask asked for, or that any map covers, that could not be analysed",
        )
    yield from _missing(result)


def _concentration(result: Result) -> Iterator[tuple[str, str, str]]:
    size = int(result.inference["ConcentrationSize"])
    if not size:
        yield "Concentration set", "empty", "no set of voxels holds a discovery"
        return
    threshold = result.inference.get("ConcentrationThreshold")
    where = ""
    if threshold is not None:
        where = f", {words.beyond(words.chosen(float(threshold)), result.alternative)}"
    yield (
        "Concentration set",
        f"{words.number_of(size, 'voxel')}{where}",
        (
            f"the smallest set of voxels that all bounds come from: at least {words.count(result.discoveries)} "
            f"of its voxels are active (TDP >= {words.proportion(result.discoveries, size)})"
        ),
    )


def _missing(result: Result) -> Iterator[tuple[str, str, str]]:
    known = [one for one in result.participants if one.included and one.missing_voxels is not None]
    if not known:
        return
    lacking = [one for one in known if one.missing_voxels]
    if not lacking:
        yield "Missing values", "0", "every map has a value at every voxel of the mask"
        return
    worst = max(lacking, key=lambda one: one.missing_voxels or 0)
    yield (
        "Missing values",
        f"in {words.number_of(len(lacking), 'map')}",
        (
            f"most in that of {worst.label}: {words.number_of(worst.missing_voxels or 0, 'voxel')} of "
            "the mask without a value"
        ),
    )
