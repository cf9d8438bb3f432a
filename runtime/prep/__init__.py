"""The dealer's numbers on their way to the parties: files that are used once, or a dealer that is there."""
