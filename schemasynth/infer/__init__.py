"""Inference: evidence from data and names becomes keys with confidence.

Pure functions of models and evidence; I/O only through the adapter port. Imports `model`, `adapter`.
"""
