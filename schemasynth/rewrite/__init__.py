"""Reversible rewrites: source tables become what the generator accepts, and rows come back.

Pure functions of plans and frames; imports `model` and `plan`.
"""
