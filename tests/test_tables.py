from bids_ari.tables import format_tsv


def test_a_table_is_never_empty_in_a_cell() -> None:
    table = format_tsv(["a", "b", "c"], [(None, "", "x\ty\nz"), (1, 0.125, -2.0)])
    assert table == "a\tb\tc\nn/a\tn/a\tx y z\n1\t0.125\t-2\n"
