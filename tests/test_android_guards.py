"""Guards: real dex code of every shape that a comparison with SDK_INT takes, and of those that are none."""

from __future__ import annotations

import re

import android_tools
import pytest

from cspine_edge.android.dex import Instruction, Member, Method, parse
from cspine_edge.android.guards import Guards, flow

LIBRARY = {
    "android/os/Build.java": """
        package android.os;
        public class Build {
            public static class VERSION { public static final int SDK_INT = Integer.parseInt("1"); }
        }""",
    "android/os/Young.java": """
        package android.os;
        public class Young { public static void since30() {} public static void since31() {} }""",
}
GOOD = """
    void inside() { if (VERSION.SDK_INT >= 30) Young.since30(); }
    void leavesEarly() { if (VERSION.SDK_INT < 30) return; Young.since30(); }
    void turned() { if (30 <= VERSION.SDK_INT && hashCode() == 3) Young.since30(); }
    void above() { if (VERSION.SDK_INT > 29) Young.since30(); }
    void notAbove() { if (VERSION.SDK_INT <= 29) hashCode(); else Young.since30(); }
    void equal() { if (VERSION.SDK_INT == 30) Young.since30(); }
    void notEqual() { if (VERSION.SDK_INT != 33) return; Young.since31(); }
    void local() {
        int level = VERSION.SDK_INT;
        for (int i = 0; i < 3; i++) {
            if (level < 31) continue;
            try { Young.since31(); } catch (RuntimeException e) { Young.since31(); }
        }
    }
    void chosen(int k) {
        if (VERSION.SDK_INT < 31) return;
        switch (k) { case 1: hashCode(); break; case 2: Young.since31(); break; case 3: k = 4; }
    }
    void lambda() { if (VERSION.SDK_INT > 30) { Runnable r = () -> Young.since31(); r.run(); } }
    void object() {
        if (VERSION.SDK_INT >= 30) {
            int captured = hashCode();
            new Thread() { public void run() { Young.since30(); if (captured > 2) circle(2); } }.start();
        }
    }
    private static void circle(int n) { Young.since30(); if (n > 0) back(n - 1); }
    private static void back(int n) { Young.since30(); circle(n - 1); }
    void helper() { if (VERSION.SDK_INT >= 30) Api30.call(); }
    static final class Api30 { static void call() { Young.since30(); } }
"""
BAD = """
    void plain() { Young.since30(); }
    void tooOld() { if (VERSION.SDK_INT >= 29) Young.since30(); }
    void after() { if (VERSION.SDK_INT >= 30) hashCode(); Young.since30(); }
    void wrongWay() { if (VERSION.SDK_INT < 30) Young.since30(); }
    void or() { if (VERSION.SDK_INT >= 30 || hashCode() == 3) Young.since30(); }
    void caught() {
        try { if (VERSION.SDK_INT >= 30) hashCode(); else throw new RuntimeException(); }
        catch (RuntimeException e) { Young.since30(); }
    }
    void chosen(int k) {
        switch (k) { case 1: if (VERSION.SDK_INT < 30) return; break; case 2: break; case 3: k = 4; }
        Young.since30();
    }
    void lambda() { Runnable r = () -> Young.since31(); r.run(); }
    boolean kept = VERSION.SDK_INT >= 30;
    void field() { if (kept) Young.since30(); }
    void helper() { if (VERSION.SDK_INT >= 30) Sometimes.call(); }
    void unguardedHelper() { Sometimes.call(); }
    static final class Sometimes { static void call() { Young.since30(); } }
    private static void circle(int n) { Young.since30(); if (n > 0) back(n - 1); }
    private static void back(int n) { circle(n - 1); }
    void intoTheCircle() { if (VERSION.SDK_INT >= 30) back(1); circle(2); }
    public void neverCalledHere() { Young.since30(); }
"""
CODE = {"Good": GOOD, "Bad": BAD}
HEAD = "import android.os.Build.VERSION; import android.os.Young; "


@pytest.fixture(scope="module")
def covered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[bool]]:
    """For each class, whether its calls of what is young are covered."""
    sources = {f"{name}.java": HEAD + f"public class {name} {{ {body} }}" for name, body in CODE.items()}
    classes = parse(android_tools.listing_of(sources, LIBRARY, tmp_path_factory.mktemp("guards")))
    guards, found = Guards(classes), {}
    for one in classes.values():
        for method in one.methods:
            for instruction in method.instructions:
                called = instruction.member
                if called is not None and called.holder == "Landroid/os/Young;":
                    answer = guards.covers(method, instruction.address, int(called.name[-2:]))
                    found.setdefault(str(method.member), set()).add(answer)
    return found


def test_what_is_guarded(covered: dict[str, set[bool]]) -> None:
    good = {name: answers for name, answers in covered.items() if name.startswith("LGood")}
    assert len(good) == GOOD.count("Young.since") - 1  # one method has two
    assert all(answers == {True} for answers in good.values()), good


def test_what_is_not(covered: dict[str, set[bool]]) -> None:
    bad = {name: answers for name, answers in covered.items() if name.startswith("LBad")}
    assert len(bad) == BAD.count("Young.since")
    assert all(answers == {False} for answers in bad.values()), bad


def method(code: str) -> Method:
    """A method of instructions that are written one a line, each at the next address."""
    lines = [re.fullmatch(r"([a-z0-9/-]+) ?(.*)", line.strip()) for line in code.strip().splitlines()]
    found = Method(Member("LA;", "a", "()V"), 1)
    found.instructions = [Instruction(i, match[1], match[2]) for i, match in enumerate(lines) if match]
    return found


SGET = "sget v0, Landroid/os/Build$VERSION;.SDK_INT:I"


@pytest.mark.parametrize(
    ("between", "level"),
    [
        ("nop", 30),
        ("const/4 v3, #int 1", 30),
        ("const/16 v1, #int 28", 28),
        ("const/4 v0, #int 1", 0),
        ("move v0, v5", 0),
        ("const-wide/16 v0, #int 7", 0),  # takes v1 too
        ("invoke-static {v0}, LX;.y:(I)V", 30),
        ("iput v0, v3, LX;.y:I", 30),
    ],
)
def test_registers_that_are_overwritten_are_forgotten(between: str, level: int) -> None:
    code = f"{SGET}\nconst/16 v1, #int 30\n{between}\nif-lt v0, v1, 0005\nreturn-void\nreturn-void"
    levels = flow(method(code))
    assert (levels[3], levels[4], levels[5]) == (0, level, 0)


def test_copies_are_followed() -> None:
    code = f"{SGET}\nmove/from16 v16, v0\nconst/16 v0, #int 30\nif-ge v16, v0, 0005\nreturn-void\nreturn-void"
    assert flow(method(code))[5] == 30


def test_ways_that_meet_keep_the_lower_level() -> None:
    code = f"if-eqz v9, 0004\n{SGET}\nconst/16 v1, #int 30\nif-lt v0, v1, 0005\nnop\nreturn-void"
    assert flow(method(code))[4] == 0
