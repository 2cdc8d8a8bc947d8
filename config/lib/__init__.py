"""The floor: what every app may use and what knows none of them. Each file has a subject; there is no `utils`."""
