import numpy as np
import pytest

from bids_ari.design import Contrast, label, output_contrast


@pytest.mark.parametrize(
    ("name", "expected"),
    [("intercept", "win"), ("mean", "win"), ("1", "win"), ("age", "winAge"), ("aVsB", "winAVsB")],
)
def test_results_are_named_after_both_contrasts(name: str, expected: str) -> None:
    assert output_contrast("win", Contrast(name, "", np.ones((1, 1)))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("win_vs_lose", "winVsLose"),
        ("a - b", "aVsB"),
        ("post-op", "postOp"),
        ("trial.x", "trialX"),
    ],
)
def test_labels_are_alphanumeric(text: str, expected: str) -> None:
    assert label(text) == expected


def test_a_label_needs_a_letter() -> None:
    with pytest.raises(ValueError, match="' - ' has no letter or digit to make a name of"):
        label(" - ")
