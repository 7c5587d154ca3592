"""Practice drills: what one is, what its proof found, and how a trainee's repair is graded. Pure."""
