"""The listing of aapt2: elements with their attributes, and intent filters in words."""

from __future__ import annotations

import pytest

from cspine_edge.android.manifest import COMPONENTS, parse

ANDROID = "http://schemas.android.com/apk/res/android:"
LISTING = f"""N: android=http://schemas.android.com/apk/res/android (line=2)
  E: manifest (line=2)
    A: {ANDROID}versionCode(0x0101021b)=100
    A: {ANDROID}versionName(0x0101021c)="0.1.0" (Raw: "0.1.0")
    A: http://schemas.example/other:package="foreign" (Raw: "foreign")
    A: package="org.cspineedge.app" (Raw: "org.cspineedge.app")
      E: application (line=10)
        A: {ANDROID}label(0x01010001)=@0x7f080004
        A: {ANDROID}allowBackup(0x01010280)=false
          E: activity (line=12)
            A: {ANDROID}name(0x01010003)="a.B" (Raw: "a.B")
              E: intent-filter (line=17)
                  E: action (line=18)
                    A: {ANDROID}name(0x01010003)="android.intent.action.VIEW" (Raw: "android.intent.action.VIEW")
                  E: data (line=21)
                    A: {ANDROID}mimeType(0x01010026)="image/*" (Raw: "image/*")
          E: service (line=30)
            A: {ANDROID}name(0x01010003)="a.C" (Raw: "a.C")
      E: uses-permission (line=40)
        A: {ANDROID}name(0x01010003)="android.permission.CAMERA" (Raw: "android.permission.CAMERA")
"""


def test_elements_nest_as_they_are_indented() -> None:
    root = parse(LISTING)
    assert root.attributes == {"versionCode": "100", "versionName": "0.1.0", "package": "org.cspineedge.app"}
    assert [child.name for child in root.children] == ["application", "uses-permission"]
    components = {component.get("name"): component for component in root.all(*COMPONENTS)}
    assert list(components) == ["a.B", "a.C"]
    assert components["a.B"].filters == ["VIEW image/*"]
    assert components["a.C"].filters == []
    (application,) = root.all("application")
    assert (application.get("allowBackup"), application.get("debuggable")) == ("false", None)


def test_another_document_is_none() -> None:
    with pytest.raises(ValueError, match="no manifest"):
        parse("N: a=b\n  E: resources (line=1)\n")
