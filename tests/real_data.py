"""
Where data that are not part of the project are: ``BIDS_ARI_DATA`` says so.

Numbers that other programs computed are in ``reference``, next to it.
"""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("BIDS_ARI_DATA", Path(__file__).parents[2] / "shared" / "data"))
REFERENCE = DATA.parent / "reference"


def need(path: Path) -> Path:
    """Skip a test whose data are not there."""
    if not path.exists():
        pytest.skip(f"{path.name} is not in {path.parent} (set BIDS_ARI_DATA)")
    return path
