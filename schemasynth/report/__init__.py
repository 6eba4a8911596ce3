"""What a refresh did, as HTML and JSON: aggregates, never row values.

Imports `plan`, `rewrite`, `verify` and `generator` values.
"""
