"""Run a workflow: plugin, progress, and what became of it."""

import errno
import gc
import logging
import os
import re
import sys
import time
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

from nipype import config as nipype_config
from nipype import logging as nipype_logging
from nipype.pipeline import engine as pe

from bids_ari import errors
from bids_ari.errors import ExitCode
from bids_ari.workflows.jobs import POLL_SECONDS
from bids_ari.workflows.plugins import choose_plugin, plugin_for

LOGGER = logging.getLogger("bids_ari")
_POLL_SECONDS = 0.05
_SHARED_DISK_SECONDS = 20
"""Until a result that was written on another machine is there to see."""
_SAID = re.compile(r"^\s*bids_ari\.errors\.(InputError|OutputError): (.+)$", re.MULTILINE)
_NIPYPE_REMARK = "When creating this crashfile"
"""What Nipype appends to the traceback of a node that left no result."""
_STEPS = {
    "split": "maps checked",
    "smooth": "maps read and smoothed",
    "mask": "mask decided",
    "model": "group model fitted",
    "ari": "inference for the whole mask done",
    "forest": "all clusters found and bounded",
    "clusters": "clusters at the thresholds described",
}


@dataclass
class Outcome:
    """What became of a run."""

    finished: set[str] = field(default_factory=set)
    """Names of the sub-workflows that wrote all they had to write."""
    failed: set[str] = field(default_factory=set)
    """Full names of the nodes that failed."""
    input_errors: list[str] = field(default_factory=list)
    """What was wrong with the input or the place of the output, a line each."""
    exit_code: ExitCode = ExitCode.DATA
    """Of the first of these."""
    defect: str = ""
    """What else went wrong."""
    crash_files: list[Path] = field(default_factory=list)


def execute(
    workflow: pe.Workflow,
    crash_dir: Path,
    *,
    labels: Mapping[str, str] | None = None,
    nprocs: int = 1,
    memory_gb: float | None = None,
    plugin_file: Path | None = None,
    stop_on_first_crash: bool = False,
    resource_monitor: bool = False,
    verbose: int = 0,
) -> Outcome:
    """
    Run a workflow to its end.

    Parameters
    ----------
    workflow : Workflow
        With its work directory set.
    crash_dir : path
        Where Nipype puts what it knows of nodes that failed.
    labels : mapping, optional
        What to call the sub-workflows in the log, by their names; those inside of others by both,
        joined by a dot.
    nprocs : int
        Processes; 1 runs without any other.
    memory_gb : float, optional
        What all processes may use together.
    plugin_file : path, optional
        YAML with ``plugin`` and ``plugin_args``, to run elsewhere (SLURM ...).
    stop_on_first_crash : bool
        End at the first failure instead of doing what does not depend on it.
    resource_monitor : bool
        Let Nipype measure memory and CPU of each node.
    verbose : int
        1 shows what Nipype does, 2 all it has to say.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        If the plugin file cannot be used.
    """
    os.environ.setdefault("LOGNAME", "bids_ari")  # nipype's SLURM plugin reads it
    plugin, plugin_args = choose_plugin(nprocs, memory_gb, plugin_file)
    here = plugin in ("Linear", "MultiProc")
    outcome = Outcome()
    plugin_args["status_callback"] = _Progress(
        workflow, labels or {}, outcome, tells_of_start=plugin == "Linear"
    )
    level = {0: "CRITICAL", 1: "INFO"}.get(verbose, "DEBUG")
    nipype_config.update_config(
        {
            "execution": {
                "crashdump_dir": str(crash_dir),
                "crashfile_format": "txt",
                "stop_on_first_crash": str(stop_on_first_crash).lower(),
                "poll_sleep_duration": str(_POLL_SECONDS if here else POLL_SECONDS),
                "job_finished_timeout": str(_SHARED_DISK_SECONDS),
                "check_version": "false",  # nothing is asked of the network
                "create_report": "false",
            },
            "logging": {
                "workflow_level": level,
                "interface_level": level,
                "utils_level": level,
                "log_to_file": "false",
            },
        }
    )
    nipype_logging.update_logging(nipype_config)
    for handler in logging.getLogger("nipype").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.stream = sys.stderr  # where the rest of the log is
    if resource_monitor:
        nipype_config.enable_resource_monitor()
    # the workflow took a copy of the configuration when it was made
    workflow.config["execution"].update(nipype_config._sections["execution"])

    earlier = set(crash_dir.glob("crash-*"))
    try:
        # what Nipype leaves where it stands (the files of its resource monitor) stays here
        with chdir(crash_dir):
            runner = plugin_for(plugin, plugin_args)
            # MultiProc collects garbage whenever it looks after its workers, and Nipype makes a
            # lot of it: spare it what is there now
            gc.freeze()
            workflow.run(plugin=runner, plugin_args=plugin_args)
    except Exception as error:  # noqa: BLE001 - Nipype raises whatever a node did
        outcome.crash_files = sorted(set(crash_dir.glob("crash-*")) - earlier)
        _explain(error, outcome)
    finally:
        gc.unfreeze()
    return outcome


def _explain(error: BaseException, outcome: Outcome) -> None:
    """Find out from what Nipype raised, and from its crash files, what was wrong."""
    if isinstance(error, errors.InputError):  # not of a node
        outcome.input_errors, outcome.exit_code = [str(error)], error.exit_code
        return
    defects, kept = [], []
    for path in outcome.crash_files:
        text = path.read_text(encoding="utf-8", errors="replace")
        found = _SAID.findall(text)
        if not found and os.strerror(errno.ENOSPC) in text:
            # Nipype could not even keep the result of the node
            full = f"{os.strerror(errno.ENOSPC)}, most likely in the work directory {path.parent}"
            found = [(errors.OutputError.__name__, full)]
        if found and not outcome.input_errors:
            outcome.exit_code = getattr(errors, found[0][0]).usual_code
        lines = [line for _, line in found]
        outcome.input_errors = list(dict.fromkeys([*outcome.input_errors, *lines]))
        if found:
            path.unlink()  # the line says all that it does
        else:
            defects.append(_last_line(text))
            kept.append(path)
    outcome.crash_files = kept
    if not outcome.input_errors and not defects:  # where it happened is written nowhere else
        LOGGER.error("the run failed outside of its nodes", exc_info=error)
        defects.append(_last_line(str(error)) or type(error).__name__)
    outcome.defect = defects[0] if defects else ""


def _last_line(text: str) -> str:
    before, _, _ = text.partition(_NIPYPE_REMARK)
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    return lines[-1] if lines else ""


class _Progress:
    """Says which steps are done, of how many, and how long each took."""

    def __init__(
        self,
        workflow: pe.Workflow,
        labels: Mapping[str, str],
        outcome: Outcome,
        *,
        tells_of_start: bool,
    ) -> None:
        # Linear tells of the end of nodes that it passed over, but not of their start; the other
        # plugins tell of the end of nodes that they ran themselves, but not of their start
        self._tells_of_start = tells_of_start
        self._labels = labels
        self._sinks: dict[str, set[str]] = {}
        for name in workflow.list_node_names():
            analysis, _, node = name.partition(".")
            if node.rpartition(".")[2].startswith("ds_"):
                self._sinks.setdefault(analysis, set()).add(node)
        self._n_steps = sum(
            name.rsplit(".", 1)[-1] in _STEPS for name in workflow.list_node_names()
        )
        self._outcome = outcome
        self._started: set[str] = set()
        self._step_began = dict.fromkeys(self._sinks, time.perf_counter())
        self._n_done = 0

    def __call__(self, node: pe.Node, status: str) -> None:
        full_name = node.fullname or node.name
        if status == "exception":
            self._outcome.failed.add(full_name)
        elif status == "start":
            self._started.add(full_name)
        elif full_name.count(".") and (full_name in self._started or not self._tells_of_start):
            # the parts of a MapNode have bare names: the whole counts
            _, analysis, name = full_name.split(".", 2)
            self._end(analysis, name)

    def _end(self, analysis: str, name: str) -> None:
        waiting = self._sinks.get(analysis, set())
        if name in waiting:
            waiting.remove(name)
            if not waiting:
                self._outcome.finished.add(analysis)
        elif (step := name.rpartition(".")[2]) in _STEPS:
            self._n_done += 1
            now = time.perf_counter()
            LOGGER.info(
                "[%d/%d] %s: %s (%.1f s)",
                self._n_done,
                self._n_steps,
                self._label(analysis, name),
                _STEPS[step],
                now - self._step_began.get(analysis, now),
            )
            self._step_began[analysis] = now

    def _label(self, analysis: str, name: str) -> str:
        inner = f"{analysis}.{name.partition('.')[0]}"
        return self._labels.get(inner) or self._labels.get(analysis, analysis)
