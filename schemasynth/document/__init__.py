"""A schema as a document: summary, Markdown, Mermaid.

Imports the model only.
"""

from schemasynth.document.markdown import markdown
from schemasynth.document.mermaid import mermaid
from schemasynth.document.summary import summary

__all__ = ["markdown", "mermaid", "summary"]
