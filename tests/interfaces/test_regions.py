from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_ari.interfaces.regions import LoadRegions
from tests.conftest import AFFINE, SHAPE


@pytest.mark.parametrize(
    ("largest", "dtype"), [(100, "i1"), (300, "i2"), (70_000, "i4"), (3_000_000_000, "f8")]
)
def test_labels_of_an_atlas_are_kept_in_as_few_bytes_as_others_read(
    largest: int, dtype: str, tmp_path: Path
) -> None:
    mask = np.ones(SHAPE, np.uint8)
    mask[0] = 0
    labels = np.zeros(SHAPE)
    labels[:3], labels[3:5] = largest, -7
    for name, data in (("mask", mask), ("atlas", labels)):
        nb.Nifti1Image(data, AFFINE).to_filename(tmp_path / f"{name}.nii.gz")
    node = LoadRegions(
        mask=str(tmp_path / "mask.nii.gz"),
        atlases=[("large", str(tmp_path / "atlas.nii.gz"), "")],
    )
    outputs = node.run(cwd=tmp_path).outputs
    written = nb.Nifti1Image.from_filename(outputs.atlas_map[0])
    assert written.get_data_dtype() == np.dtype(dtype)
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels * mask)
    assert Path(outputs.atlas_table[0]).read_text() == (
        f"index\tname\n-7\tregion -7\n{largest}\tregion {largest}\n"
    )
