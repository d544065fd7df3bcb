"""What a dex file asks of Android: compiled code whose calls are missing, newer, guarded or inherited."""

from __future__ import annotations

from pathlib import Path

import android_tools
import pytest

from cspine_edge.android.api import Api, Levels, Signatures
from cspine_edge.android.compatibility import Compatibility, examine
from cspine_edge.android.dex import parse
from cspine_edge.android.tools import d8_jar, stubs_folder

LIBRARY = {
    "android/os/Build.java": """
        package android.os;
        public class Build {
            public static class VERSION { public static final int SDK_INT = Integer.parseInt("1"); }
        }""",
    "android/app/Activity.java": """
        package android.app;
        public class Activity { public void setContentView(int id) {} public void invented() {} }""",
    "android/view/Window.java": """
        package android.view;
        public class Window { public void setDecorFitsSystemWindows(boolean fits) {} }""",
    "android/window/OnBackInvokedCallback.java": """
        package android.window;
        public interface OnBackInvokedCallback { void onBackInvoked(); }""",
    "android/app/Invented.java": "package android.app; public class Invented extends RuntimeException {}",
}


@pytest.fixture
def examined(tmp_path: Path):
    """Compiles the body of a class and examines it."""

    def run(body: str, head: str = "class Sample extends android.app.Activity") -> Compatibility:
        source = f"import android.os.Build.VERSION; import android.view.Window; public {head} {{ {body} }}"
        listing = android_tools.listing_of({"Sample.java": source}, LIBRARY, tmp_path)
        jar, stubs = d8_jar(), stubs_folder()
        assert jar is not None
        assert stubs is not None
        return examine(parse(listing), Api(Levels(jar), Signatures(stubs)), 24)

    return run


def test_what_is_there_is_counted(examined) -> None:
    found = examined(
        "int own; void open() { setContentView(own); run(); } static void run() { Math.abs(-1); }"
    )
    assert (found.missing, found.unguarded, found.newer) == ((), (), 0)
    # Activity, its constructor and setContentView; Math.abs
    assert found.references == 4


def test_what_is_not_there_is_named_with_its_user(examined) -> None:
    found = examined(
        "void open() { invented(); try { run(); } catch (android.app.Invented e) {} } void run() {}"
    )
    assert found.unguarded == ()
    assert found.missing == (
        "Landroid/app/Invented; is not in the API; used by LSample;.open:()V",
        "Landroid/app/Activity;.invented:()V is not in the API; used by LSample;.open:()V",
    )


def test_what_is_newer_needs_a_comparison(examined) -> None:
    bad = examined("void open(Window w) { w.setDecorFitsSystemWindows(false); }")
    assert bad.newer == 1
    assert bad.unguarded == (
        "Landroid/view/Window;.setDecorFitsSystemWindows:(Z)V came with API 30; "
        "LSample;.open:(Landroid/view/Window;)V reaches it without comparison",
    )
    good = examined("void open(Window w) { if (VERSION.SDK_INT >= 30) w.setDecorFitsSystemWindows(false); }")
    assert (good.newer, good.unguarded, good.missing) == (1, (), ())


def test_a_class_of_newer_kind_may_be_made_on_newer_phones_only(examined) -> None:
    body = """
        static class Back implements android.window.OnBackInvokedCallback { public void onBackInvoked() {} }
        void open() { if (VERSION.SDK_INT >= LEVEL) new Back().onBackInvoked(); }"""
    (problem,) = examined(body.replace("LEVEL", "35")).unguarded
    assert problem == (
        "Landroid/window/OnBackInvokedCallback; came after API 31, by 36; LSample$Back; reaches it without comparison"
    )
    assert examined(body.replace("LEVEL", "36")).unguarded == ()
