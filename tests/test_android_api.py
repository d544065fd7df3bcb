"""Android's API: known classes and members with the levels that Google documents, and what there is not."""

from __future__ import annotations

import android_tools
import pytest

from cspine_edge.android.api import EXACT_UP_TO, NEWEST, Api, Levels, Signatures
from cspine_edge.android.dex import Member
from cspine_edge.android.tools import d8_jar, stubs_folder


@pytest.fixture(scope="module")
def api() -> Api:
    android_tools.need()
    jar, stubs = d8_jar(), stubs_folder()
    assert jar is not None
    assert stubs is not None
    return Api(Levels(jar), Signatures(stubs))


def member(text: str) -> Member:
    holder, _, rest = text.partition(".")
    return Member(holder, *rest.split(":"))


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Landroid/app/Activity;", 1),
        ("Landroid/view/WindowInsets;", 20),
        ("Landroid/hardware/camera2/CameraDevice$StateCallback;", 21),
        ("Landroid/view/WindowInsets$Type;", 30),
        ("Landroid/window/OnBackInvokedDispatcher;", NEWEST),  # 33, but that is not known here
        ("Ljava/util/function/BiConsumer;", 24),
        ("Landroid/app/NoSuchActivity;", None),
        ("Landroid/view/View$NoSuchClass;", None),
        ("Landroidx/core/view/ViewCompat;", None),
        ("Lsun/misc/Unsafe;", None),
    ],
)
def test_classes(api: Api, name: str, level: int | None) -> None:
    assert api.of_class(name) == level


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Landroid/app/Activity;.onCreate:(Landroid/os/Bundle;)V", 1),
        ("Landroid/app/Activity;.getString:(I)Ljava/lang/String;", 1),  # of Context
        ("Landroid/widget/Button;.setText:(Ljava/lang/CharSequence;)V", 1),  # of TextView
        ("Landroid/view/View;.getRootWindowInsets:()Landroid/view/WindowInsets;", 23),
        ("Landroid/view/Window;.setDecorFitsSystemWindows:(Z)V", 30),
        ("Landroid/view/View;.performHapticFeedback:(II)Z", 3),
        ("Landroid/view/View;.performHapticFeedback:(J)Z", None),
        ("Landroid/graphics/Bitmap;.getPixels:([IIIIIII)V", 1),
        ("Landroid/graphics/Bitmap;.getPixels:([BIIIIII)V", None),
        ("Landroid/os/Build$VERSION;.SDK_INT:I", 4),
        ("Landroid/os/Build$VERSION;.NO_SUCH_FIELD:I", None),
        ("Ljava/io/InputStream;.readAllBytes:()[B", NEWEST),  # 33
        ("Ljava/io/InputStream;.read:([BII)I", 1),
        ("Ljava/lang/Math;.floorMod:(II)I", 24),
        ("Ljava/util/HashMap;.forEach:(Ljava/util/function/BiConsumer;)V", 24),
        ("Ljava/util/List;.of:()Ljava/util/List;", 30),
        (
            "Ljava/lang/String;.format:(Ljava/util/Locale;Ljava/lang/String;[Ljava/lang/Object;)Ljava/lang/String;",
            1,
        ),
        ("Ljava/lang/String;.equals:(Ljava/lang/Object;)Z", 1),  # of Object
        ("Ljava/util/List;.hashCode:()I", 1),
        ("Ljava/lang/System;.in:Ljava/io/InputStream;", 1),  # a word of Python
        ("Ljava/lang/Thread;.<init>:(Ljava/lang/Runnable;Ljava/lang/String;)V", 1),
        ("Ljava/lang/Thread;.<init>:(Ljava/lang/String;Ljava/lang/Runnable;)V", None),
        ("Ljava/lang/Enum;.valueOf:(Ljava/lang/Class;Ljava/lang/String;)Ljava/lang/Enum;", 1),
        ("Ljava/util/Map$Entry;.getKey:()Ljava/lang/Object;", 1),
        ("Landroid/app/NoSuchActivity;.toString:()Ljava/lang/String;", None),
    ],
)
def test_members(api: Api, text: str, level: int | None) -> None:
    assert api.of_member(member(text)) == level


def test_what_shares_a_hash_counts_as_the_newest_of_these() -> None:
    android_tools.need()
    jar = d8_jar()
    assert jar is not None
    levels = Levels(jar)
    shared = [key for key, level in levels._levels.items() if level == 255]
    assert len(shared) == 127
    assert {levels._level(key) for key in shared} == {29}
    assert max(set(levels._levels.values()) - {255}) == EXACT_UP_TO
