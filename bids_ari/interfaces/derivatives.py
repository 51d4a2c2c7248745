"""Results to BIDS derivatives, as nodes that always run: a directory may have been emptied."""

from itertools import islice
from pathlib import Path
from typing import Any

from nipype.interfaces.base import (
    BaseInterfaceInputSpec,
    File,
    SimpleInterface,
    TraitedSpec,
    isdefined,
    traits,
)

from bids_ari.files import copy_file, write_json, write_text
from bids_ari.outputs import sidecar_of
from bids_ari.tables import format_tsv


class _WriteInputSpec(BaseInterfaceInputSpec):
    after = traits.Any(desc="result of the last step: nothing is written unless all succeed")


class _WriteDerivativeInputSpec(_WriteInputSpec):
    in_file = File(exists=True, mandatory=True, desc="the result")
    out_file = traits.Str(mandatory=True, desc="its path in the derivatives dataset")
    metadata = traits.Dict(desc="sidecar, as far as known beforehand; none if undefined")
    results = traits.Dict(desc="what the computation adds to the sidecar")


class _WriteFileOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="the file in the derivatives dataset")


class WriteDerivative(SimpleInterface):
    """Copy a result to its place and write its sidecar."""

    input_spec = _WriteDerivativeInputSpec
    output_spec = _WriteFileOutputSpec
    _always_run = True

    def _run_interface(self, runtime: Any) -> Any:
        out_file = Path(self.inputs.out_file)
        if isdefined(self.inputs.metadata):
            results = self.inputs.results if isdefined(self.inputs.results) else {}
            write_json({**self.inputs.metadata, **results}, sidecar_of(out_file))
        self._results["out_file"] = str(copy_file(Path(self.inputs.in_file), out_file))
        return runtime


class _WriteTableInputSpec(_WriteInputSpec):
    columns = traits.List(traits.Str, mandatory=True, desc="names of the columns")
    rows = traits.List(traits.List(traits.Any), mandatory=True, desc="their values")
    out_file = traits.Str(mandatory=True, desc="path in the derivatives dataset")
    metadata = traits.Dict(desc="sidecar; none if undefined")


class WriteTable(SimpleInterface):
    """Write a table and its sidecar."""

    input_spec = _WriteTableInputSpec
    output_spec = _WriteFileOutputSpec
    _always_run = True

    def _run_interface(self, runtime: Any) -> Any:
        out_file = Path(self.inputs.out_file)
        if isdefined(self.inputs.metadata):
            write_json(self.inputs.metadata, sidecar_of(out_file))
        table = format_tsv(self.inputs.columns, self.inputs.rows)
        self._results["out_file"] = str(write_text(table, out_file))
        return runtime


class _WriteInclusionInputSpec(_WriteInputSpec):
    subjects = traits.List(traits.Str, mandatory=True, desc="everyone who might take part")
    reasons = traits.List(traits.Str, mandatory=True, desc="why not, or empty")
    included = traits.List(traits.Bool, mandatory=True, desc="whether they take part")
    sources = traits.List(traits.Str, mandatory=True, desc="BIDS URI of the map, or empty")
    n_rows = traits.List(
        traits.Int,
        desc="rows of the design of each subject; undefined if all who take part have one",
    )
    missing = traits.List(traits.Int, mandatory=True, desc="voxels without value, for each row")
    out_file = traits.Str(mandatory=True, desc="path in the derivatives dataset")


class WriteInclusion(SimpleInterface):
    """Write who is in the analysis, who is out and why, and what their maps lack."""

    input_spec = _WriteInclusionInputSpec
    output_spec = _WriteFileOutputSpec
    _always_run = True

    def _run_interface(self, runtime: Any) -> Any:
        n_rows = self.inputs.n_rows if isdefined(self.inputs.n_rows) else self.inputs.included
        if sum(n_rows) != len(self.inputs.missing):
            msg = f"{sum(n_rows)} maps, {len(self.inputs.missing)} counts"
            raise ValueError(msg)
        missing = iter(self.inputs.missing)  # in the order of the maps, which is that of subjects
        rows = [
            (
                f"sub-{subject}",
                "yes" if included else "no",
                reason,
                max(islice(missing, n)) if included else None,
                source,
            )
            for subject, included, reason, source, n in zip(
                self.inputs.subjects,
                self.inputs.included,
                self.inputs.reasons,
                self.inputs.sources,
                n_rows,
                strict=True,
            )
        ]
        columns = ["participant_id", "included", "reason", "missing_voxels", "source"]
        table = format_tsv(columns, rows)
        self._results["out_file"] = str(write_text(table, Path(self.inputs.out_file)))
        return runtime
