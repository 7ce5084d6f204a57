"""The nouns every room speaks: words, events, facts, policies, decisions, and the ports rooms meet at.

Imports nothing of ours, does no I/O, never reads a clock.
"""
