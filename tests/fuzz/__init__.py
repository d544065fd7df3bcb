"""Fuzzing: hostile inputs at every door of the toolkit, and what must hold whatever comes in.

A door (:mod:`fuzz.doors`) makes input files from seeds and says how the toolkit is called with one. A worker process
(:mod:`fuzz.worker`) makes the call and looks at what came of it; the soak (:mod:`fuzz.soak`) hands inputs to workers,
and knows which one ended a worker or kept it for too long. ``make fuzz`` runs it; ``found/`` keeps what it once found.
"""
