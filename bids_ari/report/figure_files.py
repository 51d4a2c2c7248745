"""The pictures of a result as files for papers, each with a sidecar that says what it shows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bids_ari import __version__, figures
from bids_ari.files import whole, write_json, write_text
from bids_ari.outputs import GENERATOR
from bids_ari.report.embedding import Picture
from bids_ari.report.permutation_section import what_envelope_shows
from bids_ari.report.reading import belongs
from bids_ari.report.results import Result
from bids_ari.report.slices import HOW_SLICES_ARE_DRAWN, Row
from bids_ari.report.words import signed

if TYPE_CHECKING:
    from bids_ari.report.pictures import Pictures

FOLDER = "figures"
_DRAWN_WITH = ("matplotlib", "nilearn")


@dataclass(frozen=True, eq=False, slots=True)
class _Figure:
    ending: str
    """Of its name, after that of the analysis."""
    draw: Callable[[], figures.Drawing]
    description: str
    sources: Sequence[Path]


def write_figures(result: Result, pictures: "Pictures") -> list[Path]:
    """
    Write the pictures of a result as PNG and SVG.

    Figures of this analysis that an earlier run has left, and this one has not, are removed.

    Parameters
    ----------
    result : Result
        One analysis.
    pictures : Pictures
        What the page shows.

    Returns
    -------
    list of Path
        PNG and SVG of each figure.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    folder = result.root / FOLDER
    software = [{"Name": GENERATOR, "Version": __version__}]
    software += [{"Name": name, "Version": version(name)} for name in _DRAWN_WITH]
    written = []
    for figure in _figures(result, pictures):
        drawing = figure.draw()
        path = folder / f"{result.stem}_{figure.ending}.png"
        with whole(path) as partial:
            partial.write_bytes(drawing.png)
        written += [path, write_text(drawing.svg, path.with_suffix(".svg"))]
        sidecar = {
            "Description": figure.description,
            "Sources": [
                f"bids::{one.relative_to(result.root).as_posix()}" for one in figure.sources
            ],
            "GeneratedBy": software,
        }
        write_json(sidecar, path.with_suffix(".json"))
    kept = {path.with_suffix("") for path in written}
    for path in folder.glob(f"{result.stem}_*"):
        if path.with_suffix("") not in kept and belongs(path, result.stem):
            path.unlink()
    return written


def _figures(result: Result, pictures: "Pictures") -> Iterator[_Figure]:
    z_map, group = result.maps["z"], result.root / "group"
    background = [result.background.image] if result.background and pictures.has_brain else []
    z_legend = _z_legend(pictures)
    if pictures.glass:
        yield _Figure(
            "stat-z_desc-glass_statmap",
            lambda: _sheet(pictures.glass, z_legend, "glass", captions=False),
            f"Largest z along each line of sight, {pictures.condition}; from the left, the back, the "
            f"right and above. {_alt(pictures.glass[:1])}",
            [z_map],
        )
    for row in pictures.rows:
        yield _of_row(
            row, z_legend if row.kind == "z" else _tdp_legend(pictures), pictures, background
        )
    yield _Figure(
        "desc-analysis_mask",
        lambda: _sheet(pictures.mask, [], "mask"),
        f"Voxels analysed (blue), on slices through the middle of the mask. {pictures.background}",
        [result.mask, *background],
    )
    if pictures.design:
        yield _Figure(
            "design",
            lambda: pictures.design,  # type: ignore[arg-type,return-value]
            "Design matrix, each column scaled to its largest absolute value (dark), and the contrast.",
            [group / f"{result.stem}_design.tsv"],
        )
    yield _Figure(
        "stat-z_desc-histogram_statmap",
        lambda: pictures.histogram,
        "Distribution of z in the mask (blue) against the standard normal, which it would follow if "
        "nothing were active (line); the lowest cluster threshold is dashed.",
        [z_map, result.mask],
    )
    if pictures.comparison:
        yield _Figure(
            "outliers",
            lambda: pictures.comparison,  # type: ignore[arg-type,return-value]
            "How the maps compare: share of voxels far from what a model of the other maps predicts "
            "(dashed: expected by chance), correlation with the mean of the others, mean, and spread "
            "(dashed: the median). Each dot is a map; those that stand out are red.",
            [group / f"{result.stem}_outliers.tsv"],
        )
    if pictures.envelope and result.permutations:
        yield _Figure(
            "permutations",
            lambda: pictures.envelope,  # type: ignore[arg-type,return-value]
            what_envelope_shows(result.permutations),
            [group / f"{result.stem}_permutations.tsv"],
        )


def _of_row(
    row: Row, legends: Sequence[figures.Legend], pictures: "Pictures", background: Sequence[Path]
) -> _Figure:
    return _Figure(
        row.ending,
        lambda: _sheet(row.pictures, legends, row.ending, sides=True),
        f"{row.title}. {HOW_SLICES_ARE_DRAWN} {pictures.background} {_alt(row.pictures)}",
        [*row.sources, *background],
    )


def _sheet(
    shown: Sequence[Picture],
    legends: Sequence[figures.Legend],
    name: str,
    *,
    captions: bool = True,
    sides: bool = False,
) -> figures.Drawing:
    panels = [one.panel for one in shown if one.panel is not None]
    words = [[one.caption, one.note] if captions else [] for one in shown]
    return figures.sheet(panels, words, legends, name, sides=sides)


def _alt(shown: Sequence[Picture]) -> str:
    """Say what there is to see for who does not see it."""
    return " ".join(f"{one.alt[:1].upper()}{one.alt[1:]}." for one in shown)


def _z_legend(pictures: "Pictures") -> list[figures.Legend]:
    threshold, largest = pictures.threshold, pictures.largest
    found = []
    if pictures.negative:
        ends = signed(-largest, 1), signed(-threshold, 1)
        found.append(figures.Legend(ends[0], pictures.negative[::-1], ends[1]))
    if pictures.positive:
        found.append(figures.Legend(signed(threshold, 1), pictures.positive, signed(largest, 1)))
    last = found.pop()
    return [*found, figures.Legend(last.low, last.colors, f"{last.high}  z")]


def _tdp_legend(pictures: "Pictures") -> list[figures.Legend]:
    return [
        figures.Legend("TDP ≥ 0", pictures.tdp, "1"),
        figures.Legend("", pictures.tdp[:1], "no discovery", hollow=True),
    ]
