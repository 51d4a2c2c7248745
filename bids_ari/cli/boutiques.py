"""
How platforms call the program: a Boutiques descriptor, made from the parser.

See the schema 0.5 of `Boutiques <https://github.com/boutiques/boutiques>`_; the names of the inputs
are those of the `BIDS execution specification <https://github.com/bids-standard/execution-spec>`_
where it has one, and ``custom`` is read by it and by CBRAIN.
"""

import argparse
import json
import re
from collections.abc import Iterator
from typing import Any

from bids_ari import __version__
from bids_ari.cli import values
from bids_ari.errors import ExitCode

_IDS = {
    "bids_dir": "InputDataset",
    "output_dir": "OutputLocation",
    "analysis_level": "AnalysisLevel",
    "help": "Help",
    "version": "ToolVersion",
    "participant_label": "SubjectLabel",
    "session_label": "SessionLabel",
    "task_id": "TaskLabel",
    "space": "SpaceLabel",
}
"""What the specification calls inputs; the others are called by their destination."""
_FILES = (values.file, values.named_path)
_FLAGS = (
    argparse._StoreTrueAction,
    argparse._CountAction,
    argparse._HelpAction,
    argparse._VersionAction,
)
_DISABLES = {
    "model": ("formula", "covariates", "group_by", "group_contrast", "no_centering"),
    "formula": ("covariates", "group_by"),
    "mask": ("mask_coverage",),
    "dry_run": ("reports_only", "boilerplate_only"),
    "reports_only": ("dry_run", "boilerplate_only"),
    "boilerplate_only": ("dry_run", "reports_only"),
}
"""Options that the parser refuses beside another."""
_EXIT_CODES = {
    ExitCode.FAILURE: "something failed; the log says what",
    ExitCode.UNKNOWN_LEVEL: "an analysis level other than group or dataset",
    ExitCode.NOTHING_SELECTED: "the filters select nothing",
    ExitCode.USAGE: "wrong usage; the message names the option",
    ExitCode.DATA: "the data are not as they should be; the message names the file",
    ExitCode.NO_INPUT: "there are no first-level maps",
    ExitCode.CANNOT_CREATE: "the output cannot be written, or another run uses the directory",
    130: "interrupted; the same command goes on from there",
    143: "ended by the system; the same command goes on from there",
}
_OUTPUT = "[OUTPUTLOCATION]"
_CBRAIN = {
    "cbrain:author": "The bids_ari developers",
    "cbrain:readonly-input-files": True,
    "cbrain:integrator_modules": {
        "BoutiquesFileTypeVerifier": {"InputDataset": ["BidsDataset"]},
        "BoutiquesOutputFileTypeSetter": {"output": "BidsDataset"},
        "BoutiquesPostProcessingCleaner": ["work"],
        "BoutiquesAllowedExitCodes": [0],
    },
}


def describe(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """
    Describe a command line for platforms.

    Parameters
    ----------
    parser : ArgumentParser
        From :func:`bids_ari.cli.build_parser`.

    Returns
    -------
    dict
        Valid by the Boutiques schema 0.5; the version is that of the release.

    Examples
    --------
    >>> from bids_ari.cli import build_parser
    >>> descriptor = describe(build_parser())
    >>> descriptor["command-line"].split()[:4]
    ['bids-ari', '[INPUTDATASET]', '[OUTPUTLOCATION]', '[ANALYSISLEVEL]']
    >>> next(one for one in descriptor["inputs"] if one["id"] == "alpha")["type"]
    'Number'
    """
    inputs = [_input(action) for action in _actions(parser)]
    inputs.sort(key=lambda one: "command-line-flag" in one)  # a list before them would take them
    release = re.match(r"[\d.]*\d", __version__)
    version = release.group() if release else __version__
    return {
        "name": parser.prog,
        "tool-version": version,
        "description": parser.description,
        "author": "The bids_ari developers",
        "schema-version": "0.5",
        "command-line": " ".join([parser.prog, *(one["value-key"] for one in inputs)]),
        "container-image": {
            "type": "singularity",
            "index": "docker://",
            "image": f"bids_ari:{version}",
        },
        "inputs": inputs,
        "groups": list(_groups(parser)),
        "output-files": _outputs(),
        "error-codes": [
            {"code": int(code), "description": text} for code, text in _EXIT_CODES.items()
        ],
        "suggested-resources": {"cpu-cores": 2, "ram": 4, "walltime-estimate": 3600},
        "tags": {
            "domain": ["neuroinformatics", "fmri", "statistics"],
            "purpose": ["group analysis"],
        },
        "tests": [
            {
                "name": "the simulated group of 'make demo'",
                "invocation": {
                    "InputDataset": "demo/firstlevel",
                    "OutputLocation": "output",
                    "AnalysisLevel": "group",
                    "cluster_threshold": ["3.1", "auto"],
                },
                "assertions": {
                    "exit-code": 0,
                    "output-files": [{"id": "output"}, {"id": "report"}],
                },
            }
        ],
        "custom": {
            # the text of the specification has one name, its table the other
            "BIDSApplicationVersion": "0.1.0",
            "BIDSAppSpecVersion": "0.1.0",
            "OutputDataSpecification": ["BIDS-Derivatives"],
            **_CBRAIN,
        },
    }


def as_json(descriptor: dict[str, Any]) -> str:
    """
    Write a descriptor.

    Parameters
    ----------
    descriptor : dict
        From :func:`describe`.

    Returns
    -------
    str
        Text of the file ``boutiques/bids_ari.json``.

    Examples
    --------
    >>> print(as_json({"name": "bids-ari"}), end="")
    {
      "name": "bids-ari"
    }
    """
    return json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if action.dest != "bids_exec_spec":  # it goes with no other argument
            yield action


def _id(dest: str) -> str:
    return _IDS.get(dest, dest)


def _input(action: argparse.Action) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": _id(action.dest),
        "name": action.dest.replace("_", " ").capitalize(),
        "description": _text(action),
        **_type(action),
        "optional": bool(action.option_strings),
        "value-key": f"[{_id(action.dest).upper()}]",
    }
    if action.option_strings:
        long = [one for one in action.option_strings if one.startswith("--")]
        found["command-line-flag"] = long[0]
    if action.nargs == "+":
        found |= {"list": True, "min-list-entries": 1}
    if action.choices is not None:
        found["value-choices"] = list(action.choices)
    if action.dest in _DISABLES:
        found["disables-inputs"] = [_id(dest) for dest in _DISABLES[action.dest]]
    return found


def _type(action: argparse.Action) -> dict[str, Any]:
    taken = action.type
    if isinstance(action, _FLAGS):
        return {"type": "Flag"}
    if action.dest == "bids_dir" or taken in _FILES:
        return {"type": "File"}
    if taken is values.processes:
        return {"type": "Number", "integer": True, "minimum": 1}
    if taken is int:
        return {"type": "Number", "integer": True}
    if isinstance(taken, values.Whole):
        return {"type": "Number", "integer": True, "minimum": taken.low, "maximum": taken.high}
    if isinstance(taken, values.Number):
        found = {"type": "Number", "minimum": taken.low, "exclusive-minimum": taken.exclude_low}
        if taken.high < float("inf"):
            found |= {"maximum": taken.high, "exclusive-maximum": taken.exclude_high}
        return found
    return {"type": "String"}  # directories that are to be made, too: no platform brings them


def _text(action: argparse.Action) -> str:
    # not how many CPUs there are where the descriptor is made
    text = (action.help or "").replace(", here %(default)s", "")
    return text % {**vars(action), "prog": "bids-ari"}


def _groups(parser: argparse.ArgumentParser) -> Iterator[dict[str, Any]]:
    known = {action.dest for action in _actions(parser)}
    for group in parser._action_groups:
        members = [_id(one.dest) for one in group._group_actions if one.dest in known]
        if not members:
            continue
        title = {"positional arguments": "datasets", "options": "about"}.get(
            group.title or "", group.title or ""
        )
        # an option may be called as its group
        group_id = f"{title.replace(' ', '_')}_options"
        found = {"id": group_id, "name": title.capitalize(), "members": members}
        yield found | ({"description": group.description} if group.description else {})


def _outputs() -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "name": title,
            "description": text,
            "path-template": f"{_OUTPUT}{path}",
            "optional": True,  # a dry run writes nothing; the exit code says what failed
        }
        for name, title, text, path in (
            ("output", "Derivatives", "group maps, tables and reports, as BIDS-Derivatives", ""),
            ("report", "Report", "list of the reports, to open in a browser", "/index.html"),
            (
                "dataset_description",
                "Dataset description",
                "what made the derivatives, from which datasets",
                "/dataset_description.json",
            ),
        )
    ]
