"""Say how many maps each restriction leaves."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bids_ari.inputs.filters import admits, in_words
from bids_ari.inputs.refusals import option_of
from bids_ari.inputs.scan import Scan

LOGGER = logging.getLogger("bids_ari")


def tell_counts(
    scans: Sequence[Scan],
    query: Mapping[str, Sequence[Any]],
    asked: Sequence[str],
    in_file: Collection[str] = (),
) -> None:
    """
    Log the number of maps before and after each restriction.

    Parameters
    ----------
    scans : sequence of Scan
        Of the datasets.
    query : mapping of str to sequence
        Entity to the values allowed.
    asked : sequence of str
        Labels of the subjects asked for, empty for all.
    in_file : collection of str
        Entities of the query that a filter file names.
    """
    # subjects repeat each other: few sets of maps, each of many subjects
    left: Counter[int] = Counter()
    entities: list[dict[str, str]] = []
    n_subjects = len({who for one in scans for who in one.held if not asked or who in set(asked)})
    for one in scans:
        held = Counter(bits for who, bits in one.held.items() if not asked or who in set(asked))
        for index, named in enumerate(one.names):
            left[len(entities)] = sum(n for bits, n in held.items() if bits >> index & 1)
            entities.append(named)
    whose = f"{n_subjects} subject{'s' * (n_subjects != 1)}{' of --participant-label' if asked else ''}"
    steps = [f"{left.total()} first-level maps of {whose}"]
    for name, allowed in query.items():
        if name == "subject":
            continue
        left = Counter(
            {
                index: n
                for index, n in left.items()
                if admits(name, allowed, entities[index].get(name))
            }
        )
        option = option_of(name, in_file)
        steps.append(f"{left.total()} after {option} ({in_words({name: allowed})})")
    LOGGER.info("%s", "; ".join(steps))
