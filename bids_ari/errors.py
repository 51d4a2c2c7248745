"""What can be wrong with the input, and the exit code that says so."""

import difflib
from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line, as recommended by the BIDS Apps execution specification."""

    OK = 0
    FAILURE = 1
    UNKNOWN_LEVEL = 17
    NOTHING_SELECTED = 18
    USAGE = 64
    DATA = 65
    NO_INPUT = 66
    CANNOT_CREATE = 73


class InputError(ValueError):
    """
    The dataset or one of its files lacks something.

    Parameters
    ----------
    message : str
        One line: what was found, what was expected, which file.
    exit_code : ExitCode, optional
        What the command line ends with.
    """

    usual_code = ExitCode.DATA

    def __init__(self, message: str, exit_code: ExitCode | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code or self.usual_code

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, ExitCode]]:
        # worker processes hand it back pickled
        return type(self), (str(self), self.exit_code)


class OutputError(InputError):
    """A place to write to is not as it should be: full, or closed to us."""

    usual_code = ExitCode.CANNOT_CREATE


def did_you_mean(label: str, known: Sequence[str]) -> str:
    """
    Name the nearest labels, ready to be put behind a statement.

    Parameters
    ----------
    label : str
        What was asked for.
    known : sequence of str
        What there is.

    Returns
    -------
    str
        Empty if none is near.

    Examples
    --------
    >>> did_you_mean("1", ["01", "02"]), did_you_mean("faces", ["win"])
    (', did you mean 01?', '')
    """
    forms: dict[str, str] = {}
    for one in known:
        forms.setdefault(_bare(one), one)
    near = difflib.get_close_matches(_bare(label), forms, n=3, cutoff=0.6)
    return f", did you mean {' or '.join(forms[form] for form in near)}?" if near else ""


def _bare(label: str) -> str:
    """Reduce a label to what people do not mistype: letters, and digits without leading zeros."""
    letters = "".join(one for one in label.casefold() if one.isalnum())
    return letters.lstrip("0") or letters
