package org.cspineedge.platform;

import android.content.Context;
import android.content.res.Resources;
import android.util.AttributeSet;
import java.util.HashMap;
import java.util.Map;
import org.w3c.dom.Element;

/** Attributes of a view's element, those of its style among them, and the values they stand for. */
public final class XmlAttributes implements AttributeSet {
    private static final String PREFIX = "android:";

    private final Resources resources;
    private final Map<String, String> values = new HashMap<>();

    /** Reads an element of a layout. */
    public XmlAttributes(Element element, Context context) {
        resources = context.getResources();
        if (element.hasAttribute("style")) {
            values.putAll(resources.jvmFolder().style(element.getAttribute("style")));
        }
        for (int i = 0; i < element.getAttributes().getLength(); i++) {
            values.put(element.getAttributes().item(i).getNodeName(), element.getAttributes().item(i).getNodeValue());
        }
    }

    @Override
    public String getAttributeValue(String namespace, String name) {
        return values.get(PREFIX + name);
    }

    /** Its text after references are followed, or null. */
    public String text(String name) {
        String value = values.get(PREFIX + name);
        return value == null ? null : resources.jvmFolder().resolve(value, night());
    }

    /** True only if it says so. */
    public boolean flag(String name) {
        return "true".equals(text(name));
    }

    /** A length in pixels, or another value if there is none. */
    public int pixels(String name, int otherwise) {
        String value = text(name);
        if (value == null) {
            return otherwise;
        }
        return switch (value) {
            case "match_parent" -> -1;
            case "wrap_content" -> -2;
            default -> Math.round(length(value));
        };
    }

    private float length(String value) {
        float number = Float.parseFloat(value.replaceAll("[a-z]+$", ""));
        if (value.endsWith("sp")) {
            return number * resources.getDisplayMetrics().scaledDensity;
        }
        return value.endsWith("px") ? number : number * resources.getDisplayMetrics().density;
    }

    /** A number, or another one if there is none. */
    public float number(String name, float otherwise) {
        String value = text(name);
        return value == null ? otherwise : Float.parseFloat(value);
    }

    /** Whether it is dark. */
    public boolean night() {
        return resources.jvmConfiguration().night();
    }

    /** The app's resources. */
    public ResourceFolder folder() {
        return resources.jvmFolder();
    }

    /** Number of the view, or -1. */
    public int id() {
        String value = values.get(PREFIX + "id");
        return value == null ? -1 : folder().find("id", value.substring(value.indexOf('/') + 1));
    }
}
