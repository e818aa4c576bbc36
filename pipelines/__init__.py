"""Dagster, and nothing else: what runs, when, and what it reports. Work on stores is asked of ``cenote``."""
