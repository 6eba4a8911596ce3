"""Which table must come before which: the foreign-key graph and its components.

Imports the model only; used by the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from schemasynth.model import Schema, TableName

if TYPE_CHECKING:
    import networkx as nx


def foreign_key_graph(schema: Schema) -> nx.MultiDiGraph[TableName]:
    """Return the graph with an edge from each parent to each child, one a foreign key.

    Args:
        schema: its foreign keys to tables that are not in it are left out.
    """
    import networkx as nx

    graph: nx.MultiDiGraph[TableName] = nx.MultiDiGraph()
    graph.add_nodes_from(sorted(table.name for table in schema))
    for table in schema:
        for key in table.foreign_keys:
            if key.referred in schema:
                graph.add_edge(key.referred, table.name, foreign_key=key)
    return graph


def load_order(
    parents: Mapping[TableName, Sequence[TableName]],
    *closer: Mapping[TableName, Sequence[TableName]],
) -> tuple[TableName, ...]:
    """Order tables parents first; tables of a cycle stand together.

    Args:
        parents: of each table; names that are no key of the mapping are ignored.
        closer: fewer parents of each table; they alone decide within a cycle, and the next
            ones within what is still a cycle.

    Returns:
        Every table once, the same order for the same input.
    """
    order = component_order(parents)
    if not closer:
        return tuple(name for part in order for name in part)
    return tuple(
        name
        for part in order
        for name in load_order({table: closer[0].get(table, ()) for table in part}, *closer[1:])
    )


def component_order(
    parents: Mapping[TableName, Sequence[TableName]],
) -> list[list[TableName]]:
    """Return the sets of tables that need each other, parents first; most hold one table.

    Args:
        parents: of each table.
    """
    import networkx as nx

    condensed = nx.condensation(_plain(parents))
    first = {node: min(condensed.nodes[node]["members"]) for node in condensed}
    ranks = sorted(first, key=lambda node: first[node])
    position = {node: i for i, node in enumerate(ranks)}
    ordered = nx.lexicographical_topological_sort(condensed, key=lambda node: position[node])
    return [sorted(condensed.nodes[node]["members"]) for node in ordered]


def cycles(parents: Mapping[TableName, Sequence[TableName]]) -> tuple[tuple[TableName, ...], ...]:
    """Return the sets of tables that need each other, self-references left out.

    Args:
        parents: of each table.
    """
    import networkx as nx

    components = nx.strongly_connected_components(_plain(parents))
    return tuple(sorted(tuple(sorted(part)) for part in components if len(part) > 1))


def _plain(parents: Mapping[TableName, Sequence[TableName]]) -> nx.DiGraph[TableName]:
    import networkx as nx

    graph: nx.DiGraph[TableName] = nx.DiGraph()
    graph.add_nodes_from(sorted(parents))
    graph.add_edges_from(
        (parent, child)
        for child, names in sorted(parents.items())
        for parent in names
        if parent in parents and parent != child
    )
    return graph
