"""What interfaces say of themselves, to whoever embeds them."""

import inspect
from typing import Any

import pytest

from bids_ari import interfaces
from bids_ari.interfaces import derivatives

EMBEDDABLE = [getattr(interfaces, name) for name in interfaces.__all__]
WRITERS = [derivatives.WriteDerivative, derivatives.WriteTable, derivatives.WriteInclusion]


@pytest.mark.parametrize("interface", [*EMBEDDABLE, *WRITERS])
def test_every_field_says_what_it_is(interface: Any) -> None:
    for spec in (interface.input_spec(), interface.output_spec()):
        assert spec.copyable_trait_names()
        for name in spec.copyable_trait_names():
            assert spec.trait(name).desc, name


@pytest.mark.parametrize("interface", EMBEDDABLE)
def test_help_tells_what_goes_in_and_comes_out(interface: Any) -> None:
    text = interface.help(returnhelp=True)
    summary = (inspect.getdoc(interface) or "").splitlines()[0]
    assert text.startswith(summary)
    assert summary.endswith(".")
    for name in interface.output_spec().copyable_trait_names():
        assert f"\n        {name}: (" in text.partition("Outputs::")[2]


@pytest.mark.parametrize("interface", EMBEDDABLE)
def test_no_choice_is_offered_twice(interface: Any) -> None:
    spec = interface.input_spec()
    for name in spec.copyable_trait_names():
        choices = getattr(spec.trait(name).trait_type, "values", None)
        if isinstance(choices, tuple):
            assert len(set(choices)) == len(choices), name


def test_all_interfaces_of_the_embeddable_workflow_are_at_hand() -> None:
    from bids_ari.workflows import init_ari_wf

    workflow = init_ari_wf(method="simes")
    nodes = [workflow.get_node(name) for name in workflow.list_node_names()]
    used = {type(node.interface) for node in nodes if "node" not in node.name}
    assert used == set(EMBEDDABLE)
