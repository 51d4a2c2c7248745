"""Atlases on disk, as the explorer takes them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bids_ari import report
from bids_ari.errors import InputError
from bids_ari.images import VolumeDomain, load_domain
from bids_ari.report.explorer.atlases import parcellations_of
from bids_ari.report.records import Region
from bids_ari.report.results import Result

Writer = Callable[..., str]


@pytest.fixture
def result(tmp_path: Path, write_dataset: Writer) -> Result:
    write_dataset()
    (found,) = report.find(tmp_path)
    regions = found.regions or (made_up_region(),)
    return replace(found, regions=tuple(replace(one, atlas="my lobes") for one in regions))


def made_up_region() -> Region:
    values = dict.fromkeys(Region.__dataclass_fields__)
    return Region(**{**values, "atlas": "my lobes", "name": "front"})  # type: ignore[arg-type]


def write_atlas(result: Result, index: list[int], names: list[str]) -> VolumeDomain:
    domain = load_domain(result.mask)
    labels = np.zeros(domain.n_features, np.int16)
    labels[5:] = np.resize(index, domain.n_features - 5)
    stem = result.mask.with_name(f"{result.stem}_desc-atlasMyLobes_dseg")
    domain.write(labels, stem)
    rows = "".join(f"{one}\t{name}\n" for one, name in zip(index, names, strict=False))
    stem.with_name(f"{stem.name}.tsv").write_text(f"index\tname\n{rows}")
    return domain


def test_labels_are_numbered_in_the_order_of_the_names(result: Result) -> None:
    domain = write_atlas(result, [7, -3, 40], ["front", "back", "rest"])
    (atlas,) = parcellations_of(result, domain)
    assert atlas.name == "my lobes"
    assert atlas.regions == ("front", "back", "rest")
    assert atlas.labels[:11].tolist() == [0, 0, 0, 0, 0, 1, 2, 3, 1, 2, 3]


def test_a_label_without_a_name_is_an_error(result: Result) -> None:
    domain = write_atlas(result, [7, -3], ["front"])
    with pytest.raises(InputError, match=r"desc-atlasMyLobes_dseg.nii.gz has label -3, which"):
        parcellations_of(result, domain)


def test_regions_of_interest_have_no_map(result: Result) -> None:
    assert parcellations_of(result, load_domain(result.mask)) == []
