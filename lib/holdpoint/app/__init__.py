"""The use cases, one function each: what the tasks, the console script and the public API call.

Owns how the layers are put together. Everything that differs between a real run, a check, a walk-through and a test is
in the `World` that a use case is handed.
"""
