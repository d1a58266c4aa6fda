"""What is allowed. Pure: no clock, no database, no web; arguments in, answers out."""
