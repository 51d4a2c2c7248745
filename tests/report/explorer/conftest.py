"""Maps to explore, and something to run the scripts of the explorer with."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from bids_ari.images import VolumeDomain
from bids_ari.images.nifti import Grid
from bids_ari.report.explorer.gathering import Explored
from bids_ari.report.explorer.packing import Parcellation, pack
from bids_ari.stats import (
    METHODS,
    Alternative,
    Evidence,
    bound_forest,
    concentration_threshold,
    grow_forest,
    supra_threshold,
)

Ask = Callable[[Sequence[dict[str, Any]]], list[Any]]

SCRIPTS = Path(str(files("bids_ari.report"))) / "static" / "explorer"
OBLIQUE = np.array(
    [[-2.0, 0.3, 0.1, 20.0], [0.2, 2.9, -0.4, -30.0], [0.0, 0.5, 3.5, 5.0], [0.0, 0.0, 0.0, 1.0]]
)


def explored_from(
    z: NDArray[np.float64],
    affine: NDArray[np.float64],
    *,
    mask: NDArray[np.bool_] | None = None,
    alternative: Alternative = "two-sided",
    connectivity: int = 18,
    method: str = "ari",
    alpha: float = 0.05,
) -> Explored:
    """Infer from a volume of z values as the pipeline does."""
    inside = np.ones(z.shape, dtype=bool) if mask is None else mask
    domain = VolumeDomain(Grid(z.shape, affine, 4), np.flatnonzero(inside))
    values = z[inside].astype(np.float64)
    p_values = {
        "two-sided": 2 * norm.sf(np.abs(values)),
        "greater": norm.sf(values),
        "less": norm.cdf(values),
    }[alternative]
    critical_vector = METHODS[method](Evidence(p_values), alpha)
    beyond = supra_threshold(values, 0, alternative)
    adjacency = domain.adjacency(np.flatnonzero(beyond), connectivity)
    bounded = bound_forest(grow_forest(values, beyond, adjacency), p_values, critical_vector)
    chosen = concentration_threshold(values, beyond, p_values, critical_vector)
    return Explored(domain, values, p_values, critical_vector, bounded, connectivity, chosen)


def question(
    ask: str,
    explored: Explored,
    parcellations: Sequence[Parcellation] = (),
    **more: Any,
) -> dict[str, Any]:
    """Put a packed forest and what is asked of it into one record."""
    packed = pack(explored, parcellations)
    grid = explored.domain.grid
    return {
        "ask": ask,
        "packed": {"text": packed.text, "arrays": packed.arrays},
        "facts": {
            "shape": list(grid.shape),
            "affine": grid.affine.tolist(),
            "xform": grid.xform_code,
        },
        **more,
    }


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Return a function that lets the scripts of the explorer answer questions."""
    beside = Path(sys.executable).parent / "deno"  # from the package on PyPI
    deno = str(beside) if beside.exists() else shutil.which("deno")
    node = shutil.which("node")
    if deno:
        command = [deno, "run", "--quiet", "--no-remote", "--allow-read"]
    elif node:
        command = [node, "--experimental-default-type=module"]
    else:
        pytest.skip("neither deno nor node is there")
    folder = tmp_path_factory.mktemp("questions")

    def run(questions: Sequence[dict[str, Any]]) -> list[Any]:
        path = folder / "questions.json"
        path.write_text(json.dumps(list(questions)), encoding="utf-8")
        done = subprocess.run(
            [
                *command,
                str(Path(__file__).with_name("answers.js")),
                SCRIPTS.as_uri(),
                str(path),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"DENO_DIR": str(folder / "deno"), "DENO_NO_UPDATE_CHECK": "1"},
        )
        assert done.returncode == 0, done.stderr
        answers: list[Any] = json.loads(done.stdout)
        return answers

    return run
