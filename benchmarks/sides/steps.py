"""The steps over SSH: small, and usual in a diagnosis. Every side of every tool gets these."""

STEPS = ("uptime", "df --output=pcent -- / | tr -dc 0-9", "uname -n")


def repeated(count):
    """So many of them, in turns."""
    return [STEPS[n % len(STEPS)] for n in range(count)]
