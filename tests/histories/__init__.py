"""Histories that look real, of any length: for figures, and for looking at pages as they are after years.

``DATABASE_URL=… python -m tests.histories 1000000`` fills an empty database of PostgreSQL with a million attempts.
"""
