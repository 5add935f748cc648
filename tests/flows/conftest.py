"""The running server for the stories."""

from tests.live import live as live
from tests.live import pytest_collection_modifyitems as pytest_collection_modifyitems
