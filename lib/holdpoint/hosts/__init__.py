"""Machines: this one, others over SSH, and those that execute nothing."""
