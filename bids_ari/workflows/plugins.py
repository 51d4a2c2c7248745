"""How Nipype runs a workflow: in this process, in several, or on a cluster."""

import ctypes
import multiprocessing as mp
import os
import platform
import shutil
import signal
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from nipype.pipeline import engine as pe
from nipype.pipeline import plugins
from nipype.pipeline.plugins.base import GraphPluginBase, PluginBase, SGELikeBatchManagerBase
from nipype.pipeline.plugins.multiproc import MultiProcPlugin, process_initializer

from bids_ari.errors import InputError
from bids_ari.options import LEAST_MEMORY_GB
from bids_ari.workflows.jobs import SLURM, Submitting

_PR_SET_PDEATHSIG = 1
_KILLED = (
    "a worker process was killed, most likely for want of memory: "
    "make more available, or use fewer --nprocs"
)
_SUBMITS = {
    "Condor": "condor_submit",
    "LSF": "bsub",
    "OAR": "oarsub",
    "PBS": "qsub",
    "SGE": "qsub",
    "SLURM": "sbatch",
}
"""Programs that plugins submit jobs with."""


class SafeMultiProc(MultiProcPlugin):
    """
    Nipype's MultiProc, which fails instead of waiting for ever for a worker that was killed.

    Nor do its workers outlive it: if the run itself is killed, another run in the same work
    directory must not meet them.
    """

    pool: Any

    def __init__(self, plugin_args: dict[str, Any] | None = None) -> None:
        # numba takes a while: workers are forks of this process, which has it once for all
        import_module("bids_ari.stats._kernels")
        super().__init__(plugin_args=plugin_args)
        self.pool.shutdown()  # has not started a worker yet
        self.pool = ProcessPoolExecutor(
            max_workers=self.processors,
            initializer=_start_worker,
            initargs=(str(Path.cwd()), os.getpid()),
            mp_context=mp.get_context(self.plugin_args.get("mp_context")),
        )

    def _async_callback(self, args: Future[dict[str, Any]]) -> None:
        if args.exception() is None:
            super()._async_callback(args)

    def _get_result(self, taskid: int) -> dict[str, Any] | None:
        # asked again and again, until there is one
        future = self._task_obj[taskid]
        if future is None or (future.done() and future.exception()):
            return {
                "result": None,
                "traceback": [f"{_KILLED}\n"],
                "hostname": platform.node(),
                "taskid": taskid,
            }
        result: dict[str, Any] | None = super()._get_result(taskid)
        return result

    def _submit_job(self, node: pe.Node, updatehash: bool = False) -> int:
        try:
            task_id: int = super()._submit_job(node, updatehash)
        except BrokenProcessPool:  # a worker was killed before: no other will start
            task_id = self._taskid
            self._task_obj[task_id] = None
        return task_id


def plugin_for(name: str, plugin_args: dict[str, Any]) -> PluginBase | str:
    """
    Make what runs a workflow.

    Parameters
    ----------
    name : str
        From :func:`choose_plugin`.
    plugin_args : dict
        Likewise.

    Returns
    -------
    plugin
        As ``Workflow.run`` takes it.
    """
    if name == "MultiProc":
        return SafeMultiProc(plugin_args)
    plugin_class = getattr(plugins, f"{name}Plugin")
    if issubclass(plugin_class, SGELikeBatchManagerBase):
        submitting = SLURM if name == "SLURM" else type(name, (Submitting, plugin_class), {})
        return submitting(plugin_args=plugin_args)
    return name


def choose_plugin(
    nprocs: int, memory_gb: float | None, plugin_file: Path | None
) -> tuple[str, dict[str, Any]]:
    """
    Choose how Nipype runs a workflow.

    Parameters
    ----------
    nprocs : int
        Processes; 1 runs without any other.
    memory_gb : float or None
        What all processes may use together.
    plugin_file : path or None
        YAML with ``plugin`` and ``plugin_args``, which goes before the rest.

    Returns
    -------
    name : str
        Of the plugin.
    plugin_args : dict
        Its arguments.

    Raises
    ------
    InputError
        If the file is not what is described above, or the plugin cannot run here.
    """
    if plugin_file is not None:
        return _plugin_of(plugin_file)
    if nprocs == 1:
        return "Linear", {}
    plugin_args: dict[str, Any] = {"n_procs": nprocs, "raise_insufficient": False}
    if memory_gb is not None:
        plugin_args["memory_gb"] = memory_gb
    return "MultiProc", plugin_args


def _plugin_of(plugin_file: Path) -> tuple[str, dict[str, Any]]:
    try:
        content = yaml.safe_load(plugin_file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        msg = f"{plugin_file} is not a readable YAML file: {' '.join(str(error).split())}"
        raise InputError(msg) from error
    if not isinstance(content, Mapping) or not isinstance(content.get("plugin"), str):
        msg = f"{plugin_file} names no plugin, expected a line such as 'plugin: SLURM'"
        raise InputError(msg)
    name, plugin_args = content["plugin"], content.get("plugin_args") or {}
    if not isinstance(plugin_args, Mapping):
        msg = f"{plugin_file} has plugin_args {plugin_args}, expected names and values"
        raise InputError(msg)
    plugin_class = getattr(plugins, f"{name}Plugin", None)
    if plugin_class is None:
        msg = f"{plugin_file} asks for {name}, expected a plugin of Nipype such as SLURM"
        raise InputError(msg)
    if issubclass(plugin_class, GraphPluginBase):
        msg = (
            f"{plugin_file} asks for {name}, which hands all jobs over and returns before they "
            f"have run, so that nobody would notice a failure: use {name.removesuffix('Graph')}"
        )
        raise InputError(msg)
    program = _SUBMITS.get(name)
    if program and shutil.which(program) is None:
        msg = f"{plugin_file} asks for {name}, but there is no program {program} here"
        raise InputError(msg)
    for key, least in (("n_procs", 1), ("memory_gb", LEAST_MEMORY_GB)):
        value = plugin_args.get(key, least)
        if not isinstance(value, int | float) or value < least:
            msg = f"{plugin_file} has {key}: {value}, expected a number of at least {least}"
            raise InputError(msg)
    return name, dict(plugin_args)


def _start_worker(cwd: str, parent: int) -> None:
    process_initializer(cwd)
    # the handlers of the run are not those of its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it was gone before we asked
            os._exit(1)
