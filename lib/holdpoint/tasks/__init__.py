"""The Invoke collection: `from holdpoint.tasks import ns` in a repository's `tasks.py` offers everything.

Each task opens the world and calls one use case; what it needs is imported when it runs, since Invoke imports this
package for every `--list`.
"""

from __future__ import annotations

from invoke.collection import Collection

from holdpoint.tasks import (
    alerts,
    bench,
    desk,
    drills,
    hosts,
    incidents,
    learning,
    oncall,
    project,
    runbooks,
    runs,
    sending,
)
from holdpoint.tasks.offering import collection

ns = Collection(
    runbooks.TASKS,
    runs.TASKS,
    hosts.TASKS,
    collection("incident", *incidents.TASKS, *sending.TASKS, *desk.TASKS, *learning.INCIDENTS),
    collection("action", *learning.ACTIONS),
    alerts.TASKS,
    drills.TASKS,
    oncall.TASKS,
    bench.TASKS,
    project.test,
)
