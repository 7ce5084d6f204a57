"""One tick: the fleet at one instant, the policies and what is remembered, to decisions. Nothing else decides."""

from pinkslip.judge.conclusions import Finding, Judgement, PanicPool, PolicyAnswer, Recomputed
from pinkslip.judge.state import JudgeState

__all__ = ["Finding", "JudgeState", "Judgement", "PanicPool", "PolicyAnswer", "Recomputed"]
