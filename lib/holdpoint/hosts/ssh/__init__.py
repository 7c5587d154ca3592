"""Targets over SSH: what OpenSSH's configuration says of an alias, the connection to it, and a machine on top of it."""
