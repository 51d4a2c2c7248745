"""What a text cites, by the keys of ``data/references.bib``."""

import re
from functools import cache
from importlib.resources import files

_CITATION = re.compile(r"\[(@[\w]+(?:; @[\w]+)*)\]")
_ENTRY = re.compile(r"^@\w+\{(?P<key>\w+),\n.*?^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (?P<name>\w+) = \{(?P<value>.*)\},?$", re.MULTILINE)


def cited(text: str) -> list[str]:
    """Return the keys that a text cites, each once, in order of appearance."""
    found = (key for match in _CITATION.finditer(text) for key in match[1].split("; "))
    return list(dict.fromkeys(key.removeprefix("@") for key in found))


def bibtex(text: str) -> str:
    """Return the BibTeX entries of what a text cites."""
    return "\n\n".join(_entries()[key] for key in cited(text)) + "\n"


def readable(text: str) -> str:
    """
    Replace the citation keys of a text by authors and year.

    Examples
    --------
    >>> readable("as shown [@goeman2011; @simes1986]")
    'as shown (Goeman & Solari, 2011; Simes, 1986)'
    """
    return _CITATION.sub(
        lambda match: (
            f"({'; '.join(_short(key.removeprefix('@')) for key in match[1].split('; '))})"
        ),
        text,
    )


def reference_list(text: str) -> list[str]:
    """Return what a text cites as lines for a list of references, in alphabetical order."""
    return sorted(_long(key) for key in cited(text))


@cache
def _entries() -> dict[str, str]:
    text = (files("bids_ari") / "data" / "references.bib").read_text(encoding="utf-8")
    return {match["key"]: match[0] for match in _ENTRY.finditer(text)}


def _fields(key: str) -> dict[str, str]:
    entry = _entries()[key].replace(r"{\'e}", "é").replace(r"{\"o}", "ö")
    return {
        match["name"]: re.sub(r"[{}]", "", match["value"]).replace("--", "-")
        for match in _FIELD.finditer(entry)
    }


def _short(key: str) -> str:
    fields = _fields(key)
    names = [author.split(",")[0] for author in fields["author"].split(" and ")]
    authors = (
        " & ".join(names) if len(names) < 3 and "others" not in names else f"{names[0]} et al."
    )
    return f"{authors}, {fields['year']}" if "year" in fields else authors


def _long(key: str) -> str:
    fields = _fields(key)
    names = fields["author"].split(" and ")
    authors = f"{'; '.join(names[:-1])}; et al." if names[-1] == "others" else "; ".join(names)
    year = f" ({fields['year']})" if "year" in fields else ""
    where = fields.get("journal", fields.get("publisher", ""))
    if "volume" in fields:
        where += f" {fields['volume']}" + (f", {fields['pages']}" if "pages" in fields else "")
    return f"{authors.removesuffix('.') if not year else authors}{year}. {fields['title']}. {where}. https://doi.org/{fields['doi']}"
