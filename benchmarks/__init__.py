"""What Holdpoint costs, measured beside what people would use instead: `inv bench`. Not a part of the installed package.

A *work* is something to be done, such as ten steps on one host; a *side* is one way of doing it, ours or a peer's. A
side lives in a process of its own (`sides/`), with the Python of its own environment, and does the work when it is told
to. All sides of a work take turns, round by round, so that what the machine does meanwhile meets them all.
"""
