"""What two parties and a dealer do together, step by step: the protocol program, its text, its bill.

Made by the passes, read by the runtime. Knows fields and the types of graphs, no pass and no machine.
"""
