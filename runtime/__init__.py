"""What a party's machine needs, and nothing more."""
