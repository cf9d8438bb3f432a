"""The leakage contract: what each party sees in clear, and what that may tell it beyond what was meant.

Read from the plan, so that it says what will happen and not what was wanted. Saved and compared, it fails a change that
reveals more.
"""
