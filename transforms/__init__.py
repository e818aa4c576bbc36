"""Pure transforms: frames and SQL in, frames out. No clock, disk, network, key store, Dagster or randomness."""
