"""The reports of a run: what is behind their maps, and what becomes of those that fail."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bids_ari.errors import ExitCode, InputError
from bids_ari.files import write_text
from bids_ari.options import Options

if TYPE_CHECKING:
    from bids_ari.inputs import Template

LOGGER = logging.getLogger("bids_ari")


def write_again(options: Options) -> dict[str, Exception]:
    """
    Write the reports of an earlier run, with what was, or is now, asked for behind the maps.

    Parameters
    ----------
    options : Options
        What the user asked for.

    Returns
    -------
    dict
        Errors by the analysis whose report they cost.

    Raises
    ------
    InputError
        If there are no results, or the template is not there.
    """
    from bids_ari import report

    stems = report.stems(options.output_dir)
    if not stems:
        msg = f"{options.output_dir} holds no results to report, expected those of an earlier run"
        raise InputError(msg, ExitCode.NO_INPUT)
    template = None
    if options.template:
        from bids_ari.inputs import find_template

        template = find_template(options.template, [*map(report.space_of, stems)])
    asked = stems if options.template else []
    return write(options.output_dir, template, asked, view_3d=options.report_3d)


def write(
    output_dir: Path,
    template: "Template | None",
    asked: Sequence[str],
    *,
    view_3d: bool = False,
) -> dict[str, Exception]:
    """
    Write all reports that can be.

    Parameters
    ----------
    output_dir : path
        Dataset with the results.
    template : Template or None
        What is to be behind the maps, None for what is drawn unasked ...
    asked : sequence of str
        ... of these analyses; those of others stay as they are.
    view_3d : bool
        Whether explorers have a 3-D view too.

    Returns
    -------
    dict
        Errors by the analysis whose report they cost.
    """
    from bids_ari import report

    clock = time.perf_counter()
    failures: dict[str, Exception] = {}
    if asked:
        from bids_ari.report.background import set_background

        set_background(template, output_dir, asked)
    texts = {}
    for result in report.find(output_dir, failures):
        with report.collecting(failures, result.stem):
            texts[result.stem] = report.methods(result)
            LOGGER.info("%s", report.headline(result))
            for warning in report.warnings(result):
                LOGGER.warning("%s: %s", result.contrast, warning)
    if len(texts) > 1:
        texts = {stem: f"# {stem}\n\n{text}" for stem, text in texts.items()}
    if texts:
        write_methods("\n".join(texts.values()), output_dir)
    pages = report.write(output_dir, failures, view_3d=view_3d)
    LOGGER.info("wrote %d pages (%.1f s)", len(pages), time.perf_counter() - clock)
    for stem, error in failures.items():
        LOGGER.debug("where the error of %s came from", stem, exc_info=error)
    return failures


def told(failures: Mapping[str, Exception], output_dir: Path) -> tuple[ExitCode, list[str]]:
    """
    Name the analyses that have no report, and why.

    Parameters
    ----------
    failures : mapping
        Errors by analysis.
    output_dir : path
        Where their results are all the same.

    Returns
    -------
    code : ExitCode
        Of the first.
    lines : list of str
        One for each.
    """
    from bids_ari.report import reason

    codes = [
        one.exit_code if isinstance(one, InputError) else ExitCode.FAILURE
        for one in failures.values()
    ]
    return codes[0], [
        f"no report of {stem}, whose results are in {output_dir / 'group'}: {reason(error)}"
        for stem, error in failures.items()
    ]


def write_methods(text: str, output_dir: Path) -> None:
    """
    Write the methods text and its references.

    Parameters
    ----------
    text : str
        Markdown with the keys of the references.
    output_dir : path
        Dataset with the results.
    """
    from bids_ari import boilerplate

    write_text(text, output_dir / "logs" / "CITATION.md")
    write_text(boilerplate.bibtex(text), output_dir / "logs" / "CITATION.bib")
