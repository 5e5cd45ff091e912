"""What comes before what: layers, cycles, and the way that takes longest."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from panel.graph_order import in_order, layers_of, longest_path

IDS = [f"t{number}" for number in range(12)]
EDGES = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda edge: edge[0] != edge[1]),
    max_size=40,
    unique=True,
)


def test_a_layer_is_the_longest_way_that_leads_there() -> None:
    order, edges = in_order(["d", "c", "b", "a"], [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d")])

    assert order == ["a", "b", "c", "d"]
    assert layers_of(order, edges) == {"a": 0, "b": 1, "c": 2, "d": 3}


def test_a_cycle_is_cut_where_it_closes_and_hides_nobody() -> None:
    order, edges = in_order(["a", "b", "c"], [("a", "b"), ("b", "c"), ("c", "a")])

    assert sorted(order) == ["a", "b", "c"]
    assert edges == [("a", "b"), ("b", "c")]


@settings(deadline=None)
@given(EDGES)
def test_every_edge_that_is_kept_leads_to_a_later_layer(edges) -> None:
    order, kept = in_order(IDS, edges)
    layers = layers_of(order, kept)

    assert sorted(order) == sorted(IDS)
    assert all(layers[first] < layers[second] for first, second in kept)
    assert set(kept) <= set(edges)


@settings(deadline=None)
@given(EDGES, st.lists(st.integers(0, 3), min_size=len(IDS), max_size=len(IDS)))
def test_no_way_weighs_more_than_the_longest(edges, weights) -> None:
    weight = dict(zip(IDS, map(float, weights), strict=True))
    order, kept = in_order(IDS, edges)
    total = dict.fromkeys(order, 0.0)
    for name in order:
        total[name] = weight[name] + max((total[a] for a, b in kept if b == name), default=0.0)

    path = longest_path(order, kept, weight)

    assert sum(weight[name] for name in path) == max(total.values())
    assert all(weight[name] for name in path)


def test_where_nothing_weighs_anything_there_is_no_longest_way() -> None:
    assert longest_path(["a", "b"], [("a", "b")], {"a": 0.0, "b": 0.0}) == []
    assert longest_path([], [], {}) == []
