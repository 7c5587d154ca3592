"""The incident: how grave it is, where its phases stand, its clocks, its messages. Pure, over a journal of its own."""
