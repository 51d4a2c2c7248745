import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.errors import ExitCode, InputError
from bids_ari.workflows.execution import execute


def _kill_own_process(number: int) -> int:
    import os
    import signal

    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _raise_input_error(number: int) -> int:
    from bids_ari.errors import InputError

    msg = f"map {number} is not whole"
    raise InputError(msg)


def _raise_or_divide(number: int) -> float:
    from bids_ari.errors import InputError

    if number == 0:
        msg = f"map {number} is not whole"
        raise InputError(msg)
    return 1 / (number - number)


def _divide(number: int) -> float:
    return 1 / (number - number)


def _same(number):  # type: ignore[no-untyped-def] # Nipype runs its source, without imports
    return number


def workflow_of(function: Any, base_dir: Path, *, n_items: int = 3) -> pe.Workflow:
    inner = pe.Workflow(name="one_wf")
    step = pe.MapNode(
        niu.Function(["number"], ["out"], function=function), iterfield=["number"], name="smooth"
    )
    step.inputs.number = list(range(n_items))
    sink = pe.Node(niu.Function(["number"], ["out"], function=_same), name="ds_out")
    inner.connect(step, "out", sink, "number")
    workflow = pe.Workflow(name="all_wf", base_dir=str(base_dir))
    workflow.add_nodes([inner])
    return workflow


def test_a_killed_worker_ends_the_run(tmp_path: Path) -> None:
    start = time.monotonic()
    outcome = execute(workflow_of(_kill_own_process, tmp_path), tmp_path, nprocs=2)
    assert time.monotonic() - start < 30
    assert "a worker process was killed, most likely for want of memory" in outcome.defect
    assert outcome.failed
    assert not outcome.finished


@pytest.mark.parametrize("nprocs", [1, 2])
def test_what_is_wrong_with_the_input_comes_back_from_the_nodes(
    nprocs: int, tmp_path: Path
) -> None:
    outcome = execute(workflow_of(_raise_input_error, tmp_path), tmp_path, nprocs=nprocs)
    assert sorted(outcome.input_errors) == [f"map {number} is not whole" for number in range(3)]
    assert outcome.defect == ""
    assert outcome.crash_files == list(tmp_path.glob("crash-*")) == []  # the lines say it all


def _fill_the_disk(number: int) -> int:
    import errno
    import os

    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), number)


def test_a_full_work_disk_is_said(tmp_path: Path) -> None:
    outcome = execute(workflow_of(_fill_the_disk, tmp_path, n_items=1), tmp_path)
    assert outcome.input_errors == [
        f"No space left on device, most likely in the work directory {tmp_path}"
    ]
    assert outcome.exit_code == ExitCode.CANNOT_CREATE


def test_a_defect_is_not_hidden_by_bad_input(tmp_path: Path) -> None:
    workflow = workflow_of(_raise_or_divide, tmp_path, n_items=2)
    outcome = execute(workflow, tmp_path, nprocs=2)
    assert outcome.input_errors == ["map 0 is not whole"]
    assert "ZeroDivisionError" in outcome.defect
    (crash_file,) = outcome.crash_files
    assert "number - number" in crash_file.read_text()


@pytest.mark.parametrize("nprocs", [1, 2])
def test_a_defect_keeps_its_traceback(nprocs: int, tmp_path: Path) -> None:
    outcome = execute(workflow_of(_divide, tmp_path), tmp_path, nprocs=nprocs)
    assert "ZeroDivisionError: division by zero" in outcome.defect
    assert "number - number" in outcome.crash_files[0].read_text()
    assert not outcome.input_errors


@pytest.mark.parametrize("nprocs", [1, 2])
def test_what_wrote_all_it_had_to_write_is_finished(nprocs: int, tmp_path: Path) -> None:
    outcome = execute(workflow_of(_same, tmp_path), tmp_path, nprocs=nprocs)
    assert outcome.finished == {"one_wf"}
    assert not outcome.failed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("plugin: SLURMGraph", "hands all jobs over and returns before they have.*use SLURM$"),
        ("plugin: CondorDAGMan", "hands all jobs over and returns before they have run"),
        ("plugin: Slrum", "asks for Slrum, expected a plugin of Nipype"),
        ("plugin_args: {}", "names no plugin, expected a line such as 'plugin: SLURM'"),
        ("- a\n- b", "names no plugin"),
        ("plugin: [", "plugin.yml is not a readable YAML file"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_refused(
    content: str, message: str, tmp_path: Path
) -> None:
    plugin_file = tmp_path / "plugin.yml"
    plugin_file.write_text(content)
    with pytest.raises(InputError, match=message):
        execute(workflow_of(_divide, tmp_path), tmp_path, plugin_file=plugin_file)


def test_a_plugin_file_is_used(tmp_path: Path) -> None:
    plugin_file = tmp_path / "plugin.yml"
    plugin_file.write_text("plugin: MultiProc\nplugin_args: {n_procs: 2}\n")
    outcome = execute(workflow_of(_kill_own_process, tmp_path), tmp_path, plugin_file=plugin_file)
    # in this process the node would have killed the test
    assert "a worker process was killed" in outcome.defect


def test_workers_do_not_outlive_the_run(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:  # pragma: no cover - another process
        try:
            execute(workflow_of(_sleep, tmp_path, n_items=2), tmp_path, nprocs=2)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("worker-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(path.name.removeprefix("worker-")) for path in tmp_path.glob("worker-*")]
    assert len(workers) == 2
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while any(_runs(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(worker) for worker in workers)


def _sleep(number: int) -> int:
    import os
    import time
    from pathlib import Path

    Path.cwd().parents[4].joinpath(f"worker-{os.getpid()}").touch()
    time.sleep(60)
    return number


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
