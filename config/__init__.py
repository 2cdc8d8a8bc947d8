"""Project: settings, doors, processes; and the floor that all apps stand on."""

import gc

# Most of what a process makes stays: modules, models, URLs, templates. Python would look all of it through for garbage
# after every 700 new objects, which was a fifth of what starting costs, and is a part of every request.
gc.set_threshold(50_000, 20, 20)
