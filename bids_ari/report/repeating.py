"""The command that repeats a run with the model that it has left."""

import shlex

from bids_ari.report.results import Result

# options that make the model, and whether they take one value, several or none
_VALUES = {
    "--model": "one",
    "--formula": "one",
    "--group-by": "one",
    "--covariates": "several",
    "--group-contrast": "several",
    "--no-centering": "none",
}


def repeat_command(result: Result) -> str:
    """
    Write the command line of a run with its model as a file.

    Parameters
    ----------
    result : Result
        One analysis.

    Returns
    -------
    command : str
        Empty where the command line or the model is not known.
    """
    line = str(result.run.get("CommandLine", ""))
    if result.stats_model is None or not line:
        return ""
    try:
        words = shlex.split(line)
    except ValueError:
        return ""
    out_dir = result.run.get("Options", {}).get("output_dir") or "."
    model = f"{out_dir}/{result.stats_model.relative_to(result.root).as_posix()}"
    return shlex.join([*_without_model(words), "--model", model])


def _without_model(words: list[str]) -> list[str]:
    kept, dropping = [], ""
    for word in words:
        if word.startswith("--"):
            name, equals, _ = word.partition("=")
            dropping = _VALUES.get(name, "")
            if not dropping:
                kept.append(word)
            elif equals and dropping == "one":
                dropping = "none"
        elif dropping in {"", "none"} or word.startswith("-"):
            dropping = ""
            kept.append(word)
        elif dropping == "one":
            dropping = ""
    return kept
