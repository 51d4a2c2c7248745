"""Fixtures shared by all tests: small, seeded, and of unequal dimensions."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nb
import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

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
