"""Benchmarks: each module measures one thing, as ratios against a floor or a peer in the same run, as a table."""
