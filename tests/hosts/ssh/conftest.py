"""What the tests over SSH share: one site for each worker, with the servers that they ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sshd import Site, site


@pytest.fixture(scope="session")
def ssh_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site")) as made:
        yield made
