"""Who may be in danger, or be a danger: read from words alone. Pure so far; imports nothing but the floor."""
