"""Django's backend for PostgreSQL, without a round trip each time that a connection is taken from the pool."""
