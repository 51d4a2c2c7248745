"""What can be wrong with the input, and the exit code that says so."""

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
