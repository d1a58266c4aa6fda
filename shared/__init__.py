"""The one model layer under both doors: what is, what is allowed, what happens, what is shown.

``model`` is what is; ``rules`` is what is allowed (pure); the commands (``sign_in``, ``intake``, ``review``,
``receipts``) are what happens: they take a ``Session`` and never commit; ``queue`` and ``slips`` are what is shown.
"""
