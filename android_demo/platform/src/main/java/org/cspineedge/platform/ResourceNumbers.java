package org.cspineedge.platform;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Writes a class {@code R} for a folder of resources, where there is no aapt2 to do it. */
public final class ResourceNumbers {
    private static final Pattern VALUE = Pattern.compile("<(string|plurals|color|dimen|style) name=\"([^\"]+)\"");
    private static final Pattern ID = Pattern.compile("\"@\\+id/([a-z_]+)\"");
    private static final int FIRST = 0x7f010000;

    private ResourceNumbers() {}

    /** Arguments: the folder {@code res}, the package of {@code R}, the folder for its source. */
    public static void main(String[] arguments) throws IOException {
        File resources = new File(arguments[0]);
        String packageName = arguments[1];
        File target = new File(arguments[2], packageName.replace('.', '/') + "/R.java");
        target.getParentFile().mkdirs();
        Files.write(target.toPath(), source(packageName, names(resources)).getBytes(StandardCharsets.UTF_8));
    }

    private static SortedMap<String, SortedSet<String>> names(File resources) throws IOException {
        SortedMap<String, SortedSet<String>> names = new TreeMap<>();
        for (File folder : resources.listFiles()) {
            String type = folder.getName().replaceAll("-.*", "");
            for (File file : folder.listFiles()) {
                String text = Files.readString(file.toPath());
                if (type.equals("values")) {
                    for (Matcher found = VALUE.matcher(text); found.find(); ) {
                        add(names, found.group(1), found.group(2).replace('.', '_'));
                    }
                } else {
                    add(names, type, file.getName().replaceAll("\\..*", ""));
                    for (Matcher found = ID.matcher(text); found.find(); ) {
                        add(names, "id", found.group(1));
                    }
                }
            }
        }
        return names;
    }

    private static void add(Map<String, SortedSet<String>> names, String type, String name) {
        names.computeIfAbsent(type, unused -> new TreeSet<>()).add(name);
    }

    private static String source(String packageName, Map<String, SortedSet<String>> names) {
        StringBuilder source = new StringBuilder("package " + packageName + ";\n\npublic final class R {\n");
        int first = FIRST;
        for (Map.Entry<String, SortedSet<String>> type : names.entrySet()) {
            source.append("    public static final class ").append(type.getKey()).append(" {\n");
            int number = first;
            for (String name : type.getValue()) {
                source.append("        public static final int ").append(name).append(" = ").append(number++).append(";\n");
            }
            source.append("    }\n");
            first += 0x10000;
        }
        return source.append("}\n").toString();
    }
}
