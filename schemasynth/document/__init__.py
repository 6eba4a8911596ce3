"""A schema as a document: summary, Markdown, Mermaid.

Imports the model only.
"""
