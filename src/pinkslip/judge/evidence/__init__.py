"""The statistics behind evidence functions: each a small pure module over vectors, one place per agent asked.

Unknown is NaN. Nothing here knows of fleets, policies or ladders; `judge.weighing` brings these together.
"""
