"""A team's people and time: working hours, days off, and who is on call. Pure."""
