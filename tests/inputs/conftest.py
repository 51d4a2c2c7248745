"""Trees of empty files, named as the writers of first-level maps name theirs."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

WriteDataset = Callable[..., Path]
GENERIC = (
    "sub-{sub}/sub-{sub}_task-{task}_space-MNI_contrast-{contrast}_stat-{stat}_statmap.nii.gz"
)


@pytest.fixture
def write_dataset(tmp_path: Path) -> WriteDataset:
    def write(
        names: Iterable[str],
        *,
        at: str = "maps",
        description: Mapping[str, Any] | str | None = None,
        participants: Iterable[str] | None = None,
    ) -> Path:
        root = tmp_path / at
        root.mkdir(exist_ok=True)
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if description is not None:
            text = description if isinstance(description, str) else json.dumps(description)
            (root / "dataset_description.json").write_text(text)
        if participants is not None:
            rows = ["participant_id\tage", *(f"sub-{label}\t30" for label in participants)]
            (root / "participants.tsv").write_text("\n".join(rows) + "\n")
        return root

    return write


@pytest.fixture
def generic_names() -> Callable[..., list[str]]:
    def names(
        subjects: Iterable[str] = ("01", "02", "03"),
        contrasts: Iterable[str] = ("win", "lose"),
        stats: Iterable[str] = ("effect", "variance", "t"),
        task: str = "gamble",
    ) -> list[str]:
        contrasts, stats = list(contrasts), list(stats)
        return [
            GENERIC.format(sub=sub, task=task, contrast=contrast, stat=stat)
            for sub in subjects
            for contrast in contrasts
            for stat in stats
        ]

    return names
