"""Practice drills: proven, graded, healed."""
