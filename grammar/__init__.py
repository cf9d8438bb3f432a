"""The language: from text to a tree of meaning, and back to tidy text."""
