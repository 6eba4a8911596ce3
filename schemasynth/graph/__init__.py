"""The foreign-key graph: context parents, load order, cycles.

Pure functions of models, profiles and frames; imports `model` and `infer`.
"""

from schemasynth.graph.context import ContextChoice, ContextScore, choose_contexts
from schemasynth.graph.order import cycles, foreign_key_graph, load_order

__all__ = [
    "ContextChoice",
    "ContextScore",
    "choose_contexts",
    "cycles",
    "foreign_key_graph",
    "load_order",
]
