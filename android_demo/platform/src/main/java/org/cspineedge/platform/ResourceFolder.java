package org.cspineedge.platform;

import android.content.res.Resources;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

/**
 * An app's folder {@code res}: what aapt2 puts into tables is read from the XML files here. Numbers are those of the app's
 * classes {@code R}. Of the qualifiers there is {@code night} alone.
 */
public final class ResourceFolder {
    private static final String[] TYPES = {"string", "plurals", "color", "dimen", "style", "layout", "drawable", "id"};

    private final File folder;
    private final Map<Integer, String> names = new HashMap<>();
    private final Map<String, Integer> numbers = new HashMap<>();
    private final Map<String, Element> values = new HashMap<>();
    private final Map<String, Element> nightValues = new HashMap<>();
    private final Map<File, Element> files = new HashMap<>();

    /**
     * Reads the values.
     *
     * @param folder the folder
     * @param loader of the app's classes
     * @param packageName of its class {@code R}
     */
    public ResourceFolder(File folder, ClassLoader loader, String packageName) throws ReflectiveOperationException {
        this.folder = folder;
        for (String type : TYPES) {
            for (Field field : loader.loadClass(packageName + ".R$" + type).getDeclaredFields()) {
                if (field.getType() == int.class) {
                    field.setAccessible(true);
                    names.put(field.getInt(null), field.getName());
                    numbers.put(type + "/" + field.getName(), field.getInt(null));
                }
            }
        }
        readValues("values", values);
        readValues("values-night", nightValues);
    }

    private void readValues(String name, Map<String, Element> into) {
        for (File file : new File(folder, name).listFiles()) {
            for (Node node = root(file).getFirstChild(); node != null; node = node.getNextSibling()) {
                if (node instanceof Element element) {
                    into.put(element.getTagName() + "/" + element.getAttribute("name"), element);
                }
            }
        }
    }

    private Element root(File file) {
        return files.computeIfAbsent(file, path -> {
            try {
                return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(path).getDocumentElement();
            } catch (ParserConfigurationException | SAXException | IOException error) {
                throw new Resources.NotFoundException(path + ": " + error.getMessage());
            }
        });
    }

    /** Name of a resource. */
    public String name(int id) {
        String name = names.get(id);
        if (name == null) {
            throw new Resources.NotFoundException(Integer.toHexString(id));
        }
        return name;
    }

    /** Number of a resource, or 0. Styles are written with a dot and numbered with an underscore. */
    public int find(String type, String name) {
        return numbers.getOrDefault(type + "/" + name.replace('.', '_'), 0);
    }

    /** Root element of an XML file, such as {@code layout/row}. */
    public Element xml(String path) {
        return root(new File(folder, path + ".xml"));
    }

    /** A text. */
    public String string(int id) {
        return text(value("string/" + name(id), false));
    }

    /** A text for a number. */
    public String plural(int id, String quantity) {
        Element plurals = value("plurals/" + name(id), false);
        for (Node node = plurals.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element item && item.getAttribute("quantity").equals(quantity)) {
                return text(item);
            }
        }
        throw new Resources.NotFoundException(name(id) + ": " + quantity);
    }

    private static String text(Element element) {
        String raw = element.getTextContent().trim().replaceAll("\\s+", " ");
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c == '\\' && i + 1 < raw.length()) {
                c = raw.charAt(++i);
                text.append(c == 'n' ? '\n' : c);
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }

    private Element value(String name, boolean night) {
        Element value = night && nightValues.containsKey(name) ? nightValues.get(name) : values.get(name);
        if (value == null) {
            throw new Resources.NotFoundException(name);
        }
        return value;
    }

    /** Follows a text such as {@code @string/x} or {@code @dimen/x}; others are given back. */
    public String resolve(String value, boolean night) {
        if (value.startsWith("@string/") || value.startsWith("@dimen/")) {
            return resolve(text(value(value.substring(1), night)), night);
        }
        return value;
    }

    /** A colour: {@code #RGB...} or a reference to one that does not depend on states. */
    public int color(String value, boolean night) {
        if (value.startsWith("#")) {
            long number = Long.parseLong(value.substring(1), 16);
            return (int) (value.length() == 7 ? number | 0xFF000000L : number);
        }
        return color(value(value.substring(1), night).getTextContent(), night);
    }

    /** True if a colour is one of {@code res/color}, with states. */
    public boolean isStateful(String color) {
        return color.startsWith("@color/") && !values.containsKey(color.substring(1));
    }

    /** The items of a style and of its parents in the app. */
    public Map<String, String> style(String reference) {
        Map<String, String> items = new LinkedHashMap<>();
        if (!reference.startsWith("@style/")) {
            return items; // of the system: not known here
        }
        Element style = value(reference.substring(1), false);
        String name = style.getAttribute("name");
        if (style.hasAttribute("parent")) {
            items.putAll(style(style.getAttribute("parent")));
        } else if (name.indexOf('.') > 0) {
            items.putAll(style("@style/" + name.substring(0, name.lastIndexOf('.'))));
        }
        for (Node node = style.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element item) {
                items.put(item.getAttribute("name"), item.getTextContent().trim());
            }
        }
        return items;
    }
}
