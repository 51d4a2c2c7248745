"""Pages from the Markdown of this folder, and from docstrings."""

import os
import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.docutils import SphinxDirective

from bids_ari import __version__, interfaces
from bids_ari.cli import build_parser

os.environ["COLUMNS"] = "88"  # of the help of the command line

project = "bids_ari"
author = project_copyright = "The bids_ari developers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "bids_ari"
html_math_renderer = "mathml"  # browsers draw it themselves: the pages need no network
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say shapes and types
suppress_warnings = [
    "ref.python",  # shapes, as (n_maps, n_features), are not references
    "ref.footnote",  # not every reference of a docstring is called in its text
]
napoleon_google_docstring = False
napoleon_custom_sections = [("Inputs", "params_style"), ("Outputs", "params_style")]


class Interfaces(SphinxDirective):
    """What interfaces say of themselves: their docstrings know nothing of traits."""

    def run(self) -> list[nodes.Node]:
        """Make a section of each."""
        return [self._section(name) for name in interfaces.__all__]

    def _section(self, name: str) -> nodes.Node:
        section = nodes.section(ids=[name.lower()])
        section += nodes.title(text=name)
        text = getattr(interfaces, name).help(returnhelp=True).strip()
        section += nodes.literal_block(text, text, language="text")
        return section


class Help(SphinxDirective):
    """What the command line says of itself, whatever the machine that builds the pages."""

    def run(self) -> list[nodes.Node]:
        """Show it as it is typed."""
        text = re.sub(r",\s+here\s+\d+", "", build_parser().format_help())
        return [nodes.literal_block(text, text, language="text")]


def number_references(_app: Any, _what: str, name: str, *rest: Any) -> None:
    """Let references be numbered through a page: each docstring starts with 1."""
    lines: list[str] = rest[-1]
    target = re.sub(r"\W", "_", name)
    lines[:] = [
        re.sub(
            r"^(\s*\.\. )\[(\d+)\] ",
            rf"\1[#{target}_\2] ",
            re.sub(r"\[(\d+)\]_", rf"[#{target}_\1]_", line),
        )
        for line in lines
    ]


def write_math(translator: Any, node: nodes.Element) -> None:
    """Write a formula as MathML."""
    formula = node.astext().replace(r"\dots", r"\ldots")
    if isinstance(node, nodes.math_block):  # on a phone, a long one is moved, not the page
        written = f'<div style="overflow-x: auto">{tex2mathml(formula, as_block=True)}</div>'
    else:
        written = tex2mathml(formula)
    translator.body.append(written)
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Add to Sphinx what is above."""
    app.add_directive("bids_ari_help", Help)
    app.add_directive("bids_ari_interfaces", Interfaces)
    app.add_html_math_renderer("mathml", (write_math, None), (write_math, None))
    app.connect("autodoc-process-docstring", number_references)
