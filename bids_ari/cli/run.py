"""One run: collect, build, execute, report."""

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bids_ari import __version__
from bids_ari.cli import directories, plan, reports
from bids_ari.cli.values import available_cpus
from bids_ari.errors import ExitCode, InputError
from bids_ari.files import copy_file, write_json
from bids_ari.options import Options

if TYPE_CHECKING:
    from bids_ari.inputs import GroupAnalysis, Template
    from bids_ari.workflows.execution import Outcome

LOGGER = logging.getLogger("bids_ari")


def run(options: Options, command_line: str) -> int:
    """
    Do what the user asked for.

    Parameters
    ----------
    options : Options
        From the command line.
    command_line : str
        As it was typed, for provenance.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    InputError
        If the input or a directory cannot be used; nothing has been written then.
    """
    if options.reports_only:
        return _conclude_reports(options, reports.write_again(options))

    # slow to import, and not needed to answer --help or to refuse an option
    from bids_ari.inputs import collect, datasets, find_template, group_analyses, load_filters

    derivatives = dict(options.derivatives)
    sources = datasets(options.bids_dir, derivatives)
    directories.check(options, sources)
    design = plan.design_of(options, list(sources.values()))
    LOGGER.info("bids-ari %s: looking for first-level maps in %s", __version__, options.bids_dir)
    analyses = collect(
        options.bids_dir,
        derivatives=derivatives,
        input_stat=options.input_stat,
        participant_label=options.participant_label,
        session_label=options.session_label,
        task_id=options.task_id,
        space=options.space,
        contrast=options.contrast,
        filters=load_filters(options.bids_filter_file) if options.bids_filter_file else None,
        database_dir=None if options.dry_run else options.bids_database_dir,
        combine=options.combine,
        difference=options.difference,
        within=design.within,
        variances=options.estimator != "ols",
        listed=design.participants.labels
        if options.participants and design.participants
        else None,
    )
    groups, errors = group_analyses(analyses, design)
    if not groups:
        raise errors[0]
    spaces = [group.analysis.entities.get("space", "") for group in groups]
    template = find_template(options.template, spaces) if options.template else None
    for group in groups:
        analysis = group.analysis
        for rule in dict.fromkeys(row.rule for row in analysis.rows if row.rule):
            LOGGER.info("%s: maps of a participant: %s", analysis.entities["contrast"], rule)
        out = [one for one in analysis.inclusion if not one.included]
        LOGGER.info(
            "%s: subjects: %d in, %d out%s",
            ", ".join(f"{name} {value}" for name, value in analysis.entities.items()),
            len(analysis.inclusion) - len(out),
            len(out),
            "".join(f"; sub-{one.subject}: {one.reason}" for one in out[:5]),
        )
    if options.dry_run:
        sys.stdout.write(plan.describe(groups, options))
        if template:
            sys.stdout.write(f"# template behind the maps: {template.image}\n")
        if errors:
            return conclude(ExitCode.DATA, [str(error) for error in errors])
        return conclude(ExitCode.OK, ["dry run: nothing was computed or written"])
    if options.boilerplate_only:
        directories.make_writable(options.output_dir)
        if (options.output_dir / "group").exists():
            msg = (
                f"{options.output_dir} holds results, with the methods text that is true of "
                "them: choose another directory"
            )
            raise InputError(msg, ExitCode.USAGE)
        reports.write_methods(plan.methods(options, groups), options.output_dir)
        return conclude(ExitCode.OK, [f"methods text is in {options.output_dir / 'logs'}"])
    return _compute(options, groups, [str(one) for one in errors], sources, command_line, template)


def _compute(
    options: Options,
    groups: Sequence["GroupAnalysis"],
    errors: Sequence[str],
    sources: Mapping[str, Path],
    command_line: str,
    template: "Template | None",
) -> int:
    from bids_ari.outputs import write_dataset_description
    from bids_ari.workflows.base import (
        init_bids_ari_wf,
        names_of,
        workflow_name,
        worthwhile_processes,
    )
    from bids_ari.workflows.execution import execute

    started, clock = time.strftime("%Y-%m-%dT%H:%M:%S%z"), time.perf_counter()
    workflow = init_bids_ari_wf(groups, options, sources)
    output_dir = directories.make_writable(options.output_dir)
    work_dir = directories.make_writable(options.work_dir.absolute())
    names = {workflow_name(group): names_of(group) for group in groups}
    failures: dict[str, Exception] = {}
    with ExitStack() as locks:
        for directory in {output_dir.resolve(), work_dir.resolve()}:
            locks.enter_context(directories.locked(directory))
        if options.clean_workdir:
            directories.remove(work_dir / workflow.name)
        if options.write_graph:
            _write_graph(workflow, work_dir)
        outcome = execute(
            workflow,
            work_dir,
            labels=_log_labels(groups),
            nprocs=options.nprocs or worthwhile_processes(groups, available_cpus()),
            memory_gb=options.mem_gb,
            plugin_file=options.use_plugin,
            stop_on_first_crash=options.stop_on_first_crash,
            resource_monitor=options.resource_monitor,
            verbose=options.verbose,
        )
        _keep_resource_monitor(work_dir / workflow.name, options)
        finished = [group for group in groups if workflow_name(group) in outcome.finished]
        if finished:
            record = {
                "CommandLine": command_line,
                "Options": options.as_json(),
                "Versions": plan.versions(),
                "Started": started,
                "ElapsedSeconds": round(time.perf_counter() - clock, 1),
            }
            stems = [name for group in finished for name in names[workflow_name(group)]]
            for name in stems:
                write_json(record, output_dir / "logs" / f"{name}_run.json")
            _write_models(finished, output_dir)
            write_dataset_description(output_dir, sources)
            failures = reports.write(output_dir, template, stems, view_3d=options.report_3d)
    outcome.input_errors += errors
    code = _conclude_reports(options, failures) if finished else int(ExitCode.OK)
    if len(finished) == len(groups) and not errors:
        return code
    return _conclude_failure(outcome, n_done=len(finished), n_analyses=len(groups) + len(errors))


def _write_models(groups: Sequence["GroupAnalysis"], output_dir: Path) -> None:
    """
    Write the models as BIDS Stats Models, with which the run can be repeated.

    One for each contrast, named as its results are: models of one name have other levels and means
    where other participants have maps, and each result leads to its own.
    """
    from bids_ari.design import to_stats_model
    from bids_ari.workflows.base import names_of

    for group in groups:
        model = to_stats_model(group.model)
        for name in names_of(group):
            write_json(model, output_dir / "logs" / f"{name}_smdl.json")


def _short_names(groups: Sequence["GroupAnalysis"]) -> list[str]:
    """Name analyses in the log by their contrast, and what else tells them apart."""
    shared = [{**group.analysis.entities, "model": group.label} for group in groups]
    told = ["contrast"] + [
        entity
        for entity in dict.fromkeys(name for one in shared for name in one)
        if entity != "contrast" and len({one.get(entity) for one in shared}) > 1
    ]
    return [" ".join(one[entity] for entity in told if entity in one) or "maps" for one in shared]


def _log_labels(groups: Sequence["GroupAnalysis"]) -> dict[str, str]:
    """Call sub-workflows in the log by their analysis, and by the contrast if there are several."""
    from bids_ari.workflows.base import results_name, workflow_name

    labels: dict[str, str] = {}
    for group, short in zip(groups, _short_names(groups), strict=True):
        name, contrasts = workflow_name(group), group.model.contrasts
        labels[name] = short
        if len(contrasts) > 1:
            labels |= {f"{name}.{results_name(c)}": f"{short}, {c.name}" for c in contrasts}
    return labels


def _keep_resource_monitor(folder: Path, options: Options) -> None:
    measured = folder / "resource_monitor.json"
    if options.resource_monitor and measured.exists():
        copy_file(measured, options.output_dir / "logs" / measured.name)


def _conclude_reports(options: Options, failures: Mapping[str, Exception]) -> int:
    """Say where the reports are, or of which analyses there is none."""
    if not failures:
        return conclude(ExitCode.OK, [f"done: open {options.output_dir / 'index.html'}"])
    return conclude(*reports.told(failures, options.output_dir))


def _conclude_failure(outcome: "Outcome", *, n_done: int, n_analyses: int) -> int:
    some = f" ({n_done} of {n_analyses} analyses are done)" if n_done else ""
    lines = [f"{line}{some}" for line in outcome.input_errors]
    if lines and not outcome.defect:
        return conclude(outcome.exit_code, lines)
    files = ", ".join(str(path) for path in outcome.crash_files)
    where = f"; details in {files}" if files else ""
    defect = outcome.defect or "the workflow ended before all of its nodes had run"
    return conclude(ExitCode.FAILURE, [*lines, f"{defect}{some}{where}"])


def conclude(code: ExitCode, lines: Sequence[str]) -> int:
    """
    Say how the run ended, and return the exit code that says the same.

    Parameters
    ----------
    code : ExitCode
        How it ended.
    lines : sequence of str
        What there is to say.

    Returns
    -------
    int
        ``code``.
    """
    for line in lines:
        if code == ExitCode.OK:
            LOGGER.info("%s", line)
        else:
            sys.stderr.write(f"bids-ari: error: {line}\n")
    return int(code)


def _write_graph(workflow: Any, work_dir: Path) -> None:
    try:
        out_file = workflow.write_graph(graph2use="colored", format="svg", simple_form=True)
    except OSError:  # after the description of the graph was written
        out_file = work_dir / workflow.name / "graph.dot"
        LOGGER.warning("there is no program 'dot' (Graphviz) to draw the workflow")
    LOGGER.info("the workflow is in %s", out_file)
