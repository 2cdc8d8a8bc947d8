"""The roof: what the team does across the apps, and what must know everybody: export and erasure. Nobody imports it."""
