"""Permutations and sign flips of the maps as nodes: draw them, test the maps under them."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
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

from bids_ari.errors import InputError
from bids_ari.images import feature_reader, load_domain
from bids_ari.interfaces.glm import TESTS
from bids_ari.stats import (
    ALTERNATIVES,
    RESAMPLED,
    Exchange,
    NullSample,
    PermutationPlan,
    Residuals,
    Simes,
    Transformations,
    exchangeable,
    nuisance_residuals,
    plan_permutations,
    resample,
    templates_of,
)

LOGGER = logging.getLogger("bids_ari")
_MANY_BYTES = 200_000_000
"""Residuals that are kept in a file."""
_N_LEARNED = 1000
"""Thresholds of a learned template."""
_SECONDS = 10.0
"""Between two lines that tell how far it is."""


class _TestInputSpec(BaseInterfaceInputSpec):
    """What a test is, and what may be exchanged in it."""

    design = traits.List(
        traits.List(traits.Float), mandatory=True, desc="rows of the design, one for each map"
    )
    contrast = traits.List(
        traits.List(traits.Float), mandatory=True,
        desc="weights of the columns of the design: rows of one contrast",
    )  # fmt: skip
    test = traits.Enum(*TESTS, usedefault=True, desc="of the contrast")
    alternative = traits.Enum(*ALTERNATIVES, usedefault=True, desc="what t tests look for")
    blocks = traits.List(
        traits.Str, usedefault=True,
        desc="for each map a label: only maps with the same one are exchanged; none for all",
    )  # fmt: skip
    method = traits.Enum(*RESAMPLED, usedefault=True, desc="inference method")
    shift = traits.Range(0, None, 0, usedefault=True, desc="of the templates simes and aorc")


class _DrawInputSpec(_TestInputSpec):
    alpha = traits.Range(
        0.0, 1.0, 0.05, usedefault=True, exclude_low=True, exclude_high=True,
        desc="familywise error rate",
    )  # fmt: skip
    n_permutations = traits.Range(
        2, None, 1000, usedefault=True, desc="how many, the maps as they are among them"
    )
    seed = traits.Range(0, None, 0, usedefault=True, desc="the same gives the same permutations")
    job_size = traits.Range(1, None, 250, usedefault=True, desc="permutations in a job")


class _DrawOutputSpec(TraitedSpec):
    transformations = File(exists=True, desc="(n, n_maps) signs or orders of the maps")
    spans = traits.List(
        traits.Tuple(traits.Int, traits.Int), desc="first of each job, and the one after its last"
    )
    results = traits.Dict(desc="for sidecars: what is exchanged, and how often")


class DrawPermutations(SimpleInterface):
    """Decide what may be exchanged under the null hypothesis, and draw permutations or flips."""

    input_spec = _DrawInputSpec
    output_spec = _DrawOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        try:
            exchange = _exchange(self.inputs)
            plan = plan_permutations(
                self.inputs.method,
                exchange,
                self.inputs.n_permutations,
                alpha=self.inputs.alpha,
                seed=self.inputs.seed,
            )
        except ValueError as error:
            raise InputError(str(error)) from error
        drawn = plan.transformations
        out_file = Path(runtime.cwd) / "transformations.npz"
        np.savez(
            out_file,
            table=drawn.table,
            kind=drawn.kind,
            exhaustive=drawn.exhaustive,
            n_learning=plan.n_learning,
            exact=plan.exact,
        )
        size = self.inputs.job_size
        edges = [
            *range(0, plan.n_calibrating, size),
            *range(plan.n_calibrating, len(drawn), size),
            len(drawn),
        ]
        self._results["transformations"] = str(out_file)
        self._results["spans"] = [*pairwise(edges)]
        self._results["results"] = {
            "Kind": drawn.kind,
            "Number": plan.n_calibrating,
            "Learning": plan.n_learning,
            "Exhaustive": drawn.exhaustive,
            "Seed": self.inputs.seed,
            "Exact": plan.exact,
            "Blocks": len(set(self.inputs.blocks)),
        }
        return runtime


class MapsInputSpec(_TestInputSpec):
    """Maps and permutations of them."""

    values_files = InputMultiObject(
        File(exists=True), mandatory=True, desc="blocks of maps, in the order of the design"
    )
    coverage_files = InputMultiObject(
        File(exists=True), mandatory=True, desc="which voxels each block holds"
    )
    mask = File(exists=True, mandatory=True, desc="voxels that are tested")
    transformations = File(exists=True, mandatory=True, desc="from DrawPermutations")


class _PermuteInputSpec(MapsInputSpec):
    span = traits.Tuple(
        traits.Int, traits.Int, mandatory=True, desc="which ones, see DrawPermutations"
    )


class _PermuteOutputSpec(TraitedSpec):
    sample = File(exists=True, desc="what is kept of the tests")


class PermuteMaps(SimpleInterface):
    """Test the maps under some permutations, and keep what thresholds are calibrated with."""

    input_spec = _PermuteInputSpec
    output_spec = _PermuteOutputSpec

    def _run_interface(self, runtime: Any) -> Any:
        transformations = load_plan(Path(self.inputs.transformations)).transformations
        start, stop = self.inputs.span
        learns = self.inputs.method == "learned"
        templates = () if learns else templates_of(self.inputs.method, shift=self.inputs.shift)
        if Simes() not in templates:  # tells how far plain Simes is from alpha
            templates = (*templates, Simes())
        with permutable(self.inputs, Path(runtime.cwd)) as (residuals, exchange):
            sample = resample(
                residuals,
                exchange,
                transformations.part(start, stop),
                templates,
                n_smallest=_N_LEARNED if learns else 1,
                progress=_telling(start, len(transformations)),
            )
        out_file = Path(runtime.cwd) / "sample.npz"
        names = list(sample.pivots)
        np.savez(
            out_file,
            names=np.array(names),
            pivots=np.stack([sample.pivots[name] for name in names]),
            smallest=sample.smallest,
            curve=sample.curve,
            ranks=sample.ranks,
        )
        self._results["sample"] = str(out_file)
        return runtime


def load_sample(path: Path) -> NullSample:
    """
    Read what :class:`PermuteMaps` kept.

    Parameters
    ----------
    path : path
        Its output.

    Returns
    -------
    NullSample
    """
    with np.load(path) as saved:
        pivots = dict(zip(saved["names"].tolist(), saved["pivots"], strict=True))
        return NullSample(pivots, saved["smallest"], saved["curve"], saved["ranks"])


def load_plan(path: Path) -> PermutationPlan:
    """
    Read what :class:`DrawPermutations` drew.

    Parameters
    ----------
    path : path
        Its output.

    Returns
    -------
    PermutationPlan
    """
    with np.load(path) as saved:
        drawn = Transformations(str(saved["kind"]), saved["table"], bool(saved["exhaustive"]))  # type: ignore[arg-type]
        return PermutationPlan(drawn, int(saved["n_learning"]), bool(saved["exact"]))


@contextmanager
def permutable(inputs: Any, cwd: Path) -> Iterator[tuple[Residuals, Exchange]]:
    """
    Prepare the maps of an analysis for permutations.

    Parameters
    ----------
    inputs : traits
        Of an interface that takes maps and a test.
    cwd : path
        Where residuals are kept while they are needed, if they are large.

    Yields
    ------
    residuals : Residuals
        Of all voxels.
    exchange : Exchange
        What may be exchanged.

    Raises
    ------
    InputError
        If the shift leaves no voxels for a threshold.
    """
    features = load_domain(Path(inputs.mask)).features
    if 0 < features.size <= inputs.shift:
        msg = (
            f"the shift is {inputs.shift} voxels and the mask has {features.size}, expected fewer: "
            "thresholds begin after so many"
        )
        raise InputError(msg)
    exchange = _exchange(inputs)
    large = 8 * features.size * exchange.n_maps > _MANY_BYTES
    scratch = cwd / "residuals.dat" if large else None
    read = feature_reader(
        [Path(one) for one in inputs.values_files],
        [Path(one) for one in inputs.coverage_files],
        features,
    )
    try:
        yield (
            nuisance_residuals(read, exchange, n_features=features.size, scratch=scratch),
            exchange,
        )
    finally:
        if scratch:
            scratch.unlink(missing_ok=True)


def _exchange(inputs: Any) -> Exchange:
    contrast = np.asarray(inputs.contrast)
    return exchangeable(
        np.asarray(inputs.design),
        contrast if inputs.test == "F" else contrast[0],
        np.asarray(inputs.blocks) if inputs.blocks else None,
        inputs.alternative,
    )


def _telling(first: int, n_all: int) -> Callable[[int, int], None]:
    """Tell now and then how many permutations are done, and how long the rest takes."""
    begun = told = time.perf_counter()

    def tell(done: int, of: int) -> None:
        nonlocal told
        now = time.perf_counter()
        if now - told >= _SECONDS and done < of:
            told = now
            LOGGER.info(
                "permutations %d to %d of %d: %d done, about %.0f s to go",
                first + 1, first + of, n_all, done, (now - begun) / done * (of - done),
            )  # fmt: skip

    return tell
