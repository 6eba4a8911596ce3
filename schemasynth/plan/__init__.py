"""Plans: what a refresh does to each table and column, and the plan file.

Pure functions of models, profiles and frames; imports `model`, `infer` and `graph`.
"""
