"""Fixtures shared by all tests: small, seeded, and of unequal dimensions."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from bids_ari.simulate.dataset import Simulation, write_dataset

settings.register_profile("bids_ari", deadline=None, derandomize=True)
settings.load_profile("bids_ari")

SHAPE = (7, 8, 9)
"""Unequal on purpose: a transposed axis cannot go unnoticed."""
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture
def write_image(tmp_path: Path) -> Callable[[str, NDArray[np.floating]], Path]:
    def write(name: str, data: NDArray[np.floating]) -> Path:
        path = tmp_path / name
        nb.Nifti1Image(data.astype(np.float32), AFFINE).to_filename(path)
        return path

    return write


@pytest.fixture(scope="session")
def small_group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve simulated subjects on a coarse grid, in the manner of FitLins. Copy to change."""
    out_dir = tmp_path_factory.mktemp("group") / "firstlevel"
    write_dataset(out_dir, Simulation(subjects=12, voxel_size=6.0, seed=3))
    return out_dir
