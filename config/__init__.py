"""Project: settings, doors, processes; and the floor that all apps stand on."""
