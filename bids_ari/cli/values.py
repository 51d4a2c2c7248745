"""The text of an argument to its value; what is wrong is said as argparse wants it."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bids_ari.errors import InputError
from bids_ari.options import LEAST_MEMORY_GB

DECIMALS = 6
_MOST_PER_CPU = 64
"""Processes: thousands start for ever."""


def labels(values: Sequence[str]) -> tuple[str, ...]:
    """Take labels as they are, and those in a file line by line."""
    found: list[str] = []
    for value in values:
        path = Path(value)
        if not path.is_file():
            if os.sep in value or path.suffix:
                msg = f"{value} is not a file, nor a label"
                raise InputError(msg)
            found.append(value)
            continue
        try:
            lines = path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{path} is not a text file with one label per line"
            raise InputError(msg) from error
        if not lines:
            msg = f"{path} is empty, expected one label per line"
            raise InputError(msg)
        found += [line for line in lines if line != "participant_id"]
    return tuple(dict.fromkeys(label.removeprefix("sub-") for label in found))


def named_path(text: str) -> tuple[str, Path]:
    """Split NAME=DIR; without a name, that of the folder."""
    name, separator, path = text.partition("=")
    if not separator:
        path = text
        name = (
            "".join(char for char in Path(text).resolve().name if char.isalnum()) or "derivatives"
        )
    if not Path(path).is_dir():
        msg = f"{path} is not a directory"
        raise argparse.ArgumentTypeError(msg)
    return name, Path(path)


class NotBlank(argparse.Action):
    """Keep text, and end if there is none, as where a variable of a script is not set."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002 - argparse calls it so
    ) -> None:
        """Set the value."""
        if not all(one.strip() for one in ([values] if isinstance(values, str) else values)):
            parser.error(str(argparse.ArgumentError(self, "is empty")))
        setattr(namespace, self.dest, values)


def file(text: str) -> Path:
    """Take the path of a file that is there."""
    if not Path(text).is_file():
        msg = f"{text} is not a file"
        raise argparse.ArgumentTypeError(msg)
    return Path(text)


@dataclass(frozen=True, slots=True)
class Number:
    """Takes numbers within limits, which can be asked for."""

    low: float
    high: float = float("inf")
    exclude_low: bool = False
    exclude_high: bool = False
    most_decimals: int | None = None
    """For numbers that become a part of the names of files."""

    __name__ = "number"  # argparse reports a ValueError as "invalid number value"

    def __call__(self, text: str) -> float:
        """Take a number."""
        value = float(text)
        inside = self.low <= value <= self.high and abs(value) != float("inf")
        at_limit = (self.exclude_low and value == self.low) or (
            self.exclude_high and value == self.high
        )
        if not inside or at_limit:
            limits = f"above {self.low:g}" if self.exclude_low else f"at least {self.low:g}"
            if self.high != float("inf"):
                high = "below" if self.exclude_high else "at most"
                limits += f" and {high} {self.high:g}"
            msg = f"{text} is not {limits}"
            raise argparse.ArgumentTypeError(msg)
        most = self.most_decimals
        if most is not None and (value != round(value, most) or value >= 10**most):
            msg = f"{text} has too many digits for names of files: at most {most} decimals"
            raise argparse.ArgumentTypeError(msg)
        return value


@dataclass(frozen=True, slots=True)
class Whole:
    """Takes whole numbers from some number on."""

    low: int
    high: int = 2**31 - 1

    __name__ = "whole number"  # argparse reports a ValueError as "invalid whole number value"

    def __call__(self, text: str) -> int:
        """Take a number."""
        value = int(text)
        if not self.low <= value <= self.high:
            msg = f"{text} is not a whole number from {self.low} to {self.high}"
            raise argparse.ArgumentTypeError(msg)
        return value


def threshold(text: str) -> float | Literal["auto"]:
    """Take a cluster-forming threshold: a number, or the one that the data choose."""
    if text == "auto":
        return "auto"
    try:
        return Number(0, most_decimals=DECIMALS)(text)
    except ValueError as error:
        msg = f"{text!r} is neither a number nor 'auto'"
        raise argparse.ArgumentTypeError(msg) from error


def difference(text: str) -> tuple[str, str, str]:
    """Split ENTITY=A-B."""
    entity, _, labels = text.partition("=")
    plus, _, minus = labels.partition("-")
    if not (entity and plus and minus) or plus == minus:
        msg = f"{text} is not ENTITY=A-B, such as session=post-pre"
        raise argparse.ArgumentTypeError(msg)
    return entity, plus, minus


def processes(text: str) -> int:
    """Take a number of processes that this machine can start."""
    value, most = int(text), _MOST_PER_CPU * available_cpus()
    if not 1 <= value <= most:
        msg = f"{text} is not between 1 and {most}, {_MOST_PER_CPU} for each CPU there is"
        raise argparse.ArgumentTypeError(msg)
    return value


def memory(text: str) -> float:
    """Read a size as fMRIPrep does; in GB."""
    units = {"K": 1e-6, "M": 1e-3, "G": 1.0, "T": 1e3}
    digits, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "M")
    try:
        value = float(digits) * units[unit]
    except (KeyError, ValueError):
        value = 0.0
    if not value >= LEAST_MEMORY_GB:
        msg = f"{text} is not a size of at least 100 MB, such as 8G or 8000M"
        raise argparse.ArgumentTypeError(msg)
    return value


def available_cpus() -> int:
    """Count the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
