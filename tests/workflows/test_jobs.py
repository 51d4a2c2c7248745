"""Jobs that a scheduler takes, with one that is made of two scripts; tests/test_slurm.py has a true one."""

import os
import re
from pathlib import Path

import pytest

from bids_ari.errors import ExitCode
from bids_ari.workflows import execution, jobs
from bids_ari.workflows.execution import Outcome, execute
from tests.workflows.test_execution import _raise_input_error, _same, workflow_of

RUNS = 'for script; do :; done; bash "$script" && echo Submitted batch job $$'
LOSES = "echo Submitted batch job 17"
REFUSES = "echo sbatch: error: QOS forbids it >&2; exit 1"


@pytest.fixture
def scheduled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the plugin file, for a scheduler whose queue is always empty."""
    monkeypatch.setattr(execution, "_SHARED_DISK_SECONDS", 0.1)
    monkeypatch.setattr(execution, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.1)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    write_program(tmp_path / "bin" / "squeue", "exit 0")
    plugin_file = tmp_path / "plugin.yml"
    plugin_file.write_text("plugin: SLURM\n")
    return plugin_file


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


def run(plugin_file: Path, function: object, *, sbatch: str) -> Outcome:
    directory = plugin_file.parent
    write_program(directory / "bin" / "sbatch", sbatch)
    workflow = workflow_of(function, directory, n_items=2)
    return execute(workflow, directory, plugin_file=plugin_file)


def test_jobs_that_end_well_finish_the_run(scheduled: Path) -> None:
    outcome = run(scheduled, _same, sbatch=RUNS)
    assert outcome.finished == {"one_wf"}
    assert not outcome.failed


def test_what_is_wrong_with_the_input_comes_back_from_jobs(scheduled: Path) -> None:
    outcome = run(scheduled, _raise_input_error, sbatch=RUNS)
    assert sorted(outcome.input_errors) == ["map 0 is not whole", "map 1 is not whole"]
    assert not outcome.defect


def test_a_job_without_a_result_is_said_to_be_killed(scheduled: Path) -> None:
    outcome = run(scheduled, _same, sbatch=LOSES)
    assert outcome.defect.startswith(
        "job 17 ended without a result, most likely for want of memory or time: ask for more"
    )
    assert outcome.crash_files
    assert not outcome.finished


def test_what_the_scheduler_says_when_it_refuses_a_job_is_said(scheduled: Path) -> None:
    outcome = run(scheduled, _same, sbatch=REFUSES)
    assert outcome.input_errors == [
        "the scheduler took no job for the node _smooth0: sbatch: error: QOS forbids it"
    ]
    assert outcome.exit_code == ExitCode.FAILURE
    assert not outcome.finished


def test_a_scheduler_that_is_away_for_a_moment_is_waited_for(
    scheduled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = 'rm "$0.away" 2>/dev/null && { echo no controller >&2; exit 1; }; exit 0'
    write_program(scheduled.parent / "bin" / "squeue", away)
    (scheduled.parent / "bin" / "squeue.away").touch()
    outcome = run(scheduled, _same, sbatch=RUNS)
    assert "the scheduler does not answer: no controller; asking again" in caplog.messages
    assert outcome.finished == {"one_wf"}


def test_a_scheduler_that_stays_away_ends_the_run(
    scheduled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_PATIENCE_SECONDS", 0.5)
    write_program(scheduled.parent / "bin" / "squeue", "echo no controller >&2; exit 1")
    outcome = run(scheduled, _same, sbatch=LOSES)
    assert re.search(r"^the scheduler has not answered for \d+ s: no controller$", outcome.defect)
    assert not outcome.finished


def test_options_of_sbatch_are_those_of_the_plugin_file(scheduled: Path) -> None:
    scheduled.write_text(
        "plugin: SLURM\nplugin_args: {sbatch_args: --mem=2G --comment='a b', template: '#!/bin/sh'}\n"
    )
    listed = scheduled.parent / "options"
    notes = (
        f'printf "%s|" "$@" >> {listed}; for script; do :; done; head -n 1 "$script" >> {listed}'
    )
    run(scheduled, _same, sbatch=f"{notes}; {RUNS}")
    first = listed.read_text().splitlines()[0].split("|")
    assert first[:3] == ["--mem=2G", "--comment=a b", "--job-name=_smooth0"]
    assert first[3] == f"--output={Path(first[4]).parent / 'slurm-%j.out'}"
    assert first[5] == "#!/bin/sh"
