"""Rollouts: a new release takes over the traffic step by step, is judged, and goes back when it is worse.

Everything but the plan's making is standard library only: the watchdog runs the same code in the cloud.
"""
