"""Reasons to hold a verdict back, one module each; none knows another, `judge.consult` asks them in order."""
