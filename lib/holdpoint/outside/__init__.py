"""Adapters to what is reached outside of the machines: channels for messages, trackers, the banner of a status page."""
