from pathlib import Path

import pytest

from bids_ari.files import write_text


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    path = write_text("whole", tmp_path / "new" / "table.tsv")
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        write_text("half \udcff", path)
    assert path.read_text() == "whole"
