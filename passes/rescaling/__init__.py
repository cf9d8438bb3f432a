"""How `place_rescales` gives every value its scale: one file for the steps, one for what iterations carry."""
