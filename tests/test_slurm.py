"""Blocks of maps as jobs: a run on a cluster of one node, which is started for the tests."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from bids_ari.errors import ExitCode
from bids_ari.simulate.dataset import Simulation, write_dataset
from tests.test_end_to_end import digests

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
DAEMONS = ("munged", "slurmctld", "slurmd")
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
KILLED = """\
#!/bin/bash
case "$SLURM_JOB_NAME" in
    _smooth1) scancel --signal=KILL --full "$SLURM_JOB_ID"; sleep 60 ;;
esac
"""
"""What each job runs first: as if the scheduler killed the one with the second block."""
PERMUTED = ("--inference", "simes", "--n-permutations", "300")
"""Two jobs of permutations."""


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Start SLURM on loopback, with all of its files in one folder; give what finds it."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
    programs = {name: shutil.which(name, path=path) for name in (*DAEMONS, "sbatch")}
    missing = [name for name, program in programs.items() if program is None]
    if missing:
        pytest.skip(f"there is no {', '.join(missing)} (packages slurm-wlm and munge)")
    if os.geteuid() != 0:
        pytest.skip("the daemons of SLURM start jobs as root only")
    folder = tmp_path_factory.mktemp("slurm")
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(1024))
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder, host=socket.gethostname().partition(".")[0], ports=free_ports(2)
        )
    )
    files = [f"--{name}-file={folder / f'munge.{name}'}" for name in ("key", "log", "pid", "seed")]
    environment = os.environ | {"SLURM_CONF": str(configuration)}
    daemons = []
    try:
        for name, arguments in (
            ("munged", ["--foreground", "--force", f"--socket={folder / 'munge.socket'}", *files]),
            ("slurmctld", ["-D", "-i"]),
            ("slurmd", ["-D"]),
        ):
            with (folder / f"{name}.log").open("w") as log:
                command = [str(programs[name]), *arguments]
                daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            if name == "munged":
                wait_for(folder / "munge.socket")
        wait_until_idle(environment, folder)
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(30)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.1)


def wait_until_idle(environment: Mapping[str, str], folder: Path) -> None:
    deadline = time.monotonic() + 60
    command = ["sinfo", "--noheader", "--format=%T"]
    while True:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if done.stdout.strip() == "idle":
            return
        logs = "".join(path.read_text(errors="replace") for path in folder.glob("slurm*.log"))
        assert time.monotonic() < deadline, f"{done.stdout}{done.stderr}{logs[-3000:]}"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def firstlevel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two blocks of maps."""
    out_dir = tmp_path_factory.mktemp("blocks") / "firstlevel"
    write_dataset(out_dir, Simulation(subjects=18, voxel_size=8.0, seed=3))
    return out_dir


def write_plugin(directory: Path, template: str) -> Path:
    path = directory / "plugin.yml"
    plugin_args = {"template": template, "sbatch_args": "--cpus-per-task=1 --mem=500"}
    path.write_text(yaml.safe_dump({"plugin": "SLURM", "plugin_args": plugin_args}))
    return path


def run(
    firstlevel: Path, directory: Path, *options: str, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable, "-m", "bids_ari", str(firstlevel), "out", "group",
        "--smoothing-fwhm", "8", *options,
    ]  # fmt: skip
    return subprocess.run(
        command,
        cwd=directory,
        env={"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_jobs_give_the_same_bytes_and_a_killed_one_ends_the_run_which_then_goes_on(
    cluster: dict[str, str], firstlevel: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    done = run(firstlevel, here, *PERMUTED, "--nprocs", "1", environment=os.environ)
    assert done.returncode == ExitCode.OK, done.stderr

    plugin = write_plugin(tmp_path, KILLED)
    done = run(firstlevel, there, *PERMUTED, "--use-plugin", str(plugin), environment=cluster)
    assert done.returncode == ExitCode.FAILURE, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("bids-ari: error: job ")
    assert "ended without a result, most likely for want of memory or time" in last
    assert not (there / "out" / "index.html").exists()

    def results(block: int) -> list[Path]:
        return list(there.rglob(f"mapflow/_smooth{block}/result_*.pklz"))

    (first,) = results(0)
    assert not results(1)
    written = first.stat().st_mtime_ns

    plugin = write_plugin(tmp_path, "#!/bin/bash")
    done = run(firstlevel, there, *PERMUTED, "--use-plugin", str(plugin), environment=cluster)
    assert done.returncode == ExitCode.OK, done.stderr
    assert first.stat().st_mtime_ns == written  # nothing is done twice
    assert list(there.rglob("batch/slurm-*.out"))
    assert len(list(there.rglob("mapflow/_permute*/result_*.pklz"))) == 2
    assert digests(there / "out") == digests(here / "out")


def test_a_plugin_that_returns_before_its_jobs_have_run_is_refused(
    cluster: dict[str, str], firstlevel: Path, tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin.yml"
    plugin.write_text("plugin: SLURMGraph\n")
    done = run(firstlevel, tmp_path, "--use-plugin", str(plugin), environment=cluster)
    assert done.returncode == ExitCode.DATA
    assert done.stderr.splitlines()[-1].endswith("nobody would notice a failure: use SLURM")


def test_what_is_wrong_with_a_map_comes_back_from_a_job(
    cluster: dict[str, str], firstlevel: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "firstlevel"
    shutil.copytree(firstlevel, broken)
    path = next(iter(sorted(broken.rglob("*stat-effect_statmap.nii.gz"))))
    path.write_bytes(path.read_bytes()[:-100])
    plugin = write_plugin(tmp_path, "#!/bin/bash")
    done = run(broken, tmp_path, "--use-plugin", str(plugin), environment=cluster)
    assert done.returncode == ExitCode.DATA, done.stderr
    assert path.name in done.stderr.splitlines()[-1]
