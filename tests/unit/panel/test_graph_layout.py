"""Where a graph's nodes stand: none on another, everything inside, few edges across each other."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from panel.graph_layout import BOX_HEIGHT, BOX_WIDTH, lay_out

LAYERS = st.lists(st.integers(0, 5), min_size=1, max_size=14)


@settings(deadline=None)
@given(LAYERS, st.data())
def test_boxes_stand_apart_and_edges_lead_from_box_to_box(layers, data) -> None:
    nodes = tuple((f"t{number}", layer) for number, layer in enumerate(layers))
    possible = [(a, b) for a, one in nodes for b, other in nodes if one < other]
    edges = tuple(data.draw(st.lists(st.sampled_from(possible), unique=True))) if possible else ()

    layout = lay_out(nodes, edges)

    for (_, one), (_, other) in combinations(layout.boxes.items(), 2):
        assert one[0] != other[0] or abs(one[1] - other[1]) >= BOX_HEIGHT
    for left, top in layout.boxes.values():
        assert 0 <= left <= layout.width - BOX_WIDTH
        assert 0 <= top <= layout.height - BOX_HEIGHT
    for (first, second), points in layout.points.items():
        assert points[0] == (
            layout.boxes[first][0] + BOX_WIDTH,
            layout.boxes[first][1] + BOX_HEIGHT // 2,
        ), points
        assert points[-1][0] == layout.boxes[second][0]
    assert set(layout.points) == set(edges)


def test_edges_that_need_not_cross_do_not() -> None:
    nodes = (("a", 0), ("b", 0), ("c", 1), ("d", 1))

    boxes = lay_out(nodes, (("a", "d"), ("b", "c"))).boxes

    assert (boxes["a"][1] < boxes["b"][1]) == (boxes["d"][1] < boxes["c"][1])


def test_a_chain_is_level() -> None:
    nodes = tuple((f"t{number}", number) for number in range(6))
    edges = tuple((f"t{number}", f"t{number + 1}") for number in range(5))

    assert len({top for _, top in lay_out(nodes, edges).boxes.values()}) == 1


def test_a_long_edge_leads_around_what_stands_between() -> None:
    nodes = (("a", 0), ("b", 1), ("c", 2))

    layout = lay_out(nodes, (("a", "b"), ("b", "c"), ("a", "c")))
    left, top = layout.boxes["b"]

    through = [y for x, y in layout.points["a", "c"] if left <= x <= left + BOX_WIDTH]
    assert len(through) == 2
    assert all(not top <= y <= top + BOX_HEIGHT for y in through)


def test_with_too_many_bends_long_edges_go_straight() -> None:
    nodes = tuple((f"t{number}", number) for number in range(120))
    edges = tuple((f"t{number}", "t119") for number in range(119))

    layout = lay_out(nodes, edges)

    assert all(len(points) == 2 for points in layout.points.values())


def test_nothing_makes_an_empty_picture() -> None:
    assert lay_out((), ()).boxes == {}
