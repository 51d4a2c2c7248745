"""
All-Resolutions Inference as the last step of a pipeline of one's own.

    python examples/embed.py DIR

Nodes of this pipeline make a map of each participant (here from noise, with an effect in a ball of
patients); ``init_ari_wf`` compares the groups; a sink keeps what it found in DIR/results. The
pipeline knows nothing of BIDS, and is drawn in DIR/study_wf/graph.svg.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from nipype.interfaces import io as nio
from nipype.interfaces import utility as niu
from nipype.pipeline import engine as pe

from bids_ari.workflows import init_ari_wf

N_CONTROLS, N_PATIENTS = 14, 16


def simulate_map(participant: int, effect: float) -> str:
    """Write a map of one participant. Nipype runs this without the rest of the module."""
    from pathlib import Path

    import nibabel as nb
    import numpy as np

    shape = (17, 18, 19)
    x, y, z = np.indices(shape)
    ball = (x - 6) ** 2 + (y - 9) ** 2 + (z - 8) ** 2 <= 4**2
    noise = np.random.default_rng(participant).normal(size=shape)
    path = Path.cwd() / f"sub-{participant:02d}_effect.nii.gz"  # each node has a folder
    img = nb.Nifti1Image((noise + effect * ball).astype(np.float32), np.diag([3, 3, 3, 1]))
    img.to_filename(path)
    return str(path)


def init_study_wf(work_dir: Path, out_dir: Path) -> pe.Workflow:
    """
    Connect the nodes upstream, the inference, and a sink.

    Parameters
    ----------
    work_dir : path
        Where the nodes work.
    out_dir : path
        Where the sink puts results.

    Returns
    -------
    Workflow
    """
    n_maps = N_CONTROLS + N_PATIENTS
    first_level = pe.MapNode(
        niu.Function(["participant", "effect"], ["effect_map"], function=simulate_map),
        iterfield=["participant", "effect"],
        name="first_level",
    )
    first_level.inputs.participant = list(range(n_maps))
    first_level.inputs.effect = [0.0] * N_CONTROLS + [2.0] * N_PATIENTS

    ari_wf = init_ari_wf(
        smoothing_fwhm=4, cluster_thresholds=(3.1, "auto"), tdp_thresholds=(0.5, 0.9)
    )
    ari_wf.inputs.inputnode.design = [[1.0, 0.0]] * N_CONTROLS + [[0.0, 1.0]] * N_PATIENTS
    ari_wf.inputs.inputnode.contrast = [-1.0, 1.0]  # patients - controls

    sink = pe.Node(nio.DataSink(base_directory=str(out_dir)), name="sink")
    workflow = pe.Workflow(name="study_wf", base_dir=str(work_dir))
    workflow.connect([
        (first_level, ari_wf, [("effect_map", "inputnode.maps")]),
        (ari_wf, sink, [
            ("outputnode.z_map", "maps"),
            ("outputnode.gradient_map", "maps.@gradient"),
            ("outputnode.cluster_table", "tables"),  # a folder for each threshold
        ]),
    ])  # fmt: skip
    return workflow


def main(argv: Sequence[str]) -> int:
    """
    Run the pipeline, draw it, and print its tables.

    Parameters
    ----------
    argv : sequence of str
        The command line.

    Returns
    -------
    int
        The exit code.
    """
    parser = argparse.ArgumentParser(description=str(__doc__).strip().split("\n", maxsplit=1)[0])
    parser.add_argument("directory", type=Path, metavar="DIR", help="for nodes and results")
    directory = parser.parse_args(argv).directory.absolute()
    workflow = init_study_wf(directory, directory / "results")
    try:
        workflow.write_graph(graph2use="colored", format="svg", simple_form=True)
    except OSError:  # after graph.dot was written
        sys.stderr.write("there is no program 'dot' (Graphviz) to draw the pipeline\n")
    workflow.run()
    for table in sorted((directory / "results" / "tables").rglob("*.tsv")):
        sys.stdout.write(f"{table}\n{table.read_text()}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
