"""Sets grow together and go by their smallest member."""

from __future__ import annotations

import numpy as np

from cspine_edge.audit.disjoint import DisjointSets


def test_sets_go_by_their_smallest_member() -> None:
    sets = DisjointSets(6)
    assert sets.numbers().tolist() == [0, 1, 2, 3, 4, 5]
    sets.unite(5, 3)
    sets.unite(1, 4)
    sets.unite(4, 5)
    sets.unite(1, 3)  # are one already
    assert sets.numbers().tolist() == [0, 1, 2, 1, 1, 1]
    assert sets.find(5) == 1


def test_any_order_of_links_gives_the_components() -> None:
    rng = np.random.default_rng(0)
    links = rng.integers(0, 300, (200, 2))
    colour = np.arange(300)  # plain: every link paints one component in the colour of the other
    for one, other in links:
        colour[colour == colour[max(one, other)]] = colour[min(one, other)]
    smallest = np.array([np.flatnonzero(colour == own)[0] for own in colour])
    for order in (links, links[::-1], rng.permutation(links)):
        sets = DisjointSets(300)
        for one, other in order.tolist():
            sets.unite(one, other)
        np.testing.assert_array_equal(sets.numbers(), smallest)
