"""Becoming another user through `sudo -n`, and what it means where that is refused."""

from __future__ import annotations

import re

from holdpoint.hosts.agent import LinkRefused

USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?", re.ASCII)


def user_name(become: str) -> str:
    """Give the user's name if it is one. Raises `LinkRefused`."""
    if USER.fullmatch(become) is None:
        raise LinkRefused(f"`{become}` is no name of a user")
    return become


def refused(complaint: str, host: str, become: str) -> str:
    """Say what a complaint of sudo means and what to do; empty where it is none."""
    if "sudo:" not in complaint and "sudo" not in complaint.partition(":")[0]:
        if "sudo" in complaint and "not found" in complaint:
            return f"`sudo` is not installed on `{host}`, so nobody can become `{become}`: install it, or log in as `{become}`"
        return ""
    if "password" in complaint or "not allowed" in complaint or "not in the sudoers" in complaint:
        return (
            f"`sudo -n` on `{host}` as `{become}` asks for a password, or does not allow it: allow it with NOPASSWD in "
            f"sudoers, or log in as `{become}`"
        )
    if "not found" in complaint:
        return (
            f"`sudo` is not installed on `{host}`, so nobody can become `{become}`: install it, or log in as `{become}`"
        )
    return f"`sudo -n` on `{host}` as `{become}` was refused: {complaint}"
