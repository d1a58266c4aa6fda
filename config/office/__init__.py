"""One desk: portal, staff and worker on embedded services, started and stopped by one command.

The composition room at the very top. Nothing imports it, and it knows only how the others are started.
"""
