"""NiiVue, which draws the 3-D view, as a page holds it: packed, until a reader asks for it."""

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LICENSE = "LICENSE"
ORIGIN = "ORIGIN.json"


@dataclass(frozen=True, slots=True)
class Library:
    """A script that runs only when the page puts it into an element of its own."""

    name: str
    """With its version."""
    text: str
    """Compressed with gzip, in base64."""
    sha256: str
    """Of the script as it is, in base64, as a content security policy names it."""
    license: str
    """What has to be told along with it."""


@cache
def niivue() -> Library:
    """
    Read NiiVue from the package.

    Returns
    -------
    Library
        The same for the same file, to the byte.
    """
    folder = files("bids_ari.report") / "static" / "vendor" / "niivue"
    origin = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
    source = (folder / origin["file"]).read_bytes()
    return Library(
        name=f"{origin['name']} {origin['version']}",
        text=base64.b64encode(gzip.compress(source, 9, mtime=0)).decode(),
        sha256=base64.b64encode(hashlib.sha256(source).digest()).decode(),
        license=(folder / LICENSE).read_text(encoding="utf-8"),
    )
