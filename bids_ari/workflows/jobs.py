"""Nodes as jobs of a scheduler: what Nipype's plugins leave open when one goes wrong."""

import logging
import platform
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

from nipype.pipeline import engine as pe
from nipype.pipeline.plugins import SLURMPlugin
from nipype.pipeline.plugins.base import SGELikeBatchManagerBase

from bids_ari.errors import ExitCode, InputError

LOGGER = logging.getLogger("bids_ari")
POLL_SECONDS = 2
"""Between two questions to the scheduler about jobs."""
_PATIENCE_SECONDS = 600
"""Schedulers are restarted now and then, and jobs go on meanwhile."""
_LOST = (
    "job {job} ended without a result, most likely for want of memory or time: ask for more in the "
    "plugin file; what it printed is in a folder 'batch' above {folder}"
)


class Submitting(SGELikeBatchManagerBase):
    """What any plugin that submits jobs needs, to say what became of one that left no result."""

    def _get_result(self, taskid: int) -> dict[str, Any] | None:
        node_dir = self._pending[taskid]
        try:
            result: dict[str, Any] | None = super()._get_result(taskid)
        except TimeoutError as error:
            return {"result": None, "traceback": [f"{error}\n"], "hostname": platform.node()}
        # Nipype has a text for a job without a result, and a list of lines for the others
        if result is not None and isinstance(result["traceback"], str):
            result["traceback"] = [f"{_LOST.format(job=taskid, folder=node_dir)}\n"]
        return result


class SLURM(Submitting, SLURMPlugin):
    """
    Nipype's SLURM, which hears what SLURM says.

    Nipype takes a scheduler that does not answer for one that has no job, and what sbatch refuses
    for an error of its own; and it asks about each job alone.
    """

    def __init__(self, plugin_args: dict[str, Any] | None = None) -> None:
        super().__init__(plugin_args=plugin_args)
        self._there: set[int] = set()
        self._asked = self._answered = 0.0

    def _is_pending(self, taskid: int) -> bool:
        if time.monotonic() - self._asked >= POLL_SECONDS:
            self._ask()
        return taskid in self._there

    def _ask(self) -> None:
        """Ask which jobs are there; if there is no answer, take those that were."""
        done = _call("squeue", "--me", "--noheader", "--format=%A")
        self._asked = time.monotonic()
        if done.returncode == 0:
            self._there = {int(job) for job in done.stdout.split()}
            self._answered = self._asked
            return
        silence = self._asked - self._answered
        if silence > _PATIENCE_SECONDS:
            msg = f"the scheduler has not answered for {silence:.0f} s: {_said(done)}"
            raise TimeoutError(msg)
        LOGGER.warning("the scheduler does not answer: %s; asking again", _said(done))

    def _submit_batchtask(self, scriptfile: str, node: pe.Node) -> int:
        folder = Path(scriptfile).parent
        options = f"{self._sbatch_args or ''} {(node.plugin_args or {}).get('sbatch_args', '')}"
        command = ["sbatch", *shlex.split(options), f"--job-name={node._id}"]
        if not any(one.startswith(("-o", "--output")) for one in command):
            command.append(f"--output={folder / 'slurm-%j.out'}")  # errors go there too
        done = _call(*command, scriptfile)
        found = re.search(self._jobid_re, done.stdout)
        if done.returncode or not found:
            msg = f"the scheduler took no job for the node {node.name}: {_said(done)}"
            raise InputError(msg, ExitCode.FAILURE)
        job = int(found.group(1))
        self._pending[job] = node.output_dir()
        self._there.add(job)
        self._asked = self._answered = time.monotonic()
        return job


def _call(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - programs of the scheduler, options of the user
        command, capture_output=True, text=True, check=False
    )


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    return " ".join((done.stderr or done.stdout or f"exit code {done.returncode}").split())
