"""The demo: what its messages point to is the page that it really serves."""

from __future__ import annotations

from gateway.demo import DemoOptions, _gateway


def test_the_link_of_a_message_has_the_port_of_the_demo(tmp_path):
    options = DemoOptions(None, None, tmp_path, 18123, 15020, 11883, 1.0, "en", None, "auto")
    gateway = _gateway(options, "http://127.0.0.1:9/", lambda *_: None)
    assert gateway.site_file.alarms.base_url == "http://127.0.0.1:18123"
