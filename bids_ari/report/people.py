"""Who takes part, who does not, and what is to be said of them."""

from typing import Any

from bids_ari.report.results import Result


def people(result: Result) -> dict[str, Any]:
    """
    Gather what stands on the page of the participants.

    A remark on someone who takes part is left out where the section on the model has it already:
    how several maps of a participant became one.
    """
    excluded = [one for one in result.participants if not one.included]
    included = [one for one in result.participants if one.included]
    rules = tuple(map(str, result.model["Model"].get("MapsOfParticipants", ())))
    remarks = [(one.label, _without(one.reason, rules)) for one in included]
    return {
        "included": included,
        "excluded": excluded,
        "excluded_rows": [(one.label, one.reason or "not given") for one in excluded],
        "remarks": [(label, remark) for label, remark in remarks if remark],
    }


def _without(remark: str, rules: tuple[str, ...]) -> str:
    """Take the one rule for all from a remark; where there are several, they tell who has which."""
    if len(rules) == 1:
        remark = remark.replace(rules[0], "", 1).removeprefix(", ")
    return remark
