package android.util;

/** Attributes of an XML element. */
public interface AttributeSet {
    /** Value of an attribute, or null. */
    String getAttributeValue(String namespace, String name);
}
