import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from bids_ari.stats import _kernels
from tests.stats.test_hommel import p_value_arrays

RUN = """
import numpy as np
from bids_ari.stats import ClosedTesting
print(ClosedTesting(np.array([0.01, 0.02, 0.7])).jump_points.tolist())
"""


@given(p_values=p_value_arrays)
def test_hull_minima_are_those_of_their_definition(p_values: NDArray[np.float64]) -> None:
    ordered = np.sort(p_values)
    expected = [
        min(p / rank for rank, p in enumerate(ordered[-size:], start=1))
        for size in range(1, ordered.size + 1)
    ]
    for kernel in (_kernels.hull_minima, _kernels.hull_minima.py_func):  # type: ignore[attr-defined]
        np.testing.assert_allclose(kernel(ordered), expected, rtol=4e-16, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("writable", [True, False])
def test_kernels_need_no_place_to_keep_what_is_compiled(writable: bool, tmp_path: Path) -> None:
    source = Path(_kernels.__file__).parents[1]
    package = tmp_path / "site-packages" / "bids_ari"
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    cache = package / "stats" / "__pycache__"
    if not writable:
        cache.touch()  # a file, so that not even root can make the folder
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    home = tmp_path / "home"
    home.touch()
    environment |= {"HOME": str(home), "PYTHONPATH": str(package.parent), "PYTHONSAFEPATH": "1"}
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stderr == ""
    assert found.stdout == "[0.7, 0.04, 0.03]\n"
    assert writable == any(cache.glob("_kernels.hull_minima*.nbi"))


def test_the_statistics_load_the_compiler_only_when_it_is_needed() -> None:
    code = "import sys, bids_ari.stats; print('numba' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout == "False\n"
