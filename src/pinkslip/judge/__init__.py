"""Decides, and does nothing else: a fleet at one instant, policies and open episodes in, decisions out. Pure."""
