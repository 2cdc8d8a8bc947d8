"""How dates are written, for each language: Django looks here before it takes its own."""
