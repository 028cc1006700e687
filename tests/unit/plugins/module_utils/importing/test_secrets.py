# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which values are secret."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.importing.secrets import divided, secret_leaves

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "values",
    [
        {"password": "x"},
        {"auth": {"rootPassword": "a b"}},
        {"auth": {"username": "u1"}},
        {"rabbitmq": {"erlangCookie": "Zx81kQ92mmPq4Vt7LwA0sD3f"}},
        {"apiKey": "k"},
        {"salt": "x1"},
        {"config": {"cookie": {"seed": "grain"}}},
        {"env": [{"name": "HASH_SALT", "value": "x1"}]},
        {"cookieSeed": "x1"},
        {"env": {"DB_PASSWORD": "x"}},
        {"pin": 1234},
        {"dbPassword": 12345678},
        {"url": "amqp://guest:guest@mq:5672/"},
        {"tls": {"key": "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n"}},
        {"header": f"Bearer {JWT}"},
        {"ci": "ghp_0123456789abcdefghij"},
        {"users": "admin:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC"},
        {"config": "[db]\nhost = x\npassword = hunter2\n"},
        {"config": '{"auths": {"r.example.org": {"auth": "dTpw"}}}'},
        {"extra": "aZ3kQ9xW2mB7vL5nT8yP"},
        {"args": ["--token", "hunter2"]},
        {"args": ["-db-password", "hunter2", "--verbose"]},
        {"command": "mysql --password hunter2 shop"},
        {"command": ["curl", "-u", "joe:hunter2", "http://x"]},
        {"slack": "https://hooks.slack.com/services/T0/B0/x"},
        {"teams": {"url": "https://x.webhook.office.com/webhookb2/x"}},
        {"sas": "https://x.blob.core.windows.net/c?sv=2020&sig=abc%2F"},
        {"kubeconfig": "users:\n- user: {client-key-data: abc}\n"},
        {"netrc": "machine h login u password hunter2"},
        {"config": "port 1\nrequirepass hunter2\n"},
        {"config": "[smtp]\nuser = bob\npass = hunter2\n"},
        {"command": "curl -H 'Authorization: Bearer hunter2' shop"},
    ],
)
def test_a_secret_is_found_by_name_or_shape(values: Any) -> None:
    assert [*secret_leaves(values)]


@pytest.mark.parametrize(
    "values",
    [
        {"existingSecret": "db-login"},
        {"auth": {"existingSecret": "db-login", "enabled": True}},
        {"auth": {"secretName": "x", "passwordKey": "password", "enabled": "true"}},
        {"imagePullSecrets": [{"name": "registry"}]},
        {"valueFrom": {"secretKeyRef": {"name": "x", "key": "password"}}},
        {"passwordFile": "/run/secrets/password"},
        {
            "image": {
                "digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "tag": "v1.2.3",
            }
        },
        {"annotations": {"checksum/config": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
        {"host": "https://db.example.org:5432/path"},
        {"adminUser": "root", "username": "joe"},
        {"seed": 42, "seeds": ["db-0", "db-1"], "salt": {"master": "host"}, "rock": "basalt", "basalt": "grey"},
        {"tokenTtl": True, "replicas": 3, "port": 12345678},
        {"password": ""},
        {"args": ["--password-file", "/run/secrets/password", "--token", "--verbose", "--user", "me"]},
        {"command": "login --token --verbose; login --password $PASSWORD"},
        {"command": ["run", "-u", "1000:1000", "--user", "nobody:1000"]},
        {"config": "bypass: true\nencompass = everything\n"},
        {"className": "SomeVeryLongCamelCaseClassNameInJava"},
        {"path": "/usr/local/share/SomeThing/Else/file1"},
    ],
)
def test_what_only_refers_to_a_secret_is_none(values: Any) -> None:
    assert [*secret_leaves(values)] == []


def test_the_value_beside_a_telling_name_is_secret() -> None:
    env = [{"name": "LOG_LEVEL", "value": "debug"}, {"name": "API_TOKEN", "value": "abc"}]
    assert [*secret_leaves({"env": env})] == [(("env", 1, "value"), "abc")]


def test_lists_go_as_a_whole_and_both_parts_are_the_whole_again() -> None:
    values = {"a": {"l": [1, {"password": "x"}], "b": 1, "empty": {}}, "c": 2}
    public, secret = divided(values, [path for path, _value in secret_leaves(values)])
    assert public == {"a": {"b": 1, "empty": {}}, "c": 2}
    assert secret == {"a": {"l": [1, {"password": "x"}]}}
