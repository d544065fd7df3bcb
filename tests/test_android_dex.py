"""The listing of dexdump: classes, members and instructions of a file that D8 made."""

from __future__ import annotations

from pathlib import Path

import android_tools

from cspine_edge.android.dex import Member, element, parse, types_in, versions

SOURCE = """
    public abstract class Sample extends java.util.ArrayList<String> implements Runnable, Comparable<Sample> {
        static final int[] TABLE = new int[3];
        private long count = 1L << 40;
        abstract int size(String[] names, double[][] values);
        static String tell(Object o) {
            try { return ((CharSequence) o).toString() + " // " + Thread.class; }
            catch (ClassCastException e) { return "none"; }
            finally { System.out.println(); }
        }
        public void run() { count++; }
    }"""


def test_a_class_is_taken_apart(tmp_path: Path) -> None:
    listing = android_tools.listing_of({"Sample.java": SOURCE}, {"Unused.java": "class Unused {}"}, tmp_path)
    assert versions(listing) == {"classes.dex": 37}
    (found,) = parse(listing).values()
    assert (found.name, found.superclass) == ("LSample;", "Ljava/util/ArrayList;")
    assert found.interfaces == ["Ljava/lang/Runnable;", "Ljava/lang/Comparable;"]
    assert found.fields == [Member("LSample;", "TABLE", "[I"), Member("LSample;", "count", "J")]
    methods = {method.member.name: method for method in found.methods}
    assert set(methods) == {"<clinit>", "<init>", "size", "tell", "run"}
    assert methods["size"].member.descriptor == "([Ljava/lang/String;[[D)I"
    assert methods["size"].instructions == []
    assert [methods[name].is_direct for name in ("<clinit>", "<init>", "tell", "run")] == [True] * 3 + [False]
    tell = methods["tell"]
    assert "Ljava/lang/ClassCastException;" in [name for _, name in tell.caught]
    addresses = [instruction.address for instruction in tell.instructions]
    assert {target for _, _, target in tell.handlers} <= set(addresses)
    assert addresses == sorted(addresses)
    referred = {str(instruction.member) for instruction in tell.instructions if instruction.member}
    assert referred >= {
        "Ljava/lang/CharSequence;.toString:()Ljava/lang/String;",
        "Ljava/io/PrintStream;.println:()V",
        "Ljava/lang/System;.out:Ljava/io/PrintStream;",
    }
    types = {instruction.type for instruction in tell.instructions} - {None}
    assert types == {"Ljava/lang/CharSequence;", "Ljava/lang/StringBuilder;", "Ljava/lang/Thread;"}
    (made,) = [i for i in methods["<clinit>"].instructions if i.operation == "new-array"]
    assert (made.type, made.member) == ("[I", None)


def test_descriptors() -> None:
    assert list(types_in("([Ljava/lang/String;J[[D)V")) == ["[Ljava/lang/String;", "J", "[[D", "V"]
    assert element("[[Ljava/lang/String;") == "Ljava/lang/String;"
    assert Member("LA;", "b", "()V").is_method
    assert not Member("LA;", "b", "I").is_method
