"""How maps become one, in words."""

from collections.abc import Sequence

from bids_ari.inputs.naming import ENTITIES
from bids_ari.inputs.records import StatMap
from bids_ari.inputs.repeats import Repeats

PLURALS = {name: "echoes" if name == "echo" else f"{name}s" for name in ENTITIES}


def label_of(one: StatMap, name: str) -> str:
    """Look up a label, numbers without leading zeros, empty if there is none."""
    value = one.entities.get(name, "")
    return str(int(value)) if value and ENTITIES[name].dtype == "int" else value


def order(names: Sequence[str], labels: Sequence[str]) -> list[tuple[int, str]]:
    """Make a key that sorts labels, numbers as numbers."""
    return [
        (int(label), "") if label and ENTITIES[name].dtype == "int" else (-1, label)
        for name, label in zip(names, labels, strict=True)
    ]


def varies(maps: Sequence[StatMap], name: str) -> bool:
    """Tell whether maps differ in an entity."""
    return len({label_of(one, name) for one in maps}) > 1


def rule_of(sides: Sequence[Sequence[StatMap]], repeats: Repeats, *, weighted: bool) -> str:
    """
    Say in words how the maps of a row become one.

    Parameters
    ----------
    sides : sequence of sequence of StatMap
        Maps that are averaged; of a difference, those of either side.
    repeats : Repeats
        What to do with several maps of a subject.
    weighted : bool
        Whether means are by inverse variance.

    Returns
    -------
    str
        Empty if a map stays as it is.
    """
    rules = [_rule_of_mean(side, repeats, weighted=weighted) for side in sides]
    if repeats.difference is None:
        return rules[0]
    name, plus, minus = repeats.difference
    if rules[0] == rules[1]:
        rule = f"{name} {plus} minus {name} {minus}"
        rule += f", each the {rules[0]}" if rules[0] else ""
    else:
        one, other = (
            rule or _alone(side[0], repeats) for rule, side in zip(rules, sides, strict=True)
        )
        rule = f"{name} {plus} ({one}) minus {name} {minus} ({other})"
    return f"{rule}, variances added as of independent maps" if repeats.variances else rule


def _rule_of_mean(maps: Sequence[StatMap], repeats: Repeats, *, weighted: bool) -> str:
    if len(maps) == 1:
        return ""
    varying = [name for name in repeats.combine if varies(maps, name)]
    if len(varying) == 1:
        (name,) = varying
        those = f"{PLURALS[name]} {', '.join(label_of(one, name) for one in maps)}"
    else:
        those = ", ".join(
            " ".join(f"{name} {label}" for name in varying if (label := label_of(one, name)))
            for one in maps
        )
    if weighted:
        return f"fixed effects over {those} (inverse variance)"
    return f"mean of {those} (equal weights: no variance maps)"


def _alone(one: StatMap, repeats: Repeats) -> str:
    named = [f"{name} {label}" for name in repeats.combine if (label := label_of(one, name))]
    return f"{' '.join(named)} alone" if named else "one map"
