"""Cycles of a graph of dependencies: each once, each member in at most one, none overlooked."""

from __future__ import annotations

import graphlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.intake import find_cycles

NAMES = st.sampled_from("abcdefgh")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=4), max_size=8)


@pytest.mark.parametrize(
    ("graph", "cycles"),
    [
        ({}, []),
        ({"a": ["b"], "b": []}, []),
        ({"a": ["nobody"]}, []),
        ({"a": ["a"]}, [["a", "a"]]),
        ({"a": ["b"], "b": ["a"]}, [["a", "b", "a"]]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, [["b", "c", "b"]]),
        ({"d": ["a"], "a": ["b", "c"], "b": [], "c": ["a"]}, [["a", "c", "a"]]),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["a", "b", "a"], ["c", "d", "c"]]),
    ],
)
def test_the_cycles_of_a_graph(graph, cycles):
    assert find_cycles(graph) == cycles


@given(GRAPHS)
def test_every_cycle_is_a_way_that_exists_and_nobody_is_in_two(graph):
    members: list[str] = []
    for cycle in find_cycles(graph):
        assert cycle[0] == cycle[-1]
        assert all(parent in graph[child] for child, parent in itertools.pairwise(cycle))
        members += cycle[1:]
    assert len(members) == len(set(members))


@given(GRAPHS)
def test_without_the_members_no_cycle_is_left(graph):
    members = {name for cycle in find_cycles(graph) for name in cycle}
    rest = {child: set(parents) - members for child, parents in graph.items() if child not in members}
    graphlib.TopologicalSorter(rest).prepare()


def test_a_long_chain_and_many_cycles_are_walked_without_recursion():
    chain = {str(number): [str(number + 1)] for number in range(50_000)}
    assert find_cycles(chain) == []
    assert len(find_cycles(chain | {"50000": ["0"]})[0]) == 50_002
    pairs = {str(number): [str(number ^ 1)] for number in range(20_000)}
    assert len(find_cycles(pairs)) == 10_000
