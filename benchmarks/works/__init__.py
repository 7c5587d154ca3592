"""The works: what is measured, against whom, and what ours must reach. One module each; `ALL` is their order."""

from benchmarks.works import agent, growth, hosts, journal, local, output, runbooks, start

ALL = (
    start.WORK,
    local.WORK,
    hosts.ONE,
    hosts.MANY,
    agent.WORK,
    *output.WORKS,
    *runbooks.WORKS,
    journal.WORK,
    *growth.WORKS,
)
