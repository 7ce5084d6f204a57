"""Plays what happened, or might: the same fleet and the same judge as live, on virtual time, without a store.

Tests of policies, proofs of what the judge promises, and later the backtest and the simulator. Nothing here
decides: `judge` does.
"""
