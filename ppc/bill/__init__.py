"""What a plan costs before it runs: bytes, rounds, randomness, products, memory, time, and its deviation from float.

Everything is counted from the plan alone. What the parties send is counted by `plan.messages` and what the dealer sends
by `plan.material`, so that a run can be held to it; the other columns say what a machine has to do.
"""
