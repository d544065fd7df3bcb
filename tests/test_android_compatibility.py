"""What a dex file asks of Android: compiled code whose calls are missing, newer, guarded or inherited."""

from __future__ import annotations

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


CODE = {
    "Plain": "int own; void open() { setContentView(own); run(); } static void run() { Math.abs(-1); }",
    "Missing": """
        void open() { invented(); try { run(); } catch (android.app.Invented e) {} }
        void run() {}""",
    "Newer": "void open(Window w) { w.setDecorFitsSystemWindows(false); }",
    "Guarded": "void open(Window w) { if (VERSION.SDK_INT >= 30) w.setDecorFitsSystemWindows(false); }",
    "Back35": "void open() { if (VERSION.SDK_INT >= 35) new Callback().onBackInvoked(); }",
    "Back36": "void open() { if (VERSION.SDK_INT >= 36) new Callback().onBackInvoked(); }",
}
CALLBACK = (
    "static class Callback implements android.window.OnBackInvokedCallback { public void onBackInvoked() {} }"
)


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compatibility]:
    """Each class examined alone."""
    sources = {}
    for name, body in CODE.items():
        head = f"public class {name} extends android.app.Activity"
        nested = CALLBACK if "Callback" in body else ""
        sources[f"{name}.java"] = (
            f"import android.os.Build.VERSION; import android.view.Window; {head} {{ {body} {nested} }}"
        )
    classes = parse(android_tools.listing_of(sources, LIBRARY, tmp_path_factory.mktemp("compatibility")))
    jar, stubs = d8_jar(), stubs_folder()
    assert jar is not None
    assert stubs is not None
    api = Api(Levels(jar), Signatures(stubs))
    return {
        name: examine({key: found for key, found in classes.items() if key.startswith(f"L{name}")}, api, 24)
        for name in CODE
    }


def test_what_is_there_is_counted(examined: dict[str, Compatibility]) -> None:
    found = examined["Plain"]
    assert (found.missing, found.unguarded, found.newer) == ((), (), 0)
    assert found.references == 4  # Activity, its constructor and setContentView; Math.abs


def test_what_is_not_there_is_named_with_its_user(examined: dict[str, Compatibility]) -> None:
    assert examined["Missing"].unguarded == ()
    assert examined["Missing"].missing == (
        "Landroid/app/Invented; is not in the API; used by LMissing;.open:()V",
        "Landroid/app/Activity;.invented:()V is not in the API; used by LMissing;.open:()V",
    )


def test_what_is_newer_needs_a_comparison(examined: dict[str, Compatibility]) -> None:
    bad, good = examined["Newer"], examined["Guarded"]
    assert bad.newer == 1
    assert bad.unguarded == (
        "Landroid/view/Window;.setDecorFitsSystemWindows:(Z)V came with API 30; "
        "LNewer;.open:(Landroid/view/Window;)V reaches it without comparison",
    )
    assert (good.newer, good.unguarded, good.missing) == (1, (), ())


def test_a_class_of_newer_kind_may_be_made_on_newer_phones_only(examined: dict[str, Compatibility]) -> None:
    assert examined["Back35"].unguarded == (
        "Landroid/window/OnBackInvokedCallback; came after API 31, by 36; "
        "LBack35$Callback; reaches it without comparison",
    )
    assert (examined["Back36"].unguarded, examined["Back36"].newer) == ((), 1)
