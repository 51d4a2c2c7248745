"""Results to pages: one self-contained HTML file per analysis, and an index of all."""

import base64
import contextlib
import dataclasses
import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bids_ari import __version__
from bids_ari.errors import ExitCode, InputError
from bids_ari.files import write_text
from bids_ari.report import words
from bids_ari.report.content import context_of
from bids_ari.report.reading import collecting, find, stems
from bids_ari.report.results import Result

if TYPE_CHECKING:
    import jinja2

    from bids_ari.report.explorer import Explorer


_ON_INDEX = ("facts", "first_level", "model", "sides", "summary", "tested", "title", "warnings")


def write(
    output_dir: Path, failures: dict[str, Exception] | None = None, *, view_3d: bool = False
) -> list[Path]:
    """
    Write the reports and figures of all analyses in an output dataset.

    Nothing is computed anew and nothing but the files of the dataset is read.

    Parameters
    ----------
    output_dir : Path
        Root of the dataset that a run has written.
    failures : dict, optional
        Where errors are put, by the analysis whose report they cost, so that the others are
        written. The index tells of them.
    view_3d : bool
        Whether explorers have a 3-D view too, which makes each page about 1.1 MB larger.

    Returns
    -------
    paths : list of Path
        One page per analysis, then ``index.html``.

    Raises
    ------
    InputError
        If there is no analysis, or a file of one is missing or cannot be read and ``failures`` is
        not given.
    """
    output_dir = Path(output_dir)
    if not stems(output_dir):
        msg = f"{output_dir}/group has no *_stat-z_statmap.nii.gz, so that there is nothing to report"
        raise InputError(msg, ExitCode.NO_INPUT)
    environment = _environment()
    dataset = _dataset_name(output_dir)
    written: list[Path] = []
    entries: list[dict[str, Any]] = []
    for result in find(output_dir, failures):
        with collecting(failures, result.stem):
            page = _page(result)
            path = output_dir / f"{result.stem}.html"
            text = _render(
                environment, "template.html.jinja", dataset=dataset, view_3d=view_3d, **page
            )
            write_text(text, path)
            written.append(path)
            entries.append(_entry(page, path))
    index = output_dir / "index.html"
    text = _render(
        environment,
        "index.html.jinja",
        dataset=dataset,
        groups=_by_model(entries),
        failures=[_failure(stem, error, output_dir) for stem, error in (failures or {}).items()],
    )
    return [*written, write_text(text, index)]


def _page(result: Result) -> dict[str, Any]:
    """Draw a result, write its figures, and gather what its page shows."""
    from bids_ari.report.backdrop import backdrop
    from bids_ari.report.explorer import explore
    from bids_ari.report.figure_files import write_figures
    from bids_ari.report.pictures import draw  # slow to import: plotting

    behind = backdrop(result)
    pictures = draw(result, behind)
    figures = write_figures(result, pictures)
    return context_of(result, pictures, explore(result, behind), figures)


def _entry(page: dict[str, Any], path: Path) -> dict[str, Any]:
    """Keep of a page what the index shows, as pictures and forests of many are large."""
    large = {
        "rows": (),
        "glass": (),
        "mask": (),
        "design": None,
        "comparison": None,
        "envelope": None,
    }
    pictures = dataclasses.replace(page["pictures"], **large)
    return {
        **{key: page[key] for key in _ON_INDEX},
        "pictures": pictures,
        "href": quote(path.name),
    }


def _failure(stem: str, error: Exception, output_dir: Path) -> dict[str, str]:
    """Say on the index why there is no report, and whether there is an older one."""
    path = output_dir / f"{stem}.html"
    return {
        "stem": stem,
        "reason": reason(error),
        "href": quote(path.name) if path.exists() else "",
    }


def reason(error: Exception) -> str:
    """
    Say in a line why a report could not be made.

    Parameters
    ----------
    error : Exception
        What was raised.

    Returns
    -------
    str

    Examples
    --------
    >>> reason(InputError("a.tsv is empty")), reason(KeyError("z"))
    ('a.tsv is empty', "KeyError: 'z'")
    """
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def _by_model(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the contrasts of a group model together; a group of one needs no heading."""
    groups: dict[tuple[tuple[str, ...], ...], list[dict[str, Any]]] = {}
    for entry in entries:
        key = (tuple(entry["first_level"]) or (entry["title"],), tuple(entry["facts"]))
        groups.setdefault(key, []).append(entry)
    return [
        {"title": " and ".join(names), "facts": facts, "entries": members}
        for (names, facts), members in groups.items()
    ]


def _dataset_name(output_dir: Path) -> str:
    path = output_dir / "dataset_description.json"
    with contextlib.suppress(OSError, json.JSONDecodeError, AttributeError):
        return str(json.loads(path.read_text(encoding="utf-8")).get("Name", ""))
    return ""


def _environment() -> "jinja2.Environment":
    import jinja2  # slow to import

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bids_ari.report", "static"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["count"] = words.count
    environment.filters["typeset"] = words.typeset
    environment.filters["signed"] = words.signed
    environment.filters["percent"] = lambda share: words.typeset(words.percent(share))
    environment.filters["volume"] = words.volume
    return environment


def _render(
    environment: "jinja2.Environment",
    name: str,
    explorer: "Explorer | None" = None,
    view_3d: bool = False,
    **context: Any,
) -> str:
    from markupsafe import Markup

    static = files("bids_ari.report") / "static"
    styles = [(static / "style.css").read_text(encoding="utf-8")]
    scripts = [(static / "page.js").read_text(encoding="utf-8")]
    library = None
    if explorer and explorer.packed:
        from bids_ari.report import explorer as of_explorer

        library = of_explorer.niivue() if view_3d else None
        styles.append(of_explorer.style(view_3d=view_3d))
        scripts.append(of_explorer.script(view_3d=view_3d))
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    if library:
        hashes.append(library.sha256)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    # no address is allowed at all, and no script but ours: a browser proves that nothing is fetched
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    )
    return environment.get_template(name).render(
        style=Markup("\n".join(styles)),  # noqa: S704 (our own files)
        scripts=[Markup(script) for script in scripts],  # noqa: S704 (our own files)
        explorer=explorer,
        library=library,
        svg=Markup,
        policy=policy,
        version=__version__,
        **context,
    )
