# Copyright (c) 2026, the helmstack.core authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of the API keep the object, the field and the reason, and lose what fills the screen."""

from __future__ import annotations

import pytest

from ansible_collections.helmstack.core.plugins.module_utils.api_messages import without_objects

START = 'Job.batch "app" is invalid: spec.template: Invalid value: '
LARGE = '{"Spec":{"Volumes":null,"Args":["{","\\"}"],"Text":"%s"},"Resources":null}' % ("x" * 100)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"{START}{LARGE}: field is immutable", f"{START}{{…}}: field is immutable"),
        (f"{START}core.PodTemplateSpec{LARGE}: field is immutable", f"{START}{{…}}: field is immutable"),
        (f"{START}&v1.X{LARGE}: no, b: Invalid value: {LARGE}: nor", f"{START}{{…}}: no, b: Invalid value: {{…}}: nor"),
        (f"{START}{LARGE[:-20]}", f"{START}{{…}}"),  # cut off
        (f'{START}{{"a":1}}: too small', f'{START}{{"a":1}}: too small'),
        ('x: Invalid value: "second_": a lowercase name', 'x: Invalid value: "second_": a lowercase name'),
        ("not found", "not found"),
    ],
)
def test_large_objects_are_left_out(message: str, expected: str) -> None:
    assert without_objects(message) == expected
