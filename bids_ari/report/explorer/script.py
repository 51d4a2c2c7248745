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
MODULES_3D = (
    "cubes.js",
    "niivue.js",
    "solid.js",
)
"""Those of the 3-D view, which follow."""
_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[a-z]+\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function |const |class )", re.MULTILINE)


def script(*, view_3d: bool = False) -> str:
    """
    Join the modules of the explorer into one script, with or without those of the 3-D view.

    Pages are opened from disk, where browsers load no modules; so their imports and the word
    ``export`` are dropped, and all stand in one block. In strict mode it is an error of syntax if
    two of them use the same name.
    """
    folder = files("bids_ari.report") / "static" / "explorer"
    parts = []
    for name in (*MODULES, *(MODULES_3D if view_3d else ())):
        source = (folder / name).read_text(encoding="utf-8")
        parts.append(f"// {name}\n" + _EXPORT.sub("", _IMPORT.sub("", source)).strip())
    return '"use strict";\n{\n' + "\n\n".join(parts) + "\n}\n"


def style(*, view_3d: bool = False) -> str:
    """Read the style of the explorer, with or without that of the 3-D view."""
    folder = files("bids_ari.report") / "static" / "explorer"
    names = ["explorer.css", *(["solid.css"] if view_3d else [])]
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
