"""Sessions for those who are used to nox; what each does is in the Makefile, which sets itself up."""

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests", "docs"]


@nox.session
def lint(session: nox.Session) -> None:
    """Format, lint, types, layers."""
    session.run("make", "lint", "types", "layers")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests."""
    session.run("make", "tests")


@nox.session
def docs(session: nox.Session) -> None:
    """Pages, with warnings as errors."""
    session.run("make", "docs")


@nox.session
def demo(session: nox.Session) -> None:
    """Simulate a group, analyse it, compare the bounds with the truth."""
    session.run("make", "demo")
