"""The scripts of the explorer as one, without a build step."""

import re
from importlib.resources import files

MODULES = (
    "unpack.js",
    "query.js",
    "grid.js",
    "words.js",
    "colors.js",
    "state.js",
    "hash.js",
    "export.js",
    "facts.js",
    "chart.js",
    "brain.js",
    "slices.js",
    "landscape.js",
    "path.js",
    "table.js",
    "card.js",
    "controls.js",
    "main.js",
)
"""In an order in which nothing is used at the start before it is there."""
_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[a-z]+\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |class )", re.MULTILINE)


def script() -> str:
    """
    Join the modules of the explorer into one script.

    Pages are opened from disk, where browsers load no modules; so their imports and the word
    ``export`` are dropped, and all stand in one block. In strict mode it is an error of syntax if
    two of them use the same name.
    """
    folder = files("bids_ari.report") / "static" / "explorer"
    parts = []
    for name in MODULES:
        source = (folder / name).read_text(encoding="utf-8")
        parts.append(f"// {name}\n" + _EXPORT.sub("", _IMPORT.sub("", source)).strip())
    return '"use strict";\n{\n' + "\n\n".join(parts) + "\n}\n"


def style() -> str:
    """Read the style of the explorer."""
    folder = files("bids_ari.report") / "static" / "explorer"
    return (folder / "explorer.css").read_text(encoding="utf-8")
