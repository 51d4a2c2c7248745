"""The scripts of the explorer besides the forest: words, addresses, states, files, and how they join."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
import pytest

from bids_ari.report import explorer, words
from bids_ari.report.explorer.script import MODULES, MODULES_3D
from tests.conftest import SHAPE
from tests.report.explorer.conftest import OBLIQUE, SCRIPTS, Ask, explored_from, question


def test_every_module_is_in_the_page_and_all_it_exports_is_used() -> None:
    modules = (*MODULES, *MODULES_3D)
    assert sorted(modules) == sorted(path.name for path in SCRIPTS.glob("*.js"))
    joined = explorer.script(view_3d=True)
    assert joined.startswith(explorer.script().removesuffix("\n}\n"))
    assert not re.search(r"^\s*(import|export)\b", joined, re.MULTILINE)
    assert "</script" not in joined.lower()
    for name in modules:
        source = (SCRIPTS / name).read_text(encoding="utf-8")
        assert len(source.splitlines()) <= 400
        for used in re.findall(r'from "\./([a-z]+\.js)"', source):
            assert used in modules
            assert modules.index(used) < modules.index(name)
        for exported in re.findall(
            r"^export (?:async )?(?:function|const) (\w+)", source, re.MULTILINE
        ):
            elsewhere = [one for one in modules if one != name]
            users = [(SCRIPTS / one).read_text(encoding="utf-8") for one in elsewhere]
            tests = [Path(__file__), Path(__file__).with_name("answers.js")]
            users += [one.read_text(encoding="utf-8") for one in tests]
            assert any(re.search(rf"\b{exported}\b", text) for text in users), exported


def test_numbers_are_written_as_on_the_rest_of_the_page(ask: Ask) -> None:
    pairs = [(0, 5), (1, 3), (7, 10), (1999, 4000), (2000, 4000), (3, 250_000), (5, 5), (77, 1096)]
    counts = [0, 7, 999, 1000, 35_676, 1_882_989]
    numbers = [-0.004, -1.234, 0.0, 3.1449, 7.9]
    asked: list[dict[str, Any]] = [
        {"ask": "words", "name": "proportion", "values": pairs},
        {"ask": "words", "name": "count", "values": [[one] for one in counts]},
        {"ask": "words", "name": "signed", "values": [[one] for one in numbers]},
        {"ask": "words", "name": "volume", "values": [[912], [99_999], [963_252]]},
        {"ask": "words", "name": "percent", "values": [[0.95], [0.999], [1 - 0.1]]},
        {"ask": "words", "name": "position", "values": [[[-30.04, 0.0, 62.0]]]},
        {
            "ask": "words",
            "name": "beyond",
            "values": [["two-sided", 3100], ["greater", 3000], ["less", 3050]],
        },
    ]
    plain = [[text.replace("\xa0", " ") for text in answer] for answer in ask(asked)]
    assert plain[0] == [words.proportion(*pair) for pair in pairs]
    assert plain[1] == [words.count(one) for one in counts]
    assert plain[2] == [words.signed(one) for one in numbers]
    assert plain[3] == [words.volume(one) for one in (912, 99_999, 963_252)]
    assert plain[4] == [words.percent(one) for one in (0.95, 0.999, 1 - 0.1)]
    assert plain[5] == [words.position((-30.04, 0.0, 62.0))]
    assert plain[6] == [
        words.beyond(3.1, "two-sided"),
        words.beyond(3, "greater"),
        words.beyond(3.05, "less").replace("-", "\N{MINUS SIGN}"),
    ]


def test_z_has_the_decimals_of_the_tables(ask: Ask, rng: np.random.Generator) -> None:
    z = np.concatenate([rng.uniform(0.001, 9, 500), [3.1, 2.995, 7.94149, 4.005]])
    z = z.astype(np.float32).astype(np.float64)
    steps = explorer.packing.steps_below(z)
    [shown] = ask([{"ask": "words", "name": "zOf", "values": [[int(s), True] for s in steps]}])
    exact = [float(round(Decimal(float(one)), 2)) for one in z]
    assert np.allclose(shown, exact, rtol=0, atol=1e-12)


def test_a_sentence_claims_no_more_than_was_found(ask: Ask) -> None:
    facts = {
        "alternative": "two-sided",
        "signed": True,
        "confidence": 0.95,
        "n_features": 45_448,
        "bounds_by": "All-Resolutions Inference",
    }
    cluster = {
        "voxels": 2169,
        "volume": 58_563.0,
        "found": 1646,
        "z": -7.94,
        "mm": [60, -19, 46],
        "region": "Postcentral R",
    }
    flips = facts | {"bounds_by": "thresholds calibrated on 500 sign flips"}
    nothing = cluster | {"found": 0, "region": ""}
    values = [[facts, cluster], [facts, nothing], [flips, cluster]]
    [[some, none, flipped]] = ask([{"ask": "words", "name": "sentence", "values": values}])
    assert some.replace("\xa0", " ") == (
        "In this cluster of 2,169 voxels (58,563 mm³), whose peak is z = \N{MINUS SIGN}7.94 at "
        "(60.0, \N{MINUS SIGN}19.0, 46.0) mm (Postcentral R), at least 1,646 voxels are active "
        "(TDP ≥ 0.758), with 95 % confidence, simultaneous over all sets of the 45,448 voxels in "
        "the mask (All-Resolutions Inference, two-sided tests)."
    )
    assert flipped == some.replace("All-Resolutions Inference", flips["bounds_by"])
    assert "no voxel can be claimed to be active" in none
    assert "at least" not in none


def test_addresses_are_read_back_and_nonsense_is_not(ask: Ask) -> None:
    state = {"cut": {"kind": "tdp", "value": 705}, "edited": True, "nodes": [4, 17]}
    [address, plain] = ask(
        [
            {"ask": "toHash", "state": state, "mm": [-30.04, 12, 6.25]},
            {"ask": "toHash", "state": state | {"edited": False}, "mm": [0, 0, 0]},
        ]
    )
    assert address == "#explore:tdp=0.705&clusters=4,17&at=-30,12,6.3"
    assert plain == "#explore:tdp=0.705&at=0,0,0"
    [answers] = ask(
        [
            {
                "ask": "hash",
                "values": [
                    address,
                    "#explore:z=3.1",
                    "#clusters",
                    "",
                    "#explore:",
                    "#explore:z=-1",
                    "#explore:tdp=1.2",
                    "#explore:z=3&clusters=x,2,1.5&at=1,2",
                ],
            }
        ]
    )
    assert answers[0] == {"cut": state["cut"], "nodes": [4, 17], "at": [-30, 12, 6.3]}
    assert answers[1] == {"cut": {"kind": "height", "value": 3100}, "nodes": [], "at": None}
    assert answers[2:7] == [None] * 5
    assert answers[7] == {"cut": {"kind": "height", "value": 3000}, "nodes": [2], "at": None}


def test_clusters_stay_disjoint_whatever_is_taken_and_undone(
    ask: Ask, rng: np.random.Generator
) -> None:
    explored = explored_from(3 * rng.normal(size=SHAPE), OBLIQUE)
    forest, bounded = explored.bounded.forest, explored.bounded
    proper = np.flatnonzero(forest.is_cluster)
    taken = [int(one) for one in rng.choice(proper, 30)]
    steps = [["take", one] for one in taken] + [["split"], ["merge"]] + [["undo"]] * 40
    steps += [["choose", {"kind": "tdp", "value": 900}, "tdp"]]
    steps += [["choose", {"kind": "tdp", "value": value}, "tdp"] for value in (910, 920)]
    steps += [["undo"]]
    cut = {"kind": "height", "value": 1500}
    [states] = ask([question("follow", explored, cut=cut, steps=steps)])
    for state in states:
        members = np.concatenate([forest.members(k) for k in state["nodes"]])
        assert np.unique(members).size == members.size
        assert state["selected"] in state["nodes"]
        assert forest.largest_first(np.array(state["nodes"])).tolist() == state["nodes"]
    assert all(state["selected"] == one for state, one in zip(states, taken, strict=False))
    begin = forest.above_height(1.5).tolist()
    assert states[71]["nodes"] == begin
    assert not states[71]["edited"]
    assert states[74]["nodes"] == bounded.with_tdp(0.92).tolist()
    assert states[75]["nodes"] == begin  # the steps of one gesture are undone together


def test_labels_as_nifti_are_where_they_were(ask: Ask, rng: np.random.Generator) -> None:
    mask = rng.uniform(size=SHAPE) < 0.7
    explored = explored_from(rng.normal(size=SHAPE), OBLIQUE, mask=mask)
    labels = rng.integers(0, 70_000, SHAPE)
    [content] = ask([question("nifti", explored, labels=labels.ravel().tolist())])
    img = nb.Nifti1Image.from_bytes(bytes(content))
    assert np.array_equal(np.asarray(img.dataobj), labels)
    assert np.array_equal(img.affine, OBLIQUE.astype(np.float32))
    assert int(img.header["sform_code"]) == 4
    assert img.header.get_xyzt_units() == ("mm", "sec")
    assert np.allclose(img.header.get_zooms(), nb.affines.voxel_sizes(OBLIQUE))
    assert img.header.get_intent()[0] == "label"


def test_a_table_quotes_names(ask: Ask) -> None:
    cluster = {
        "number": 1,
        "sign": "positive",
        "voxels": 10,
        "volume": 80.0,
        "found": 7,
        "height": 3100,
        "z": 4.5,
        "mm": [1, 2, 3.33333],
        "region": 'a "b", c',
    }
    [table] = ask([{"ask": "csv", "clusters": [cluster]}])
    assert table.splitlines() == [
        "cluster,sign,voxels,volume_mm3,discoveries,tdp,threshold,peak_z,x,y,z,region",
        '1,positive,10,80,7,0.7,3.1,4.5,1,2,3.3333,"a ""b"", c"',
    ]


def test_arrows_follow_the_axes_of_an_oblique_volume(ask: Ask) -> None:
    affine = np.array(
        [[0.1, 0.2, 3.0, -9.0], [-2.0, 0.0, 0.1, 14.0], [0.0, 2.5, 0.3, 1.0], [0, 0, 0, 1]]
    )
    explored = explored_from(np.ones(SHAPE), affine)
    voxels = [[0, 0, 0], [6, 7, 8], [3, 1, 4]]
    mm = [(affine @ [*voxel, 1])[:3].tolist() for voxel in voxels]
    [answer] = ask([question("orientation", explored, mm=[*mm, [900, 900, 900]])])
    assert [one["axis"] for one in answer["axes"]] == [2, 0, 1]
    assert [one["direction"] for one in answer["axes"]] == [1, -1, 1]
    assert answer["voxels"][:3] == voxels
    assert answer["voxels"][3] == [0, 7, 8]  # the nearest at the rim
    assert answer["volume"] == pytest.approx(abs(np.linalg.det(affine[:3, :3])))
