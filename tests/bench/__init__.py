"""Figures beside a bare limit, measured in the same run. Never part of the tests: machines are noisy."""
