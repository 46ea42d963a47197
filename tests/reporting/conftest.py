import pytest

from tests import servers


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory):
    with servers.influxdb1(tmp_path_factory.mktemp("influxdb")) as server:
        yield server
