"""What a party's machine needs, and nothing more. See README.md."""
