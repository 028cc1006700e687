"""Makes the marker known here, so that these tests run with any configuration of pytest."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line("markers", "integration: needs the local control plane (tests/cluster)")
