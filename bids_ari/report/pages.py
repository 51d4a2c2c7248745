"""Results to pages: one self-contained HTML file per analysis, and an index of all."""

import base64
import contextlib
import hashlib
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bids_ari import __version__, boilerplate, outputs
from bids_ari.errors import ExitCode, InputError
from bids_ari.report import words
from bids_ari.report.findings import nothing_found, summary, warnings
from bids_ari.report.results import Cluster, Result, Threshold, find

if TYPE_CHECKING:
    import jinja2

    from bids_ari.report.pictures import Pictures

_NO_BREAK = "\N{NO-BREAK SPACE}"
_MOST_ROWS = 100  # without a discovery; the table on disk has them all
_KINDS = (
    ("stat-effect_statmap.nii.gz", "effect: contrast of the group model"),
    ("stat-variance_statmap.nii.gz", "variance of the effect"),
    ("stat-t_statmap.nii.gz", "t values"),
    ("stat-z_statmap.nii.gz", "z values"),
    ("stat-p_statmap.nii.gz", "p-values, uncorrected"),
    ("mask.nii.gz", "mask: voxels analysed"),
    ("design.tsv", "design matrix"),
    ("inclusion.tsv", "who takes part, and why not"),
    ("run.json", "record of the run"),
)


def write(output_dir: Path) -> list[Path]:
    """
    Write the reports of all analyses in an output dataset.

    Nothing is computed anew and nothing but the files of the dataset is read.

    Parameters
    ----------
    output_dir : Path
        Root of the dataset that a run has written.

    Returns
    -------
    paths : list of Path
        One page per analysis, then ``index.html``.

    Raises
    ------
    InputError
        If there is no analysis, or a file of one is missing or cannot be read.
    """
    from bids_ari.report.pictures import draw  # slow to import: plotting

    output_dir = Path(output_dir)
    results = find(output_dir)
    if not results:
        msg = f"{output_dir}/group has no *_stat-z_statmap.nii.gz, so that there is nothing to report"
        raise InputError(msg, ExitCode.NO_INPUT)
    environment = _environment()
    dataset = _dataset_name(output_dir)
    written, entries = [], []
    for result in results:
        pictures = draw(result)
        page = _context(result, pictures)
        path = output_dir / f"{result.stem}.html"
        _write(path, _render(environment, "template.html.jinja", dataset=dataset, **page))
        written.append(path)
        entries.append({**page, "href": quote(path.name)})
    index = output_dir / "index.html"
    _write(index, _render(environment, "index.html.jinja", dataset=dataset, entries=entries))
    return [*written, index]


def _context(result: Result, pictures: "Pictures") -> dict[str, Any]:
    text = _methods(result)
    found_warnings = warnings(result)
    labels = ("task", "ses", "acq", "dir", "rec", "run", "space", "res", "den", "feature", "model")
    return {
        "result": result,
        "model": result.model["Model"],
        "weights": ", ".join(
            f"{float(weight):g}" for weight in result.model["Model"].get("Weights", [])
        ),
        "pictures": pictures,
        "title": result.contrast,
        "facts": [f"{key} {result.entities[key]}" for key in labels if key in result.entities],
        "sides": (
            "two-sided"
            if result.alternative == "two-sided"
            else f"one-sided ({result.alternative})"
        ),
        "summary": _typeset(summary(result)),
        "nothing": nothing_found(result),
        "warnings": found_warnings,
        "cards": _cards(result),
        "thresholds": [_cluster_tables(threshold, result) for threshold in result.thresholds],
        "additivity": _additivity(result),
        "included": [one for one in result.participants if one.included],
        "excluded": [one for one in result.participants if not one.included],
        "methods": boilerplate.readable(text).strip(),
        "methods_markdown": text.strip(),
        "references": boilerplate.reference_list(text),
        "bibtex": boilerplate.bibtex(text).strip(),
        "files": _links(result),
        "options": json.dumps(result.run.get("Options", {}), indent=2, ensure_ascii=False),
        "fwhm": float(result.model.get("SmoothingFWHM") or 0),
    }


def _cards(result: Result) -> list[dict[str, str]]:
    lowest = result.thresholds[0]
    best = max(
        (
            (cluster.discoveries / cluster.voxels, cluster.voxels, -i, cluster, threshold)
            for i, threshold in enumerate(result.thresholds)
            for cluster in threshold.found
        ),
        key=lambda item: item[:3],
        default=None,
    )
    volume = result.mask_sidecar.get("VolumeMm3")
    return [
        {
            "value": _typeset(f">= {words.count(result.discoveries)}"),
            "label": f"active voxels of {words.count(result.n_features)} in the mask",
        },
        {
            "value": _typeset(f">= {words.proportion(result.discoveries, result.n_features)}"),
            "label": "true discovery proportion (TDP) of the whole mask",
        },
        {
            "value": f"{len(lowest.found)} of {len(lowest.clusters)}",
            "label": f"clusters at {words.beyond(lowest.value, result.alternative)} with a discovery",
        },
        {
            "value": (
                _typeset(f">= {words.proportion(best[3].discoveries, best[3].voxels)}")
                if best
                else "none"
            ),
            "label": (
                f"highest cluster TDP: {words.number_of(best[3].voxels, 'voxel')} at "
                f"{words.beyond(best[4].value, result.alternative)}"
                if best
                else "clusters with a TDP above 0"
            ),
        },
        {
            "value": words.count(result.n_features),
            "label": "voxels analysed"
            + (f", {words.volume(float(volume))}" if volume is not None else ""),
        },
        {
            "value": _typeset(words.percent(result.confidence)),
            "label": "confidence, of all bounds on this page together",
        },
    ]


def _cluster_tables(threshold: Threshold, result: Result) -> dict[str, Any]:
    empty = [cluster for cluster in threshold.clusters if not cluster.discoveries]
    return {
        "condition": words.beyond(threshold.value, result.alternative),
        "anchor": f"clusters-{threshold.desc}",
        "found": [_cluster(cluster) for cluster in threshold.found],
        "empty": [_cluster(cluster) for cluster in empty[:_MOST_ROWS]],
        "n_empty": len(empty),
        "n_clusters": len(threshold.clusters),
    }


def _cluster(cluster: Cluster) -> dict[str, Any]:
    import matplotlib as mpl
    from matplotlib.colors import to_hex

    share = cluster.discoveries / cluster.voxels
    return {
        "number": cluster.number,
        "sign": {"positive": "+", "negative": words.MINUS}.get(cluster.sign, cluster.sign),
        "sign_name": cluster.sign,
        "tdp": words.proportion(cluster.discoveries, cluster.voxels),
        "bar": f"{100 * share:.1f}%",
        "color": to_hex(mpl.colormaps["viridis"](share)),
        "discoveries": words.count(cluster.discoveries),
        "voxels": words.count(cluster.voxels),
        "volume": f"{cluster.volume:,.0f}",
        "z": words.signed(cluster.peak.stat),
        "position": words.position(cluster.peak.position),
        "more": [
            (words.signed(peak.stat), words.position(peak.position)) for peak in cluster.more_peaks
        ],
    }


def _additivity(result: Result) -> str:
    """Show by the numbers of this result that bounds of parts fall short of the whole."""
    lowest = result.thresholds[0]
    parts = sum(cluster.discoveries for cluster in lowest.clusters)
    if len(lowest.found) < 2 or parts >= result.discoveries:
        return ""
    return (
        f"Here the clusters at {words.beyond(lowest.value, result.alternative)} add up to "
        f"{words.count(parts)}, the mask as a whole holds at least "
        f"{words.count(result.discoveries)}."
    )


def _methods(result: Result) -> str:
    model = result.model["Model"]
    rule = result.mask_sidecar.get("Rule")
    return boilerplate.methods(
        contrast=result.contrast,
        n_maps=result.n_maps,
        input_stat=str(result.model.get("InputStat", "effect")),
        smoothing_fwhm=float(result.model.get("SmoothingFWHM") or 0),
        model=str(model.get("Name", "oneSample")),
        regressors=[str(name) for name in model.get("Regressors", ["intercept"])],
        mask_rule=str(rule) if rule else None,
        alternative=result.alternative,
        alpha=float(result.inference["Alpha"]),
        method=str(result.inference.get("Method", "ari")),
        cluster_thresholds=[threshold.value for threshold in result.thresholds],
        connectivity=int(result.inference.get("Connectivity", 18)),
        versions={key: str(value) for key, value in result.run.get("Versions", {}).items()},
        n_features=result.n_features,
        hommel_value=int(result.inference["HommelValue"]),
        discoveries=result.discoveries,
    )


def _links(result: Result) -> list[tuple[str, str, str]]:
    """List what was written: description, name, link; sidecars are left to their files."""
    links = []
    for path in result.files:
        if path.suffix == ".json" and not path.name.endswith("_run.json"):
            continue
        relative = path.relative_to(result.root).as_posix()
        links.append((_describe(path, result), relative, quote(relative)))
    for name, description in (("CITATION.md", "methods text"), ("CITATION.bib", "references")):
        if (result.root / "logs" / name).exists():
            links.append((description, f"logs/{name}", f"logs/{name}"))
    return links


def _describe(path: Path, result: Result) -> str:
    for ending, description in _KINDS:
        if path.name.endswith(ending):
            return description
    for threshold in (*result.thresholds, *result.leftover):
        at = f"at {words.beyond(threshold.value, result.alternative)}"
        for ending, description in (
            (f"stat-tdp_desc-{threshold.desc}_statmap.nii.gz", f"TDP of each cluster {at}"),
            (f"desc-{threshold.desc}_dseg.nii.gz", f"cluster labels {at}"),
            (f"desc-{threshold.desc}_dseg.tsv", f"names of the cluster labels {at}"),
            (f"desc-{threshold.desc}_clusters.tsv", f"table of clusters {at}"),
            (f"desc-{threshold.desc}_peaks.tsv", f"table of peaks {at}"),
        ):
            if path.name.endswith(ending):
                return description
    return ""


def _dataset_name(output_dir: Path) -> str:
    path = output_dir / "dataset_description.json"
    with contextlib.suppress(OSError, json.JSONDecodeError, AttributeError):
        return str(json.loads(path.read_text(encoding="utf-8")).get("Name", ""))
    return ""


def _typeset(text: str) -> str:
    """Use the signs and the unbreakable spaces that a log cannot show."""
    text = text.replace(">=", "≥").replace("< -", f"< {words.MINUS}")
    return re.sub(
        r"(?<=\d) (?=%)|(?<=[≥<>]) (?=\S)|(?<=z) (?=[<>])|(?<=\|) (?=>)", _NO_BREAK, text
    )


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
    environment.filters["typeset"] = _typeset
    environment.filters["signed"] = words.signed
    environment.filters["percent"] = lambda share: _typeset(words.percent(share))
    environment.filters["volume"] = words.volume
    return environment


def _render(environment: "jinja2.Environment", name: str, **context: Any) -> str:
    from markupsafe import Markup

    static = files("bids_ari.report") / "static"
    style = (static / "style.css").read_text(encoding="utf-8")
    script = (static / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # no address is allowed at all, and no script but ours: a browser proves that nothing is fetched
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return environment.get_template(name).render(
        style=Markup(style),  # noqa: S704 (our own file)
        script=Markup(script),  # noqa: S704 (our own file)
        svg=Markup,
        policy=policy,
        version=__version__,
        **context,
    )


def _write(path: Path, text: str) -> None:
    try:
        outputs.write_text(text, path)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}"
        raise InputError(msg, ExitCode.CANNOT_CREATE) from error
