"""The cubes of the 3-D view: whose voxel each shows, in which colour, and which one is clicked on."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bids_ari.report.explorer.gathering import Explored
from tests.conftest import SHAPE
from tests.report.explorer.conftest import OBLIQUE, Ask, explored_from, question

STRONG, FAINT = 255, 160


@pytest.fixture
def explored(rng: np.random.Generator) -> Explored:
    z = 2 * rng.normal(size=SHAPE)
    z[2:5, 3:6, 4:7] += 6
    return explored_from(z, OBLIQUE, mask=rng.random(SHAPE) < 0.9)


def whole_mm() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return whole mm around all voxels, some of the box outside of the volume."""
    corners = np.array(np.meshgrid(*[(-1, n) for n in SHAPE])).reshape(3, -1)
    mm = OBLIQUE[:3, :3] @ corners + OBLIQUE[:3, 3:]
    return np.floor(mm.min(axis=1)), np.ceil(mm.max(axis=1))


def features_of(centres: NDArray[np.float64], explored: Explored) -> NDArray[np.int64]:
    """Return the feature of the voxel nearest to each point, -1 where there is none."""
    inverse = np.linalg.inv(explored.domain.grid.affine)
    voxels = np.rint(centres @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    inside = np.all((voxels >= 0) & (voxels < explored.domain.grid.shape), axis=1)
    features = np.full(len(centres), -1)
    number = np.full(explored.domain.grid.shape, -1)
    number.flat[explored.domain.features] = np.arange(explored.domain.n_features)
    features[inside] = number[tuple(voxels[inside].T)]
    return features


def centres_of(shape: list[int], low: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    z, y, x = np.meshgrid(*[np.arange(n) for n in shape[::-1]], indexing="ij")
    return low + step * (np.column_stack([x.ravel(), y.ravel(), z.ravel()]) + 0.5)


def test_each_cube_shows_the_voxel_nearest_to_its_middle(ask: Ask, explored: Explored) -> None:
    low, high = whole_mm()
    box = {"low": low.tolist(), "high": high.tolist()}
    [cubes] = ask([question("cubes", explored, box=box)])
    assert cubes["step"] == 2
    assert cubes["shape"] == np.ceil((high - low) / 2).astype(int).tolist()
    expected = features_of(centres_of(cubes["shape"], low, 2), explored)
    order = np.concatenate([explored.bounded.forest.feature, [-1]])  # the last for no voxel
    assert np.array_equal(order[cubes["places"]], expected)
    assert set(expected) == {-1, *range(explored.domain.n_features)}  # none is lost
    shades = np.array(cubes["shades"])
    assert np.array_equal(shades > 0, expected >= 0)


@pytest.mark.parametrize(
    ("edge", "step", "shape"), [(1.5, 1, [11, 18, 27]), (1.99999, 2, [6, 9, 14])]
)
def test_small_voxels_have_small_cubes(
    ask: Ask, rng: np.random.Generator, edge: float, step: int, shape: list[int]
) -> None:
    explored = explored_from(rng.normal(size=SHAPE), np.diag([edge, 2, 3, 1]))
    [cubes] = ask([question("cubes", explored, box={"low": [-1, -1, -1], "high": [10, 17, 26]})])
    assert (cubes["step"], cubes["shape"]) == (step, shape)


def test_a_cube_is_as_light_as_the_brain_in_it(
    ask: Ask, explored: Explored, rng: np.random.Generator
) -> None:
    values = rng.integers(0, 256, (5, 6, 7))  # of 1 mm each, x first
    low = np.array([2.5, -7.5, 3.5])
    brain = {
        "shape": list(values.shape),
        "origin": [4.0, -7.0, 5.0],  # one mm in, in x and z
        "values": values.ravel(order="F").tolist(),
    }
    box = {"low": low.tolist(), "high": (low + np.array([6, 7, 8])).tolist()}
    [cubes] = ask([question("cubes", explored, box=box, brain=brain)])
    around = np.pad(values, [(1, 0), (0, 2), (1, 0)])
    expected = around.reshape(3, 2, 4, 2, 4, 2).mean(axis=(1, 3, 5))
    assert cubes["shape"] == [3, 4, 4]
    assert cubes["shades"] == expected.ravel(order="F").tolist()


@pytest.mark.parametrize("colour", ["tdp", "z"])
def test_cubes_have_the_colours_of_their_clusters(
    ask: Ask, explored: Explored, colour: str
) -> None:
    low, high = whole_mm()
    bounded = explored.bounded
    nodes = bounded.forest.above_height(2.5)
    found = bounded.n_discoveries[nodes] > 0
    assert found.any()
    assert np.count_nonzero(~found) > 1
    selected = int(np.argmin(found)) + 1  # which would be faint otherwise
    more: dict[str, Any] = {
        "cuts": 2500,
        "colour": colour,
        "fills": 0x0A0B00,
        "selected": selected,
    }
    box = {"low": low.tolist(), "high": high.tolist()}
    [asked] = ask([question("colors", explored, box=box, **more)])
    colors = np.array(asked["colors"])
    features = features_of(centres_of(asked["shape"], low, 2), explored)
    label = np.zeros(explored.domain.n_features + 1, dtype=int)  # the last for no voxel
    for i, node in enumerate(nodes):
        label[bounded.forest.members(int(node))] = i + 1
    strength = np.where(np.append(False, found), STRONG, FAINT)
    strength[selected] = STRONG
    z = np.append(explored.z_values, 0)
    shade = {
        "tdp": 0x0A0B00 + label,
        "z": np.floor(1000 * np.abs(z)).astype(int) + np.where(z < 0, 0x100000, 0),
    }[colour]
    expected = np.where(label > 0, shade + (strength[label] << 24), 0)
    assert np.array_equal(colors, expected[features])


def test_a_click_finds_the_first_cluster_else_the_surface(ask: Ask) -> None:
    shape = (7, 8, 9)
    shades, colors = np.zeros(shape, dtype=int), np.zeros(shape, dtype=int)
    shades[1:6, 1:7, 1:8] = 200
    shades[:, :, 8] = 20  # too dark to be a surface
    colors[3, 4, 2:4] = 5
    space = {
        "step": 2,
        "shape": list(shape),
        "origin": [10, 20, 30],
        "shades": shades.ravel(order="F").tolist(),
    }
    rays = {
        "through the cluster from above": ([16, 28, 90], [16, 28, 0]),
        "the same from below": ([16, 28, 0], [16, 28, 90]),
        "beside it from above": ([12, 22, 90], [12, 22, 0]),
        "beside all": ([0, 0, 90], [0, 0, 0]),
    }
    asked = [
        {
            "ask": "ray",
            "cubes": space,
            "colors": colors.ravel(order="F").tolist(),
            "from": start,
            "to": end,
        }
        for start, end in rays.values()
    ]
    answers = dict(zip(rays, ask(asked), strict=True))
    assert answers["through the cluster from above"] == pytest.approx([16, 28, 37], abs=1)
    assert answers["the same from below"] == pytest.approx([16, 28, 33], abs=1)
    assert answers["beside it from above"] == pytest.approx([12, 22, 45], abs=1)
    assert answers["beside all"] is None


def test_a_line_of_sight_is_seen_as_one_point(ask: Ask, rng: np.random.Generator) -> None:
    matrix = np.eye(4)
    matrix[:3] = rng.normal(size=(3, 4))
    points = rng.uniform(-1, 1, (5, 2))
    [lines] = ask(
        [{"ask": "sight", "matrix": matrix.ravel(order="F").tolist(), "points": points.tolist()}]
    )
    for point, ends in zip(points, lines, strict=True):
        seen = np.array(ends) @ matrix[:3, :3].T + matrix[:3, 3]
        assert np.allclose(seen, [[*point, -1], [*point, 1]])
